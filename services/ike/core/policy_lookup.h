#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/ike/certificates/claims.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/policy.h"

// Questions to the policy in force. Pure; results are copies, so that they outlive a change of policy.
namespace ipsec::ike {

// The names of main mode and quick mode policies, to check that every reference leads somewhere. Borrows the policy.
class PolicyNames {
 public:
  // Borrows both lists.
  PolicyNames(const std::vector<MainModePolicy>& main_mode, const std::vector<QuickModePolicy>& quick_mode);
  Status check(const Filter& filter) const;
  Status check(const MainModeFilter& filter) const;
  Status check(const DefaultResponse& response) const;

 private:
  absl::flat_hash_set<std::string_view> main_mode_;
  absl::flat_hash_set<std::string_view> quick_mode_;
};

// No policy is assigned, and no dynamic rule is there: this host takes no part in IPsec.
bool is_unassigned(const IkePolicy& policy);

// How main mode is done with one peer.
struct MainModeRule {
  std::uint64_t filter_id = 0;  // 0: the default response rule
  std::string rule_name;
  MainModePolicy policy;
  SecretBytes preshared_key;      // empty: not among its methods
  CertificateTerms certificates;  // without authorities: not among its methods
  // What this host can do of its methods, best first; numbers of RFC 2409 appendix A.
  std::vector<std::uint16_t> methods;
  std::vector<Bytes> certificate_requests;  // bodies of CERTREQ payloads

  // Compares keys in constant time.
  friend bool same_authentication(const MainModeRule& a, const MainModeRule& b) {
    return a.filter_id == b.filter_id && a.policy.offers == b.policy.offers &&
           a.certificates.authorities == b.certificates.authorities &&
           constant_time_equal(a.preshared_key.view(), b.preshared_key.view());
  }
};
// `as_responder`: the default response rule counts too, as it does for a peer for whom it has made a dynamic filter.
// `own`: what this host can prove by certificate.
Choice<MainModeRule> find_main_mode_rule(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer,
                                         bool as_responder, const CertificateSummary& own = {});

// What the rule for a peer's request has configured, whether it can be used or not. Borrows the policy.
struct MainModeTerms {
  const MainModePolicy* policy = nullptr;
  const std::vector<AuthenticationMethod>* authentication = nullptr;
  std::string rule_name;
};
std::optional<MainModeTerms> find_main_mode_terms(const IkePolicy& policy, const IpAddress& local,
                                                  const IpAddress& peer);

// What a pair of quick mode SAs is to protect, seen from this host.
struct QuickModeRule {
  std::uint64_t outbound_filter_id = 0;  // 0: the default response rule, which has no filter for it yet
  std::uint64_t inbound_filter_id = 0;
  Encapsulation encapsulation = Encapsulation::kTransport;
  QuickModePolicy policy;
  std::string rule_name;
  std::string filter_text;  // for explanations
  bool dynamic = false;     // its filter was made by the default response rule
};

// The rule of an outbound filter of this id.
std::optional<QuickModeRule> find_quick_mode_rule(const IkePolicy& policy, std::uint64_t filter_id);
// Its outbound filter; nullptr where there is none. Borrowed from `policy`.
const Filter* find_filter(const IkePolicy& policy, std::uint64_t filter_id);

// The outbound filters that negotiate, as text, with their rules.
std::vector<std::string> negotiating_filters(const IkePolicy& policy);

// Of the filters above the one that comes nearest to `outbound`; nullptr where there is none. Borrowed.
const Filter* nearest_filter(const IkePolicy& policy, const Selector& outbound);
// The main mode filter nearest to two hosts, of any rule; nullptr where there is none. Borrowed.
const MainModeFilter* nearest_main_mode_filter(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer);

// How the default response rule would answer; nullopt where it is not active.
std::optional<QuickModeRule> default_response_rule(const IkePolicy& policy);
// The end of a sentence that says that no filter fits: "; default response inactive" (DR-07). Empty where it is active,
// or no policy is assigned.
std::string_view without_default_response(const IkePolicy& policy);

// The rule for a peer's request: of the outbound filters of that mode (and that tunnel end) the first that contains
// `outbound`, seen from this host.
std::optional<QuickModeRule> match_quick_mode_rule(const IkePolicy& policy, const Selector& outbound,
                                                   Encapsulation encapsulation, const IpAddress& local,
                                                   const IpAddress& peer);

}  // namespace ipsec::ike

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/policyagent/core/compiled_policy.h"

// The dynamic filters of the default response rule (DR-06, DR-08, DR-11): one pair for each peer and traffic that IKE
// was asked for and that no filter of the policy has. They lie behind the assigned policy and never change it.
namespace ipsec::agent {

// As listings name the rule and what it is made of.
inline constexpr std::string_view kDefaultResponseRule = "<Default Response Rule>";
inline constexpr std::string_view kDefaultResponseList = "<Dynamic>";
inline constexpr std::string_view kDefaultResponseAction = "<Default Response>";

// What a peer asks for: traffic between this host and itself.
struct FilterRequest {
  IpAddress local;
  IpAddress peer;
  Selector outbound;  // from this host to the peer
  friend auto operator<=>(const FilterRequest&, const FilterRequest&) = default;
};

// One thread. Time is given and does not run backwards.
class DynamicFilters {
 public:
  // Makes the filters for this request unless they, or an explicit filter that secures the traffic in transport mode,
  // are there already. `policy` is the one that lay_over() takes.
  // kRefused: the rule does not answer it; the text says why, for people and peers. kExhausted: a bound of limits.h.
  Status grant(const FilterRequest& request, const CompiledPolicy& policy, Timestamp now);

  // `policy` with the filters behind its own. Those that the policy does not allow any more are forgotten first: the
  // rule is not active, the address is none of this host, an explicit filter decides (DR-06).
  CompiledPolicy lay_over(CompiledPolicy policy);

  // The driver has SAs of these filters at this moment, and of no others.
  void in_use(const absl::flat_hash_set<std::uint64_t>& filter_ids, Timestamp now);
  // Forgets those that had no SA for kDynamicFilterIdle, and returns what they were for.
  std::vector<FilterRequest> remove_idle(Timestamp now);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    FilterRequest request;
    std::uint64_t outbound_id = 0;
    std::uint64_t inbound_id = 0;
    Timestamp last_used;
  };
  // One that has the traffic; nullptr: none.
  Entry* find_covering(const FilterRequest& request);
  // Those for which an explicit filter decides. Costs one pass over the filters, of which most name a single peer.
  void forget_decided(const CompiledPolicy& policy);

  std::vector<Entry> entries_;  // the more specific ones first
};

}  // namespace ipsec::agent

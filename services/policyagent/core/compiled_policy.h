#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/selector.h"
#include "services/policyagent/core/service_settings.h"
#include "services/policyagent/core/shared_list.h"
#include "store/model.h"

// The compiler's output as plain values, field for field that of proto/policy.proto.
namespace ipsec::agent {

enum class Direction : std::uint8_t { kOutbound, kInbound };

// One direction, concrete addresses (IM-05).
struct SpecificFilter {
  std::uint64_t id = 0;         // stable, see filter_id.h; never 0
  std::uint64_t mirror_id = 0;  // 0: none
  std::uint64_t weight = 0;     // see weight.h
  Direction direction = Direction::kOutbound;
  Selector selector;
  store::Action action = store::Action::kNegotiate;
  std::optional<IpAddress> tunnel_source;       // inbound: the peer, absent where no outbound rule names it
  std::optional<IpAddress> tunnel_destination;  // outbound: the peer; inbound: this host. Set in every tunnel filter
  bool inbound_passthrough = false;
  bool allow_soft = false;
  std::string quick_mode_policy;  // empty unless kNegotiate
  std::string rule_name;
  std::string filter_list_name;
  std::string filter_action_name;
  std::uint64_t generic_id = 0;
  bool dynamic = false;  // made for a peer by the default response rule (default_response.h)
  std::uint64_t protection_id =
      0;  // hash of offers and PFS: what SAs made before a change do not have; 0 unless kNegotiate
  friend bool operator==(const SpecificFilter&, const SpecificFilter&) = default;
};

// A filter as written (IM-03).
struct GenericFilter {
  std::uint64_t id = 0;
  std::string source;  // "Me", "Any", "DNS", "10.0.0.0/8", "www.example.org"
  std::string destination;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  bool mirrored = false;
  store::Action action = store::Action::kNegotiate;
  std::optional<IpAddress> tunnel_endpoint;
  std::string quick_mode_policy;
  std::string rule_name;
  store::ConnectionType connection_type = store::ConnectionType::kAll;
};

struct MainModePolicy {
  std::string name;
  std::vector<store::MainModeOffer> offers;
  std::uint32_t lifetime_seconds = 0;
  std::uint32_t quick_mode_limit = 0;
  bool master_pfs = false;
};

struct MainModeFilter {
  std::uint64_t id = 0;
  AddressRange local;
  AddressRange remote;
  std::uint64_t weight = 0;
  std::string main_mode_policy;
  std::vector<store::AuthenticationMethod> authentication;
  std::string rule_name;
  // Compares keys in constant time; those that cannot be opened are never equal.
  friend bool operator==(const MainModeFilter& a, const MainModeFilter& b);
};
bool same_methods(const std::vector<store::AuthenticationMethod>& a, const std::vector<store::AuthenticationMethod>& b);

struct QuickModePolicy {
  std::string name;
  std::vector<store::QuickModeOffer> offers;
  bool pfs = false;
  DhGroup pfs_group = DhGroup::kNone;
  friend bool operator==(const QuickModePolicy&, const QuickModePolicy&) = default;
};

struct DefaultResponse {
  bool active = false;
  QuickModePolicy quick_mode_policy;
  std::string main_mode_policy;
  std::vector<store::AuthenticationMethod> authentication;
};

enum class Severity : std::uint8_t { kInformation, kWarning, kError };

// Something in the policy that does not do what its author will expect on this host.
struct PolicyProblem {
  Severity severity = Severity::kWarning;
  std::string name;    // stable: "tunnel_without_partner"
  std::string object;  // "rule 'db link' of policy 'Partner link'"
  std::string text;    // what is wrong, what happens now, what would be accepted
  friend bool operator==(const PolicyProblem&, const PolicyProblem&) = default;
};

struct CompiledPolicy {
  bool active = false;  // a policy is assigned
  std::string policy_name;
  store::Profile profile = store::Profile::kModern;
  std::uint32_t polling_interval_minutes = 0;
  SharedList<SpecificFilter> filters;  // most specific first
  SharedList<GenericFilter> generic_filters;
  std::vector<MainModePolicy> main_mode_policies;
  SharedList<MainModeFilter> main_mode_filters;  // most specific first
  std::vector<QuickModePolicy> quick_mode_policies;
  DefaultResponse default_response;
  std::vector<IpAddress> local_addresses;  // sorted, each once
  std::vector<PolicyProblem> problems;     // at most kMaxPolicyProblems
  std::size_t more_problems = 0;           // beyond those
  ServiceSettings settings{};              // not of a policy, but they go the same way
};

std::string_view name(Direction direction);         // "outbound", "inbound"
std::string_view name(store::Action action);        // "permit", "block", "negotiate"
std::string_view name(store::ConnectionType type);  // "all", "lan", "dialup"
std::string_view name(store::Profile profile);      // "modern", "windows2003"
std::string_view name(Severity severity);           // "information", "warning", "error"

}  // namespace ipsec::agent

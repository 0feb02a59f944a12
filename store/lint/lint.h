#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/lookup.h"
#include "store/model.h"

// The linter: what a policy may say and its author probably did not mean. Pure: policies and facts of a host in,
// findings out. What validate() refuses is not its business.
namespace ipsec::store::lint {

enum class Severity : std::uint8_t { kInformation, kWarning, kError };

struct Finding {
  std::string id;  // of the check
  Severity severity = Severity::kWarning;
  std::string policy;  // its name; empty: of the store as a whole
  std::string object;  // "rule 'R' of policy 'P'"
  std::string why;     // what happens, and what would be better; never a secret
  // Commands of `netsh ipsec static` that mend it, to be run in this order. What the linter cannot or must not know
  // stands in angle brackets: psk="<new key>". Empty where netsh has no command for it.
  std::vector<std::string> mend;
  friend bool operator==(const Finding&, const Finding&) = default;
};

// ---- facts
// -----------------------------------------------------------------------------------------------------------

// One filter as this host obeys it: one direction, concrete addresses.
struct HostFilter {
  Guid rule;
  Guid filter;  // the written one it was made from
  bool inbound = false;
  Selector selector;  // as in the packet of that direction
  Action action = Action::kNegotiate;
  std::optional<IpAddress> tunnel_destination;  // set in every tunnel filter
  bool accepts_clear = false;  // negotiates, but clear packets of that direction pass where the peer does no IPsec
};

// A policy as this host would obey it if it were assigned.
struct PolicyOnHost {
  Guid policy;
  std::vector<HostFilter> filters;  // in the order in which they decide: the first that matches
  // Names of the dynamic rules that lie over it, by the GUID under which `filters` have them.
  std::map<std::string, std::string> dynamic_rules{};
};

// Where a fact is absent, the checks that need it find nothing.
struct HostFacts {
  std::vector<IpAddress> local_addresses;
  std::vector<PolicyOnHost> policies;
  // Connections of administrators, as packets that come in, that should go on working.
  std::vector<FiveTuple> sessions;
  std::optional<std::uint32_t> exemptions{};  // in effect on this host, as NoDefaultExempt
  std::size_t dynamic_rules_left_out = 0;     // that will lie over whatever is assigned, and are in none of `policies`
};

// ---- checks
// ----------------------------------------------------------------------------------------------------------

struct CheckInfo {
  std::string_view id;  // stable, lower case with underscores
  Severity severity;    // the highest it reports
  std::string_view meaning;
};
// The table of checks, in the order of their findings.
std::span<const CheckInfo> all_checks();

// Errors first, then in the order of the checks and of the objects. `policy`: only what concerns this one (with the
// lists and actions that its rules use); absent: everything. A policy that does not exist has no findings. At most
// kMaxFindings.
std::vector<Finding> lint(const PolicyTree& tree, const HostFacts& facts,
                          const std::optional<Reference>& policy = std::nullopt);

std::string_view to_string(Severity severity);  // "information", "warning", "error"

}  // namespace ipsec::store::lint

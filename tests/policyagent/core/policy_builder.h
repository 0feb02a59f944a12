#pragma once

#include <string>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

// Short ways to write policies and hosts in tests, and a text form of what the compiler makes of them.
namespace ipsec::agent::tests {

inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
inline AddressRange range(std::string_view text) { return AddressRange::parse(text).value(); }

// "me", "any", "dns", "wins", "dhcp", "gateway", or an address, subnet or range.
store::FilterAddress side(const std::string& text);

store::Filter filter(const std::string& source, const std::string& destination, std::uint8_t protocol = 0,
                     std::uint16_t source_port = 0, std::uint16_t destination_port = 0, bool mirrored = true);
store::Filter one_way(store::Filter filter);

store::AuthenticationMethod preshared_key(std::string_view key);

// Builds one assigned policy named "Test". Guids are numbered in the order of the calls, so that equal calls give equal
// trees.
class PolicyBuilder {
 public:
  PolicyBuilder();
  store::Policy& policy() { return tree_.policies.front(); }
  // A rule with a filter list and filter action of its own ("NAME list", "NAME action"), authenticated by the key
  // "secret". Borrowed until the next call.
  store::Rule& rule(const std::string& name, store::Action action, std::vector<store::Filter> filters);
  store::FilterAction& action_of(const store::Rule& rule);
  const store::PolicyTree& tree() const { return tree_; }
  store::PolicyTree& tree() { return tree_; }

 private:
  store::Guid next_guid();
  store::PolicyTree tree_;
  unsigned guids_ = 0;
};

// eth0 with these addresses ("10.77.0.1/24").
HostAddresses lan_host(const std::vector<std::string>& addresses);
void add_interface(HostAddresses& host, const std::string& name, InterfaceKind kind,
                   const std::vector<std::string>& addresses);

// One line for each thing; ids are replaced by "#N" in the order of appearance unless `with_ids`. Preshared keys are
// shown by length.
std::string describe(const CompiledPolicy& policy, bool with_ids = false);

}  // namespace ipsec::agent::tests

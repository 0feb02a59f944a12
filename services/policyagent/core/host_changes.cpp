#include "services/policyagent/core/host_changes.h"

#include <algorithm>

#include <fmt/format.h>

namespace ipsec::agent {
namespace {

const Interface* find(const HostAddresses& host, const std::string& name) {
  const auto found =
      std::find_if(host.interfaces.begin(), host.interfaces.end(), [&](const Interface& i) { return i.name == name; });
  return found == host.interfaces.end() ? nullptr : &*found;
}

// What `some` has and `others` does not.
void add_addresses(const char* change, const Interface& some, const Interface* others,
                   std::vector<HostChange>& changes) {
  for (const InterfaceAddress& each : some.addresses) {
    if (others != nullptr &&
        std::find(others->addresses.begin(), others->addresses.end(), each) != others->addresses.end())
      continue;
    changes.push_back({change, some.name, fmt::format("{}/{}", each.address.to_string(), each.prefix_length)});
  }
}

HostAddresses without_link_state(HostAddresses host) {
  for (Interface& interface : host.interfaces) interface.up = false;
  return host;
}

}  // namespace

std::vector<HostChange> changes_between(const HostAddresses& before, const HostAddresses& after) {
  std::vector<HostChange> changes;
  for (const Interface& old : before.interfaces) {
    const Interface* now = find(after, old.name);
    add_addresses("address_removed", old, now, changes);
    if (now == nullptr) changes.push_back({"interface_removed", old.name, {}});
  }
  for (const Interface& now : after.interfaces) {
    const Interface* old = find(before, now.name);
    if (old == nullptr) changes.push_back({"interface_added", now.name, {}});
    if (now.up != (old != nullptr && old->up))
      changes.push_back({now.up ? "interface_up" : "interface_down", now.name, {}});
    add_addresses("address_added", now, old, changes);
  }
  return changes;
}

bool compiles_differently(const HostAddresses& before, const HostAddresses& after) {
  return without_link_state(before) != without_link_state(after);
}

}  // namespace ipsec::agent

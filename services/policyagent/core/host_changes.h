#pragma once

#include <string>
#include <vector>

#include "services/policyagent/core/host_addresses.h"

namespace ipsec::agent {

// One thing that happened to an interface (IM-02, IM-07), for an event.
struct HostChange {
  std::string name;  // "interface_added", "interface_removed", "interface_up", "interface_down", "address_added",
                     // "address_removed"
  std::string interface;
  std::string address;  // of the two address changes, with its prefix length: "10.77.0.1/24"
  friend bool operator==(const HostChange&, const HostChange&) = default;
};

// In the order of the interfaces; those that are gone first. Addresses that come or go with their interface are listed
// too.
std::vector<HostChange> changes_between(const HostAddresses& before, const HostAddresses& after);

// Whether the two give different compiled policies: whether a link is up does not count.
bool compiles_differently(const HostAddresses& before, const HostAddresses& after);

}  // namespace ipsec::agent

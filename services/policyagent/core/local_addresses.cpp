#include "services/policyagent/core/local_addresses.h"

#include <algorithm>

#include "services/common/sort_unique.h"

namespace ipsec::agent {
LocalAddresses::LocalAddresses(const HostAddresses& host) {
  for (const Interface& interface : host.interfaces) {
    std::vector<IpAddress>& of_kind = interface.kind == InterfaceKind::kLan ? lan_ : dialup_;
    for (const InterfaceAddress& entry : interface.addresses) {
      const IpAddress& address = entry.address;
      if (address.is_loopback() || address.is_unspecified() || address.is_multicast()) continue;
      all_.push_back(address);
      of_kind.push_back(address);
    }
  }
  sort_unique(all_);
  sort_unique(lan_);
  sort_unique(dialup_);
}

const std::vector<IpAddress>& LocalAddresses::of(store::ConnectionType type) const {
  switch (type) {
    case store::ConnectionType::kLan:
      return lan_;
    case store::ConnectionType::kDialup:
      return dialup_;
    case store::ConnectionType::kAll:
      break;
  }
  return all_;
}

bool LocalAddresses::contains(const IpAddress& address) const {
  return std::binary_search(all_.begin(), all_.end(), address);
}

bool LocalAddresses::any_within(const AddressRange& range) const {
  const auto found = std::lower_bound(all_.begin(), all_.end(), range.first);
  return found != all_.end() && *found <= range.last;
}

}  // namespace ipsec::agent

#pragma once

#include <vector>

#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

namespace ipsec::agent {

// The addresses of this host, ready for the questions of the compiler. Loopback, unspecified and multicast addresses
// are left out.
class LocalAddresses {
 public:
  explicit LocalAddresses(const HostAddresses& host);

  // Sorted (IPv4 first), each once.
  const std::vector<IpAddress>& all() const { return all_; }
  // Those on interfaces that the connection type names (IM-08).
  const std::vector<IpAddress>& of(store::ConnectionType type) const;

  bool contains(const IpAddress& address) const;
  bool any_within(const AddressRange& range) const;
  // A single address that is one of this host's.
  bool is_local(const AddressRange& range) const { return range.is_host() && contains(range.first); }

 private:
  std::vector<IpAddress> all_;
  std::vector<IpAddress> lan_;
  std::vector<IpAddress> dialup_;
};

}  // namespace ipsec::agent

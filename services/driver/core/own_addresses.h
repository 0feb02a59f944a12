#pragma once

#include "services/common/address.h"

namespace ipsec::driver {

// The addresses that this host has at this moment, asked of the kernel and not of the policy: the policy learns of a
// new one only after a while, and until then no filter speaks of it. One thread.
class OwnAddresses {
 public:
  virtual ~OwnAddresses() = default;

  // Takes in what has changed since the last call. A worker calls it at most once for a batch, after the packets of the
  // batch were received: an address that one of them carries is then known. Must not wait for anybody.
  virtual void refresh() = 0;
  // Loopback, multicast and the unspecified address are never among them. While the kernel cannot be asked, every other
  // address is: what may be a new address of this host is not let past the policy.
  virtual bool contains(const IpAddress& address) const = 0;
};

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "services/driver/core/filter_table.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/sa_table.h"
#include "services/driver/core/trace.h"

namespace ipsec::driver {

// The snapshot that workers read: policy, SAs and link settings, immutable but for the counters, sequence numbers and
// replay windows inside the SAs. Control makes a new one for every change; it lives as long as someone holds it.
struct Tables {
  std::uint64_t generation = 0;         // grows with every snapshot, never 0 for one that Control made
  std::uint64_t filter_generation = 0;  // grows only with a new policy
  bool active = false;                  // false: every packet passes
  Profile profile = Profile::kModern;
  std::shared_ptr<const FilterTable> filters;  // never null in a snapshot that Control made
  SaTable sas;
  absl::flat_hash_set<IpAddress> local_addresses;
  // Packets of other addresses of this host are dropped: the policy does not speak of them yet.
  bool addresses_are_complete = false;
  LinkSettings link;
  Exemptions exemptions = Exemptions::kIsakmpOnly;
  BootSettings boot;
  std::shared_ptr<const TraceRequest> trace;  // null: nothing is traced

  // Of this host; a policy that names no addresses leaves that open.
  bool is_local(const IpAddress& address) const { return local_addresses.empty() || local_addresses.contains(address); }
  // Multicast, or a broadcast address of this host's subnets (seed rows EX-10, EX-11).
  bool is_group(const IpAddress& destination) const {
    if (destination.is_multicast() || destination == IpAddress::last(AddressFamily::kIpv4)) return true;
    for (const IpAddress& broadcast : link.broadcast_addresses) {
      if (broadcast == destination) return true;
    }
    return false;
  }
};
using TablesPointer = std::shared_ptr<const Tables>;

}  // namespace ipsec::driver

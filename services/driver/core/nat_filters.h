#pragma once

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/address.h"
#include "services/common/time.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/lock.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/statistics.h"

namespace ipsec::driver {

// The permit filters that nobody writes (seed rows EX-14, NAT-10): once the ISAKMP of this host with a peer has moved
// from port 500 to port 4500, what IKE sends and gets there has a filter in each direction, for listings and with
// counters. They follow from the exemption of ISAKMP and open nothing beside it. What others send makes none.
//
// Any thread.
class NatFilters {
 public:
  // ISAKMP on port 4500, or a keep-alive, on its way out or in.
  void sent(const PacketView& packet, Timestamp now);
  void received(const PacketView& packet, Timestamp now);
  // Forgets those that have had no packet for limits::kNatFilterLifetime.
  void tick(Timestamp now);

  // Oldest first, outbound before inbound. Ids count from 2 and are never used twice; those of policies are hashes.
  std::vector<Filter> list() const;
  std::vector<FilterStatistics> statistics() const;

 private:
  struct Amount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  struct Pair {
    std::uint64_t number = 0;
    Amount out;
    Amount in;
    Timestamp last;
  };
  using Ends = std::tuple<IpAddress, IpAddress, std::uint16_t>;  // ours, the peer's, the peer's port

  static void count(Amount& amount, Pair& pair, const PacketView& packet, Timestamp now);
  std::vector<std::pair<Ends, Pair>> in_order() const;

  mutable Lock lock_;
  absl::flat_hash_map<Ends, Pair> pairs_;
  std::uint64_t next_number_ = 1;
};

}  // namespace ipsec::driver

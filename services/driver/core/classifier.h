#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "services/common/selector.h"
#include "services/driver/core/filter_entry.h"
#include "services/driver/core/sharded_map.h"

namespace ipsec::driver {

// Ordered first match over many filters. Copies are cheap and independent, and a change costs what it touches; a copy
// may be read by any thread while its origin is changed by another. Filters are borrowed: they must outlive this and
// the copies that have them.
//
// Tuple space search with few tuples: each filter lies in the table of its source and destination prefix lengths,
// rounded down to one of a handful, under its masked addresses. A lookup probes one bucket per table that exists (at
// most 25 for IPv4, 36 for IPv6) and compares the few filters there in full; tables are tried in the order of their
// first filter, so it stops as soon as no later table can hold an earlier one.
class Classifier {
 public:
  using Entries = std::span<const FilterEntry* const>;

  // Takes `removed`, which are here, out and puts `added`, whose ranks are unique, in.
  void change(Entries removed, Entries added);

  // The match of the lowest rank, or null.
  const FilterEntry* first_match(const FiveTuple& packet) const;

  struct PortlessMatch {
    const FilterEntry* entry = nullptr;
    // An earlier filter asks for ports, so the ports of the packet could make a difference.
    bool depends_on_ports = false;
  };
  // For a fragment that does not show its ports: the first filter that matches whatever the ports are.
  PortlessMatch first_match_without_ports(const FiveTuple& packet) const;

 private:
  struct Key {
    IpAddress source;
    IpAddress destination;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.source, key.destination);
    }
  };
  // By ascending rank. Most hold one filter.
  using Bucket = absl::InlinedVector<const FilterEntry*, 1>;
  struct Table {
    unsigned source_length = 0;
    unsigned destination_length = 0;
    std::uint64_t first = 0;  // no rank in it is lower
    ShardedMap<Key, Bucket> buckets;
  };
  // Of one address family, by ascending `first`.
  using Tables = std::vector<Table>;
  class Change;

  static Key key_of(const Table& table, const IpAddress& source, const IpAddress& destination) {
    return {source.masked(table.source_length), destination.masked(table.destination_length)};
  }
  template <typename Matches>
  const FilterEntry* search(const FiveTuple& packet, std::uint64_t limit, Matches matches) const;

  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  Tables ipv4_;
  Tables ipv6_;
};

}  // namespace ipsec::driver

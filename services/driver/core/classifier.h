#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/selector.h"

namespace ipsec::driver {

// Ordered first match over many patterns. Immutable after construction; any thread.
//
// Tuple space search with few tuples: each pattern lies in the table of its source and destination prefix lengths,
// rounded down to one of a handful, under its masked addresses. A lookup probes one bucket per table that exists (at
// most 25 for IPv4, 36 for IPv6) and compares the few patterns there in full; tables are tried in the order of their
// first pattern, so it stops as soon as no later table can hold an earlier pattern.
class Classifier {
 public:
  // Patterns in order of precedence. Keeps a copy.
  explicit Classifier(std::span<const Selector> patterns);

  // The position of the first pattern that matches.
  std::optional<std::uint32_t> first_match(const FiveTuple& packet) const;

  struct PortlessMatch {
    std::optional<std::uint32_t> position;
    // An earlier (or this) pattern asks for ports, so the ports of the packet could make a difference.
    bool depends_on_ports = false;
  };
  // For a fragment that does not show its ports: first pattern that matches whatever the ports are.
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
  struct Table {
    unsigned source_length = 0;
    unsigned destination_length = 0;
    std::uint32_t first = 0;  // lowest position in it
    absl::flat_hash_map<Key, std::vector<std::uint32_t>> buckets;
  };
  // Of one address family.
  using Tables = std::vector<Table>;

  void insert(Tables& tables, std::uint32_t position);
  template <typename Matches>
  std::uint32_t search(const FiveTuple& packet, std::uint32_t limit, Matches matches) const;

  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::vector<Selector> patterns_;
  Tables ipv4_;
  Tables ipv6_;
};

}  // namespace ipsec::driver

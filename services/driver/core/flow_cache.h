#pragma once

#include <cstdint>
#include <vector>

#include <absl/hash/hash.h>

#include "services/common/selector.h"
#include "services/driver/core/filter_table.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/sa.h"
#include "services/driver/core/tables.h"

namespace ipsec::driver {

// What the tables say of a flow.
struct FlowDecision {
  const FilterEntry* filter = nullptr;  // null: none matches
  Sa* sa = nullptr;                     // outbound, negotiate: null where there is none
};

// Whom an outbound filter negotiates with for a packet to `destination`.
inline const IpAddress& peer_of(const Filter& filter, const IpAddress& destination) {
  return filter.tunnel_destination ? *filter.tunnel_destination : destination;
}

// Remembers the decisions of one direction, so that the common case is one probe: direct-mapped, one thread. Entries of
// older tables are not believed; a new SA snapshot with the same policy costs the SA lookup only.
class FlowCache {
 public:
  explicit FlowCache(Direction direction) : direction_(direction), entries_(limits::kFlowCacheEntries) {}

  // Valid as long as the tables.
  FlowDecision find(const FiveTuple& flow, const Tables& tables) {
    Entry& entry = entries_[absl::HashOf(flow) % entries_.size()];
    const bool same_flow = entry.filter_generation == tables.filter_generation && entry.flow == flow;
    if (same_flow && entry.generation == tables.generation) return entry.decision;
    if (!same_flow) {
      entry.flow = flow;
      entry.filter_generation = tables.filter_generation;
      entry.decision.filter = tables.filters->match(direction_, flow);
    }
    entry.generation = tables.generation;
    entry.decision.sa = find_sa(entry.decision.filter, flow, tables);
    return entry.decision;
  }

 private:
  struct Entry {
    FiveTuple flow;
    std::uint64_t filter_generation = 0;
    std::uint64_t generation = 0;
    FlowDecision decision;
  };

  Sa* find_sa(const FilterEntry* found, const FiveTuple& flow, const Tables& tables) const {
    if (direction_ == Direction::kInbound || found == nullptr || found->filter.action != Action::kNegotiate)
      return nullptr;
    return tables.sas.find_outbound(found->filter, peer_of(found->filter, flow.destination), flow);
  }

  Direction direction_;
  std::vector<Entry> entries_;
};

}  // namespace ipsec::driver

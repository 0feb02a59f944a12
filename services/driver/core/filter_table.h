#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "services/common/result.h"
#include "services/driver/core/classifier.h"
#include "services/driver/core/filter_entry.h"
#include "services/driver/core/policy.h"

namespace ipsec::driver {

// The security policy database: the filters of a policy, both directions. Immutable; any thread.
class FilterTable {
 public:
  using Pointer = std::shared_ptr<const FilterTable>;

  // Refuses a policy as a whole (kInvalid): a filter without id, an id used twice, a selector or tunnel end of mixed
  // families, more than limits::kMaxFilters. Counters of filters that `previous` (may be null) has too are kept.
  static Result<Pointer> make(std::vector<Filter> filters, const FilterTable* previous);

  // The table with this change; what it does not touch is shared with this one. kRefused: the change is none of this
  // table (an id to be removed is not there, the number of filters does not come out). kInvalid: as make().
  Result<Pointer> changed(const std::vector<std::uint64_t>& removed, std::vector<Filter> inserted,
                          std::size_t count) const;

  // The first match in the order given, or null. Valid as long as the table.
  const FilterEntry* match(Direction direction, const FiveTuple& packet) const {
    return of(direction).first_match(packet);
  }
  // Null entry: none matches whatever the ports are.
  Classifier::PortlessMatch match_without_ports(Direction direction, const FiveTuple& packet) const {
    return of(direction).first_match_without_ports(packet);
  }

  // Null where there is none.
  const FilterEntry* find(std::uint64_t filter_id) const;
  // In order; both directions.
  const std::vector<FilterEntryPointer>& entries() const { return entries_; }
  bool has_outbound_tunnels() const { return outbound_tunnels_ != 0; }

 private:
  using Entries = std::vector<FilterEntryPointer>;

  FilterTable() = default;
  const Classifier& of(Direction direction) const { return direction == Direction::kOutbound ? outbound_ : inbound_; }
  static Pointer from(Entries entries);
  // Makes the table that `entries` are, from a copy of the one they were.
  void replace(const Entries& removed, const Entries& added);
  FilterEntryPointer make_entry(Filter filter, std::uint64_t rank) const;

  Entries entries_;
  ShardedMap<std::uint64_t, FilterEntryPointer> by_id_;
  Classifier outbound_;
  Classifier inbound_;
  std::size_t outbound_tunnels_ = 0;
};

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "services/common/result.h"
#include "services/driver/core/classifier.h"
#include "services/driver/core/counters.h"
#include "services/driver/core/policy.h"

namespace ipsec::driver {

// A filter as workers see it.
struct FilterEntry {
  Filter filter;
  std::shared_ptr<FilterCounters> counters;  // never null
};

// The security policy database: the filters of a policy, both directions. Immutable; any thread.
class FilterTable {
 public:
  // Refuses a policy as a whole: a filter without id, an id used twice in one direction, a selector or tunnel end of
  // mixed families, more than limits::kMaxFilters. Counters of filters that `previous` (may be null) has too are kept.
  static Result<std::shared_ptr<const FilterTable>> make(std::vector<Filter> filters, const FilterTable* previous);

  // The first match in the order given, or null. Valid as long as the table.
  const FilterEntry* match(Direction direction, const FiveTuple& packet) const;

  struct PortlessMatch {
    const FilterEntry* filter = nullptr;
    bool depends_on_ports = false;  // another filter might match if the ports were known
  };
  PortlessMatch match_without_ports(Direction direction, const FiveTuple& packet) const;

  // Null where there is none.
  const FilterEntry* find(std::uint64_t filter_id) const;
  const std::vector<FilterEntry>& entries() const { return entries_; }

 private:
  explicit FilterTable(std::vector<FilterEntry> entries);

  struct OneDirection {
    std::vector<std::uint32_t> entries;  // position in the classifier -> index in entries_
    Classifier classifier;
  };
  static OneDirection compile(const std::vector<FilterEntry>& entries, Direction direction);
  const OneDirection& of(Direction direction) const { return direction == Direction::kOutbound ? outbound_ : inbound_; }

  std::vector<FilterEntry> entries_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> by_id_;
  OneDirection outbound_;
  OneDirection inbound_;
};

}  // namespace ipsec::driver

#include "services/driver/core/filter_table.h"

#include <absl/container/flat_hash_set.h>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

bool one_family(const Filter& filter) {
  const Selector& selector = filter.selector;
  return selector.source.first.family() == selector.source.last.family() &&
         selector.destination.first.family() == selector.destination.last.family() &&
         selector.source.family() == selector.destination.family() &&
         (!filter.tunnel_source || !filter.tunnel_destination ||
          filter.tunnel_source->family() == filter.tunnel_destination->family());
}

Status check(const std::vector<Filter>& filters) {
  if (filters.size() > limits::kMaxFilters) {
    return invalid(fmt::format("policy: {} filters, at most {}", filters.size(), limits::kMaxFilters));
  }
  absl::flat_hash_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const Filter& filter = filters[i];
    const auto complaint = [&](std::string_view what) {
      return invalid(fmt::format("filter {} of rule '{}': {}", i, filter.rule_name, what));
    };
    if (filter.id == 0) return complaint("id 0; every filter needs an id of its own");
    if (!seen.insert(filter.id).second) return complaint(fmt::format("id {:#x} is used twice", filter.id));
    if (!one_family(filter)) return complaint("addresses of different families");
    if (filter.direction == Direction::kOutbound && filter.is_tunnel() && !filter.tunnel_destination) {
      return complaint("an outbound tunnel filter needs the address of the peer as tunnel destination");
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const FilterTable>> FilterTable::make(std::vector<Filter> filters, const FilterTable* previous) {
  IPSEC_RETURN_IF_ERROR(check(filters));
  std::vector<FilterEntry> entries;
  entries.reserve(filters.size());
  for (Filter& filter : filters) {
    const FilterEntry* kept = previous == nullptr ? nullptr : previous->find(filter.id);
    auto counters = kept != nullptr ? kept->counters : std::make_shared<FilterCounters>();
    entries.push_back({std::move(filter), std::move(counters)});
  }
  return std::shared_ptr<const FilterTable>(new FilterTable(std::move(entries)));
}

FilterTable::FilterTable(std::vector<FilterEntry> entries)
    : entries_(std::move(entries)),
      outbound_(compile(entries_, Direction::kOutbound)),
      inbound_(compile(entries_, Direction::kInbound)) {
  for (std::uint32_t i = 0; i < entries_.size(); ++i) by_id_.emplace(entries_[i].filter.id, i);
}

FilterTable::OneDirection FilterTable::compile(const std::vector<FilterEntry>& entries, Direction direction) {
  std::vector<std::uint32_t> indexes;
  std::vector<Selector> patterns;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].filter.direction != direction) continue;
    indexes.push_back(i);
    patterns.push_back(entries[i].filter.selector);
  }
  return {std::move(indexes), Classifier(patterns)};
}

const FilterEntry* FilterTable::match(Direction direction, const FiveTuple& packet) const {
  const OneDirection& side = of(direction);
  const auto position = side.classifier.first_match(packet);
  return position ? &entries_[side.entries[*position]] : nullptr;
}

FilterTable::PortlessMatch FilterTable::match_without_ports(Direction direction, const FiveTuple& packet) const {
  const OneDirection& side = of(direction);
  const Classifier::PortlessMatch found = side.classifier.first_match_without_ports(packet);
  return {found.position ? &entries_[side.entries[*found.position]] : nullptr, found.depends_on_ports};
}

const FilterEntry* FilterTable::find(std::uint64_t filter_id) const {
  const auto found = by_id_.find(filter_id);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

}  // namespace ipsec::driver

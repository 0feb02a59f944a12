#include "services/driver/core/filter_table.h"

#include <limits>

#include <absl/container/flat_hash_set.h>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

// Ranks of a new table are so far apart that many changes find room between two neighbours.
constexpr std::uint64_t kMaxRank = std::numeric_limits<std::uint64_t>::max() - 1;

bool one_family(const Filter& filter) {
  const Selector& selector = filter.selector;
  return selector.source.first.family() == selector.source.last.family() &&
         selector.destination.first.family() == selector.destination.last.family() &&
         selector.source.family() == selector.destination.family() &&
         (!filter.tunnel_source || !filter.tunnel_destination ||
          filter.tunnel_source->family() == filter.tunnel_destination->family());
}

bool is_outbound_tunnel(const FilterEntry& entry) {
  return entry.filter.direction == Direction::kOutbound && entry.filter.is_tunnel();
}

Status complaint(std::size_t index, const Filter& filter, std::string_view what) {
  return invalid(fmt::format("filter {} of rule '{}': {}", index, filter.rule_name, what));
}

Status check(std::size_t index, const Filter& filter) {
  if (filter.id == 0) return complaint(index, filter, "id 0; every filter needs an id of its own");
  if (!one_family(filter)) return complaint(index, filter, "addresses of different families");
  if (filter.direction == Direction::kOutbound && filter.is_tunnel() && !filter.tunnel_destination) {
    return complaint(index, filter, "an outbound tunnel filter needs the address of the peer as tunnel destination");
  }
  return {};
}

Status used_twice(std::size_t index, const Filter& filter) {
  return complaint(index, filter, fmt::format("id {:#x} is used twice", filter.id));
}

Status too_many(std::size_t count) {
  return invalid(fmt::format("policy: {} filters, at most {}", count, limits::kMaxFilters));
}

std::vector<const FilterEntry*> of_direction(const std::vector<FilterEntryPointer>& entries, Direction direction) {
  std::vector<const FilterEntry*> found;
  for (const FilterEntryPointer& entry : entries) {
    if (entry->filter.direction == direction) found.push_back(entry.get());
  }
  return found;
}

// The list that the change makes of the old one: null where inserted[n] belongs, in the order of n.
Result<std::vector<FilterEntryPointer>> merge(const std::vector<FilterEntryPointer>& old,
                                              const absl::flat_hash_set<std::uint64_t>& removed,
                                              const std::vector<Filter>& inserted, std::size_t count) {
  std::vector<FilterEntryPointer> merged;
  merged.reserve(count);
  auto next = inserted.begin();
  const auto insert_here = [&] {
    while (next != inserted.end() && next->index == merged.size()) {
      merged.push_back(nullptr);
      ++next;
    }
  };
  for (const FilterEntryPointer& entry : old) {
    if (removed.contains(entry->filter.id)) continue;
    insert_here();
    merged.push_back(entry);
  }
  insert_here();
  if (next != inserted.end() || merged.size() != count) {
    return refused(fmt::format("policy change: {} filters come out instead of {}", merged.size(), count));
  }
  return merged;
}

}  // namespace

FilterEntryPointer FilterTable::make_entry(Filter filter, std::uint64_t rank) const {
  const FilterEntry* kept = find(filter.id);
  auto counters = kept != nullptr ? kept->counters : std::make_shared<FilterCounters>();
  return std::make_shared<const FilterEntry>(FilterEntry{std::move(filter), std::move(counters), rank});
}

Result<FilterTable::Pointer> FilterTable::make(std::vector<Filter> filters, const FilterTable* previous) {
  if (filters.size() > limits::kMaxFilters) return too_many(filters.size());
  const FilterTable nothing;
  const FilterTable& known = previous == nullptr ? nothing : *previous;
  absl::flat_hash_set<std::uint64_t> seen;
  seen.reserve(filters.size());
  Entries entries;
  entries.reserve(filters.size());
  const std::uint64_t step = kMaxRank / (filters.size() + 1);
  for (Filter& filter : filters) {
    IPSEC_RETURN_IF_ERROR(check(entries.size(), filter));
    if (!seen.insert(filter.id).second) return used_twice(entries.size(), filter);
    entries.push_back(known.make_entry(std::move(filter), step * (entries.size() + 1)));
  }
  return from(std::move(entries));
}

FilterTable::Pointer FilterTable::from(Entries entries) {
  const std::shared_ptr<FilterTable> table(new FilterTable());
  table->entries_ = std::move(entries);
  table->replace({}, table->entries_);
  return table;
}

void FilterTable::replace(const Entries& removed, const Entries& added) {
  {
    decltype(by_id_)::Change ids(by_id_);
    for (const FilterEntryPointer& entry : removed) ids.erase(entry->filter.id);
    for (const FilterEntryPointer& entry : added) ids[entry->filter.id] = entry;
  }
  for (const FilterEntryPointer& entry : removed) outbound_tunnels_ -= is_outbound_tunnel(*entry) ? 1 : 0;
  for (const FilterEntryPointer& entry : added) outbound_tunnels_ += is_outbound_tunnel(*entry) ? 1 : 0;
  outbound_.change(of_direction(removed, Direction::kOutbound), of_direction(added, Direction::kOutbound));
  inbound_.change(of_direction(removed, Direction::kInbound), of_direction(added, Direction::kInbound));
}

Result<FilterTable::Pointer> FilterTable::changed(const std::vector<std::uint64_t>& removed,
                                                  std::vector<Filter> inserted, std::size_t count) const {
  if (count > limits::kMaxFilters) return too_many(count);
  absl::flat_hash_set<std::uint64_t> gone;
  Entries old;
  for (const std::uint64_t id : removed) {
    const FilterEntryPointer* entry = by_id_.find(id);
    if (entry == nullptr || !gone.insert(id).second) {
      return refused(fmt::format("policy change: there is no filter {:#x} to be removed", id));
    }
    old.push_back(*entry);
  }
  absl::flat_hash_set<std::uint64_t> come;
  for (const Filter& filter : inserted) {
    IPSEC_RETURN_IF_ERROR(check(filter.index, filter));
    if (!come.insert(filter.id).second || (find(filter.id) != nullptr && !gone.contains(filter.id))) {
      return used_twice(filter.index, filter);
    }
  }
  IPSEC_ASSIGN_OR_RETURN(Entries merged, merge(entries_, gone, inserted, count));

  // Each run of new ones shares the room between the ranks of its neighbours.
  Entries fresh;
  auto next = inserted.begin();
  for (std::size_t at = 0; at < merged.size();) {
    if (merged[at] != nullptr) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < merged.size() && merged[end] == nullptr) ++end;
    const std::uint64_t below = at == 0 ? 0 : merged[at - 1]->rank;
    const std::uint64_t above = end == merged.size() ? kMaxRank : merged[end]->rank;
    const std::uint64_t step = (above - below) / (end - at + 1);
    for (std::uint64_t rank = below + step; at < end; ++at, rank += step) {
      merged[at] = make_entry(std::move(*next++), rank);
      fresh.push_back(merged[at]);
    }
    if (step != 0) continue;
    // No room left: all get new ranks.
    std::vector<Filter> all;
    all.reserve(merged.size());
    for (const FilterEntryPointer& entry : merged) {
      if (entry != nullptr) {
        all.push_back(entry->filter);
      } else {
        all.push_back(std::move(*next++));
      }
    }
    return make(std::move(all), this);
  }
  const std::shared_ptr<FilterTable> table(new FilterTable(*this));
  table->entries_ = std::move(merged);
  table->replace(old, fresh);
  return Pointer(table);
}

const FilterEntry* FilterTable::find(std::uint64_t filter_id) const {
  const FilterEntryPointer* found = by_id_.find(filter_id);
  return found == nullptr ? nullptr : found->get();
}

}  // namespace ipsec::driver

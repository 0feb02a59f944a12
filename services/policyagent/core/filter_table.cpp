#include "services/policyagent/core/filter_table.h"

#include <algorithm>
#include <tuple>

#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/weight.h"

namespace ipsec::agent {
namespace {

// `attempt` is 0 but for the second of two filters whose ids collide.
std::uint64_t filter_id(const SpecificFilter& filter, const FilterOrigin& origin, std::uint64_t attempt) {
  ContentHash hash("specific filter");
  hash.add(origin.rule->guid.text).add(origin.filter->guid.text);
  hash.add(static_cast<std::uint64_t>(filter.direction)).add(filter.selector);
  hash.add(filter.tunnel_destination ? filter.tunnel_destination->to_string() : std::string());
  hash.add(attempt);
  return hash.id();
}

bool same_filter(const FilterTable::Entry& entry, const SpecificFilter& filter, const FilterOrigin& origin) {
  return entry.origin.rule == origin.rule && entry.origin.filter == origin.filter &&
         entry.filter.direction == filter.direction && entry.filter.selector == filter.selector &&
         entry.filter.tunnel_destination == filter.tunnel_destination;
}

bool comes_before(const FilterTable::Entry& a, const FilterTable::Entry& b) {
  if (a.filter.weight != b.filter.weight) return a.filter.weight > b.filter.weight;
  const auto rest = [](const FilterTable::Entry& entry) {
    return std::make_tuple(caution(entry.filter.action), entry.origin.rule_index, entry.origin.filter_index);
  };
  if (rest(a) != rest(b)) return rest(a) < rest(b);
  if (a.filter.direction != b.filter.direction) return a.filter.direction < b.filter.direction;
  return a.filter.selector < b.filter.selector;
}

}  // namespace

unsigned caution(store::Action action) {
  switch (action) {
    case store::Action::kBlock:
      return 0;
    case store::Action::kNegotiate:
      return 1;
    case store::Action::kPermit:
      break;
  }
  return 2;
}

std::size_t FilterTable::add(SpecificFilter filter, const FilterOrigin& origin) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const std::uint64_t masked = filter_id(filter, origin, attempt) & id_mask_;
    const std::uint64_t id = masked == 0 ? 1 : masked;
    const auto [place, is_new] = by_id_.try_emplace(id, entries_.size());
    if (!is_new && same_filter(entries_[place->second], filter, origin)) return place->second;
    if (!is_new) continue;
    filter.id = id;
    filter.weight = weight(filter.selector, filter.tunnel_destination.has_value());
    entries_.push_back({std::move(filter), origin});
    return entries_.size() - 1;
  }
}

void FilterTable::link(std::size_t outbound, std::size_t inbound) {
  entries_[outbound].filter.mirror_id = entries_[inbound].filter.id;
  entries_[inbound].filter.mirror_id = entries_[outbound].filter.id;
}

std::vector<FilterTable::Entry> FilterTable::take_sorted() {
  std::vector<Entry> sorted;
  sorted.swap(entries_);
  by_id_.clear();
  std::sort(sorted.begin(), sorted.end(), comes_before);
  return sorted;
}

}  // namespace ipsec::agent

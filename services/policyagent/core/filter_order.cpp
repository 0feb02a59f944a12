#include "services/policyagent/core/filter_order.h"

#include <map>
#include <set>
#include <utility>

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "services/policyagent/core/group_order.h"

namespace ipsec::agent {
namespace {

// Nearly always empty: looking at hashes first spares a table of all selectors.
absl::flat_hash_set<std::uint64_t> seen_twice(const std::vector<OrderedFilter>& filters) {
  absl::flat_hash_set<std::uint64_t> seen;
  absl::flat_hash_set<std::uint64_t> twice;
  seen.reserve(filters.size());
  for (const OrderedFilter& each : filters) {
    if (!seen.insert(each.traffic_hash).second) twice.insert(each.traffic_hash);
  }
  return twice;
}

bool comes_before(const OrderedFilter& a, const OrderedFilter& b) {
  return a.place == b.place ? a.position < b.position : a.place.comes_before(b.place);
}

}  // namespace

std::vector<OrderedFilter> in_order(const std::vector<OrderedFilter>& filters) {
  return sorted_by_groups(
      filters, [](const OrderedFilter& filter) { return filter.place.group(); }, comes_before);
}

void report_shadowed(const std::vector<OrderedFilter>& sorted, const std::string& policy_name, ProblemList& problems) {
  const absl::flat_hash_set<std::uint64_t> twice = seen_twice(sorted);
  if (twice.empty()) return;
  std::map<std::pair<Direction, Selector>, const SpecificFilter*> first;
  std::set<std::pair<std::uint64_t, std::uint64_t>> told;
  for (const OrderedFilter& each : sorted) {
    if (!twice.contains(each.traffic_hash)) continue;
    const SpecificFilter& filter = each.filter();
    const auto [known, is_new] = first.try_emplace({filter.direction, filter.selector}, &filter);
    const SpecificFilter& winner = *known->second;
    if (is_new || !told.insert({winner.generic_id, filter.generic_id}).second) continue;
    problems.add(winner.action == filter.action ? Severity::kInformation : Severity::kWarning, "filter_shadowed",
                 fmt::format("rule '{}' of policy '{}'", filter.rule_name, policy_name),
                 fmt::format("{} traffic {} is decided by rule '{}' ({}); this one ({}) has no effect on it",
                             name(filter.direction), filter.selector.to_string(), winner.rule_name, name(winner.action),
                             name(filter.action)));
  }
}

}  // namespace ipsec::agent

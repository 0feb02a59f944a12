#include "services/policyagent/core/filter_order.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace ipsec::agent {
void report_shadowed(const KeptOrder<OrderedFilter>& filters, const std::string& policy_name, ProblemList& problems) {
  if (!filters.has_repeated()) return;
  std::map<std::pair<Direction, Selector>, const SpecificFilter*> first;
  std::set<std::pair<std::uint64_t, std::uint64_t>> told;
  for (const OrderedFilter& each : filters.entries()) {
    if (!filters.is_repeated(each)) continue;
    const SpecificFilter& filter = **each.pointer;
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

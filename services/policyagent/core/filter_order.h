#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/main_mode_filters.h"
#include "services/policyagent/core/problem_list.h"

namespace ipsec::agent {

// A filter on its way into the order of all. Borrows the pointer.
struct OrderedFilter {
  FilterPlace place;
  std::size_t position = 0;  // those of one rule are in their order already
  const std::shared_ptr<const SpecificFilter>* pointer = nullptr;
  std::uint64_t traffic_hash = 0;  // of direction and selector

  const SpecificFilter& filter() const { return **pointer; }
};

// In the order in which the filters of all rules are obeyed: FilterTable's. Quick where they come rule by rule.
std::vector<OrderedFilter> in_order(const std::vector<OrderedFilter>& filters);

// PD-24: two rules for exactly the same traffic; only the first in order has an effect. `sorted` is in that order.
void report_shadowed(const std::vector<OrderedFilter>& sorted, const std::string& policy_name, ProblemList& problems);

}  // namespace ipsec::agent

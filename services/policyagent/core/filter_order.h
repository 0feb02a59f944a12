#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/filter_place.h"
#include "services/policyagent/core/kept_order.h"
#include "services/policyagent/core/problem_list.h"

namespace ipsec::agent {

// A filter among those of all rules, in the order in which they are obeyed: FilterTable's. Borrows the pointer.
struct OrderedFilter {
  FilterPlace place;
  std::uint64_t hash = 0;  // of direction and selector
  const std::shared_ptr<const SpecificFilter>* pointer = nullptr;

  std::pair<std::uint64_t, std::uint64_t> group() const { return place.group(); }
  bool comes_before(const OrderedFilter& other) const { return place.comes_before(other.place); }
};

// PD-24: two rules for exactly the same traffic; only the first in order has an effect.
void report_shadowed(const KeptOrder<OrderedFilter>& filters, const std::string& policy_name, ProblemList& problems);

}  // namespace ipsec::agent

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/filter_expansion.h"
#include "services/policyagent/core/filter_place.h"
#include "services/policyagent/core/fingerprint.h"
#include "services/policyagent/core/main_mode_filters.h"

namespace ipsec::agent {

// A specific filter with what has to be known of it to find its place among the filters of all rules. That is all that
// a compilation looks at of the filters of unchanged rules: hundreds of thousands, scattered over the memory.
struct PlacedFilter {
  std::shared_ptr<const SpecificFilter> filter;
  FilterPlace place;               // as of a rule numbered 0
  std::uint64_t traffic_hash = 0;  // of direction and selector
};

// What one rule gives by itself: nothing in it depends on other rules, so it stays as it is while rule, filter list,
// filter action and host do.
struct CompiledRule {
  Fingerprint fingerprint = 0;
  std::vector<PlacedFilter> filters;  // transport mode, and those that do not negotiate; in their order
  // As this rule alone gives them, in their order: the rule of the other direction adds to them.
  std::vector<PlacedFilter> tunnels;
  std::vector<std::shared_ptr<const GenericFilter>> generic_filters;
  std::vector<MainModeCandidate> main_mode;  // of `filters`, with their places
  std::vector<PolicyProblem> problems;
  std::size_t more_problems = 0;

  std::size_t size() const { return filters.size() + tunnels.size(); }
};

// Whether IKE can authenticate so.
bool is_supported(const store::AuthenticationMethod& method);

// What is equal in `previous` (may be null) is shared with it. kExhausted beyond kMaxSpecificFilters.
Result<CompiledRule> compile_rule(const RuleContext& context, const CompiledRule* previous);

}  // namespace ipsec::agent

#pragma once

#include <string_view>
#include <variant>

#include "store/model.h"

// Finding single objects in a tree. All pointers are borrowed from the tree; nullptr where there is none. Linear in the
// number of objects of the kind (never in the number of filters).
namespace ipsec::store {

// By name (without regard to case) or by GUID.
using Reference = std::variant<std::string, Guid>;

const Policy* find_policy(const PolicyTree& tree, const Reference& reference);
const FilterList* find_filter_list(const PolicyTree& tree, const Reference& reference);
const FilterAction* find_filter_action(const PolicyTree& tree, const Reference& reference);
const Rule* find_rule(const Policy& policy, const Reference& reference);
// The assigned policy.
const Policy* assigned_policy(const PolicyTree& tree);

}  // namespace ipsec::store

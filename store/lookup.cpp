#include "store/lookup.h"

#include "services/common/utf8.h"

namespace ipsec::store {

namespace {

template <typename T>
const T* find(const std::vector<T>& objects, const Reference& reference) {
  for (const T& object : objects) {
    const auto* guid = std::get_if<Guid>(&reference);
    if (guid ? object.guid == *guid : equal_folded(object.name, std::get<std::string>(reference))) return &object;
  }
  return nullptr;
}

}  // namespace

const Policy* find_policy(const PolicyTree& tree, const Reference& reference) { return find(tree.policies, reference); }
const FilterList* find_filter_list(const PolicyTree& tree, const Reference& reference) {
  return find(tree.filter_lists, reference);
}
const FilterAction* find_filter_action(const PolicyTree& tree, const Reference& reference) {
  return find(tree.filter_actions, reference);
}
const Rule* find_rule(const Policy& policy, const Reference& reference) { return find(policy.rules, reference); }

const Policy* assigned_policy(const PolicyTree& tree) {
  return tree.assigned ? find_policy(tree, *tree.assigned) : nullptr;
}

}  // namespace ipsec::store

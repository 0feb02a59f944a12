#include "store/lint/context.h"

#include <algorithm>

#include "store/lint/limits.h"

namespace ipsec::store::lint {

namespace {

template <typename T>
const T* get(const std::unordered_map<std::string, const T*>& objects, const Guid& guid) {
  const auto found = objects.find(guid.text);
  return found == objects.end() ? nullptr : found->second;
}

}  // namespace

Context::Context(const PolicyTree& tree, const HostFacts& facts, const Policy* scope)
    : tree_(tree), facts_(facts), scope_(scope) {
  for (const FilterList& list : tree.filter_lists) lists_.emplace(list.guid.text, &list);
  for (const FilterAction& action : tree.filter_actions) actions_.emplace(action.guid.text, &action);
  for (const PolicyOnHost& policy : facts.policies) policies_.emplace(policy.policy.text, &policy);
  for (const Policy& policy : tree.policies) {
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
      const RuleUse use{&policy, &policy.rules[i], i};
      uses_[use.rule->filter_list.text].push_back(use);
      uses_[use.rule->filter_action.text].push_back(use);
    }
  }
}

std::vector<const Policy*> Context::policies() const {
  if (scope_ != nullptr) return {scope_};
  std::vector<const Policy*> all;
  for (const Policy& policy : tree_.policies) all.push_back(&policy);
  return all;
}

bool Context::is_in_scope(const Guid& list_or_action) const {
  if (scope_ == nullptr) return true;
  const auto& uses = uses_of(list_or_action);
  return std::any_of(uses.begin(), uses.end(), [&](const RuleUse& use) { return use.policy == scope_; });
}

const FilterList* Context::list_of(const Rule& rule) const { return get(lists_, rule.filter_list); }
const FilterAction* Context::action_of(const Rule& rule) const { return get(actions_, rule.filter_action); }
const PolicyOnHost* Context::on_host(const Policy& policy) const { return get(policies_, policy.guid); }

const std::vector<Filter>& Context::filters_of(const Rule& rule) const {
  static const std::vector<Filter> kNone;
  const FilterList* list = list_of(rule);
  return list == nullptr ? kNone : list->filters.get();
}

bool Context::negotiates(const Rule& rule) const {
  const FilterAction* action = action_of(rule);
  return action != nullptr && action->action == Action::kNegotiate;
}

const std::vector<RuleUse>& Context::uses_of(const Guid& list_or_action) const {
  static const std::vector<RuleUse> kNone;
  const auto found = uses_.find(list_or_action.text);
  return found == uses_.end() ? kNone : found->second;
}

bool Context::is_local(const IpAddress& address) const {
  const auto& all = facts_.local_addresses;
  return std::find(all.begin(), all.end(), address) != all.end();
}

bool is_tunnel(const Rule& rule) { return rule.tunnel_endpoint.has_value(); }

Filter reversed(Filter filter) {
  std::swap(filter.source, filter.destination);
  std::swap(filter.source_port, filter.destination_port);
  return filter;
}

bool has_preshared_key(const std::vector<AuthenticationMethod>& methods) {
  return std::any_of(methods.begin(), methods.end(),
                     [](const auto& method) { return std::holds_alternative<PresharedKeyAuthentication>(method); });
}

void Report::add(Severity severity, What what) {
  if (findings_.size() >= kMaxFindings) return;
  findings_.push_back({std::string(check_.id), severity, std::move(what.policy), std::move(what.object),
                       std::move(what.why), lines(what.mend)});
}

}  // namespace ipsec::store::lint

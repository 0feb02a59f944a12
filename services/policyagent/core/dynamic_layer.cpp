#include "services/policyagent/core/dynamic_layer.h"

#include <algorithm>
#include <iterator>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/free_name.h"
#include "services/policyagent/core/limits.h"
#include "services/policyagent/core/problem_list.h"

namespace ipsec::agent {
namespace {

constexpr std::string_view kDynamicPolicyName = "the dynamic policy";

using Names = absl::flat_hash_map<std::string, std::string>;  // of a dynamic policy -> in the result

store::Action action_of(const store::DynamicRule& rule, Direction direction) {
  return direction == Direction::kInbound ? rule.inbound : rule.outbound;
}

// The dynamic policies in the shape of a stored one, for one direction of traffic: the two may have different actions.
class TreeMaker {
 public:
  TreeMaker(const store::DynamicPolicy& dynamic, store::Profile profile, const Names& quick_mode_names)
      : dynamic_(dynamic), quick_mode_names_(quick_mode_names) {
    policy_.guid = {std::string(kDynamicPolicyName)};
    policy_.name = std::string(kDynamicPolicyName);
    policy_.profile = profile;
    policy_.default_response.active = false;
  }

  store::PolicyTree make(Direction direction) {
    store::PolicyTree tree;
    for (const store::DynamicRule& rule : dynamic_.rules) {
      store::FilterList list;
      list.guid = rule.guid;
      list.filters = {rule.filter};
      tree.filter_lists.push_back(std::move(list));
      tree.filter_actions.push_back(filter_action(rule, direction));
      policy_.rules.push_back(stored_rule(rule, tree.filter_actions.back()));
    }
    tree.assigned = policy_.guid;
    tree.policies.push_back(std::move(policy_));
    return tree;
  }

 private:
  store::FilterAction filter_action(const store::DynamicRule& rule, Direction direction) const {
    store::FilterAction action;
    action.guid = rule.guid;
    action.action = action_of(rule, direction);
    action.name = name(action.action);
    if (action.action != store::Action::kNegotiate) return action;
    for (const store::DynamicQuickModePolicy& policy : dynamic_.quick_mode_policies) {
      if (policy.name != rule.quick_mode_policy) continue;
      action.name = quick_mode_names_.at(policy.name);
      action.offers = policy.offers;
      action.quick_mode_pfs = policy.pfs.has_value();
      action.pfs_group = policy.pfs.value_or(DhGroup::kNone);
      action.allow_soft = policy.allow_soft;
    }
    return action;
  }

  static store::Rule stored_rule(const store::DynamicRule& rule, const store::FilterAction& action) {
    store::Rule stored;
    stored.guid = rule.guid;
    stored.name = rule.name;
    stored.filter_list = rule.guid;
    stored.filter_action = action.guid;
    stored.authentication = rule.authentication;
    // A tunnel has a use for negotiation only.
    if (action.action == store::Action::kNegotiate) stored.tunnel_endpoint = rule.tunnel_endpoint;
    stored.connection_type = rule.connection_type;
    return stored;
  }

  const store::DynamicPolicy& dynamic_;
  const Names& quick_mode_names_;
  store::Policy policy_;
};

// Adds `more` in the order of weights, before those of `all` that weigh the same.
template <typename T>
void merge_by_weight(SharedList<T>& all, const SharedList<T>& more) {
  std::vector<typename SharedList<T>::Pointer> merged;
  merged.reserve(all.size() + more.size());
  std::merge(more.pointers().begin(), more.pointers().end(), all.pointers().begin(), all.pointers().end(),
             std::back_inserter(merged), [](const auto& a, const auto& b) { return a->weight > b->weight; });
  all = SharedList<T>(std::move(merged));
}

SharedList<SpecificFilter> of_direction(const SharedList<SpecificFilter>& filters, Direction direction) {
  SharedList<SpecificFilter> kept;
  for (const auto& filter : filters.pointers()) {
    if (filter->direction == direction) kept.push_back(filter);
  }
  return kept;
}

void add_problems(CompiledPolicy& result, const CompiledPolicy& from) {
  ProblemList problems(result.problems, result.more_problems);
  for (const PolicyProblem& problem : from.problems) {
    const auto& known = result.problems;
    if (std::find(known.begin(), known.end(), problem) == known.end()) problems.add(problem);
  }
  problems.add_unlisted(from.more_problems);
}

class Layer {
 public:
  Layer(CompiledPolicy assigned, const store::DynamicPolicy& dynamic)
      : result_(std::move(assigned)), dynamic_(dynamic) {}

  Result<CompiledPolicy> lay(const HostAddresses& host) {
    add_main_mode_policies();
    add_quick_mode_policies();
    if (dynamic_.rules.empty()) return std::move(result_);
    const auto compiled = [&](Direction direction) {
      return compile(TreeMaker(dynamic_, result_.profile, quick_mode_names_).make(direction), host);
    };
    IPSEC_ASSIGN_OR_RETURN(CompiledPolicy outbound, compiled(Direction::kOutbound));
    IPSEC_ASSIGN_OR_RETURN(CompiledPolicy inbound, compiled(Direction::kInbound));
    result_.active = true;
    add_filters(outbound.filters, inbound.filters);
    if (result_.filters.size() > kMaxSpecificFilters) {
      return exhausted(fmt::format("more than {} specific filters on this host", kMaxSpecificFilters));
    }
    add_main_mode_filters(outbound.main_mode_filters, inbound.main_mode_filters);
    for (const auto& filter : outbound.generic_filters.pointers()) result_.generic_filters.push_back(filter);
    add_problems(result_, outbound);
    add_problems(result_, inbound);
    return std::move(result_);
  }

 private:
  void add_main_mode_policies() {
    for (const store::DynamicMainModePolicy& policy : dynamic_.main_mode_policies) {
      const std::string name = free_name(result_.main_mode_policies, policy.name);
      main_mode_names_[policy.name] = name;
      result_.main_mode_policies.push_back(
          {name, policy.offers, policy.lifetime_minutes * 60, policy.quick_mode_limit, false});
    }
  }

  void add_quick_mode_policies() {
    for (const store::DynamicQuickModePolicy& policy : dynamic_.quick_mode_policies) {
      const std::string name = free_name(result_.quick_mode_policies, policy.name);
      quick_mode_names_[policy.name] = name;
      result_.quick_mode_policies.push_back(
          {name, policy.offers, policy.pfs.has_value(), policy.pfs.value_or(DhGroup::kNone)});
    }
  }

  // Ids depend on rule, selector and direction, not on the action: so the mirrors of both compilations find each other.
  void add_filters(const SharedList<SpecificFilter>& outbound, const SharedList<SpecificFilter>& inbound) {
    SharedList<SpecificFilter> filters = of_direction(outbound, Direction::kOutbound);
    merge_by_weight(filters, of_direction(inbound, Direction::kInbound));
    merge_by_weight(result_.filters, filters);
  }

  // A rule that negotiates in one direction only has its main mode filter in that compilation alone.
  void add_main_mode_filters(const SharedList<MainModeFilter>& outbound, const SharedList<MainModeFilter>& inbound) {
    absl::flat_hash_map<std::string, std::string> policy_of_rule;
    for (const store::DynamicRule& rule : dynamic_.rules) {
      policy_of_rule[rule.name] = main_mode_names_.at(rule.main_mode_policy);
    }
    absl::flat_hash_set<std::uint64_t> known;
    for (const SharedList<MainModeFilter>* list : {&outbound, &inbound}) {
      SharedList<MainModeFilter> added;
      for (MainModeFilter filter : *list) {
        if (!known.insert(filter.id).second) continue;
        filter.main_mode_policy = policy_of_rule.at(filter.rule_name);
        added.push_back(std::move(filter));
      }
      merge_by_weight(result_.main_mode_filters, added);
    }
  }

  CompiledPolicy result_;
  const store::DynamicPolicy& dynamic_;
  Names main_mode_names_;
  Names quick_mode_names_;
};

}  // namespace

Result<CompiledPolicy> lay_over(CompiledPolicy assigned, const store::DynamicPolicy& dynamic,
                                const HostAddresses& host) {
  return Layer(std::move(assigned), dynamic).lay(host);
}

}  // namespace ipsec::agent

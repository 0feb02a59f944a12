#include "services/policyagent/core/dynamic_layer.h"

#include <algorithm>
#include <iterator>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/limits.h"
#include "services/policyagent/core/problem_list.h"

namespace ipsec::agent {
namespace {

constexpr std::string_view kDynamicPolicyName = "the dynamic policy";

// Names that no policy of the assigned one has.
template <typename Policies>
std::string free_name(const Policies& taken, const std::string& name) {
  const bool is_taken =
      std::any_of(taken.begin(), taken.end(), [&](const auto& policy) { return policy.name == name; });
  return is_taken ? free_name(taken, name + " (dynamic)") : name;
}

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
void merge_by_weight(std::vector<T>& all, std::vector<T> more) {
  std::vector<T> merged;
  merged.reserve(all.size() + more.size());
  std::merge(std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()),
             std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()), std::back_inserter(merged),
             [](const T& a, const T& b) { return a.weight > b.weight; });
  all = std::move(merged);
}

void keep_direction(std::vector<SpecificFilter>& filters, Direction direction) {
  std::erase_if(filters, [direction](const SpecificFilter& filter) { return filter.direction != direction; });
}

void add_problems(CompiledPolicy& result, const CompiledPolicy& from) {
  ProblemList problems(result);
  for (const PolicyProblem& problem : from.problems) {
    const auto& known = result.problems;
    if (std::find(known.begin(), known.end(), problem) == known.end()) {
      problems.add(problem.severity, problem.name, problem.object, problem.text);
    }
  }
  result.more_problems += from.more_problems;
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
    add_main_mode_filters(std::move(outbound.main_mode_filters), std::move(inbound.main_mode_filters));
    std::move(outbound.generic_filters.begin(), outbound.generic_filters.end(),
              std::back_inserter(result_.generic_filters));
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
  void add_filters(std::vector<SpecificFilter>& outbound, std::vector<SpecificFilter>& inbound) {
    keep_direction(outbound, Direction::kOutbound);
    keep_direction(inbound, Direction::kInbound);
    merge_by_weight(outbound, std::move(inbound));
    merge_by_weight(result_.filters, std::move(outbound));
    std::uint32_t index = 0;
    for (SpecificFilter& filter : result_.filters) filter.index = index++;
  }

  // A rule that negotiates in one direction only has its main mode filter in that compilation alone.
  void add_main_mode_filters(std::vector<MainModeFilter> outbound, std::vector<MainModeFilter> inbound) {
    absl::flat_hash_set<std::uint64_t> known;
    for (const MainModeFilter& filter : outbound) known.insert(filter.id);
    std::erase_if(inbound, [&](const MainModeFilter& filter) { return known.contains(filter.id); });
    merge_by_weight(outbound, std::move(inbound));
    absl::flat_hash_map<std::string, std::string> policy_of_rule;
    for (const store::DynamicRule& rule : dynamic_.rules) {
      policy_of_rule[rule.name] = main_mode_names_.at(rule.main_mode_policy);
    }
    for (MainModeFilter& filter : outbound) filter.main_mode_policy = policy_of_rule.at(filter.rule_name);
    merge_by_weight(result_.main_mode_filters, std::move(outbound));
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

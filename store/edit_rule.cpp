#include <fmt/format.h>

#include "store/defaults.h"
#include "store/edit_context.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/names.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

Problem policy_not_found(const std::string& name) {
  return problem(kPolicyNotFound, policy_label(name), "policy",
                 "there is no such policy; accepted is the name of an existing one");
}

Problem rule_exists(const std::string& rule, const std::string& policy, std::string field) {
  return problem(kRuleExists, rule_label(rule, policy), std::move(field),
                 "a rule of that name exists in the policy; accepted is a name that no other rule of it has");
}

Problem rule_not_found(const Reference& rule, const Policy& policy) {
  if (const auto* guid = std::get_if<Guid>(&rule); guid && *guid == policy.default_response.guid) {
    return problem(kDefaultRuleFixed, default_rule_label(policy.name), "rule",
                   "is the default response rule; accepted are its activation, offers and authentication methods");
  }
  return problem(
      kRuleNotFound, rule_label(reference_text(rule), policy.name), "rule",
      fmt::format("there is no such rule; accepted is the name of one of the policy's {} rules", policy.rules.size()));
}

// Points the rule at the list or action of that name; a problem where there is none. A list that a rule begins to use
// has at least one filter.
void link_list(Rule& rule, const Policy& policy, const std::string& name, const Workspace& workspace,
               Problems& problems) {
  const FilterList* list = workspace.filter_list(name);
  if (!list) {
    problems.push_back(problem(kFilterListNotFound, rule_label(rule.name, policy.name), "filter_list",
                               fmt::format("there is no filter list '{}'; accepted is an existing one", name)));
    return;
  }
  if (list->filters.empty() && rule.filter_list != list->guid) {
    problems.push_back(
        problem(kFilterListEmpty, rule_label(rule.name, policy.name), "filter_list",
                fmt::format("filter list '{}' is empty; accepted is one with at least one filter", name)));
  }
  rule.filter_list = list->guid;
}

void link_action(Rule& rule, const Policy& policy, const std::string& name, const Workspace& workspace,
                 Problems& problems) {
  if (const FilterAction* action = workspace.filter_action(name)) {
    rule.filter_action = action->guid;
    return;
  }
  problems.push_back(problem(kFilterActionNotFound, rule_label(rule.name, policy.name), "filter_action",
                             fmt::format("there is no filter action '{}'; accepted is an existing one", name)));
}

// The rule's own fields; its links too, where none of them is reported already.
void check_whole(const Rule& rule, const Policy& policy, const Workspace& workspace, Problems& problems) {
  const bool linked = problems.empty();
  append(problems, validate(rule, policy.name));
  if (!linked) return;
  append(problems, validate_links(rule, policy.name, workspace.filter_list(rule.filter_list),
                                  workspace.filter_action(rule.filter_action)));
}

}  // namespace

Problems carry_out(EditContext& context, const AddRule& change) {
  Workspace& workspace = context.workspace;
  const Policy* policy = workspace.policy(change.policy);
  if (!policy) return {policy_not_found(change.policy)};
  if (find_rule(*policy, change.name)) return {rule_exists(change.name, policy->name, "name")};
  Problems problems;
  Rule rule;
  rule.name = change.name;
  set_if(rule.description, change.description);
  link_list(rule, *policy, change.filter_list, workspace, problems);
  link_action(rule, *policy, change.filter_action, workspace, problems);
  rule.authentication = change.authentication ? *change.authentication : default_authentication();
  rule.tunnel_endpoint = change.tunnel_endpoint;
  set_if(rule.connection_type, change.connection_type);
  set_if(rule.active, change.active);
  check_whole(rule, *policy, workspace, problems);
  if (policy->rules.size() >= kMaxRulesPerPolicy) {
    problems.push_back(problem(kTooMany, policy_label(policy->name), "rules",
                               fmt::format("the policy has {} rules; accepted are no more", kMaxRulesPerPolicy)));
  }
  if (!problems.empty()) return problems;
  rule.guid = make_guid(context.random);
  rule.last_modified = context.now;
  const Guid guid = policy->guid;
  workspace.put_rule(guid, std::move(rule));
  workspace.touch_policy(guid, context.now);
  return {};
}

Problems carry_out(EditContext& context, const SetRule& change) {
  Workspace& workspace = context.workspace;
  const Policy* policy = workspace.policy(change.policy);
  if (!policy) return {policy_not_found(change.policy)};
  const Rule* old = find_rule(*policy, change.rule);
  if (!old) return {rule_not_found(change.rule, *policy)};
  Problems problems;
  Rule rule = *old;
  set_if(rule.name, change.new_name);
  set_if(rule.description, change.description);
  if (change.filter_list) link_list(rule, *policy, *change.filter_list, workspace, problems);
  if (change.filter_action) link_action(rule, *policy, *change.filter_action, workspace, problems);
  if (change.tunnel_endpoint) {
    rule.tunnel_endpoint = change.tunnel_endpoint->is_unspecified() ? std::nullopt : change.tunnel_endpoint;
  }
  set_if(rule.connection_type, change.connection_type);
  set_if(rule.active, change.active);
  set_if(rule.authentication, change.authentication);
  check_whole(rule, *policy, workspace, problems);
  const Rule* of_that_name = find_rule(*policy, rule.name);
  if (of_that_name && of_that_name != old) problems.push_back(rule_exists(rule.name, policy->name, "new_name"));
  if (!problems.empty()) return problems;
  rule.last_modified = context.now;
  const Guid guid = policy->guid;
  workspace.put_rule(guid, std::move(rule));
  workspace.touch_policy(guid, context.now);
  return {};
}

Problems carry_out(EditContext& context, const DeleteRule& change) {
  Workspace& workspace = context.workspace;
  const Policy* policy = workspace.policy(change.policy);
  if (!policy) return {policy_not_found(change.policy)};
  std::vector<Guid> rules;
  if (change.rule) {
    const Rule* rule = find_rule(*policy, *change.rule);
    if (!rule) return {rule_not_found(*change.rule, *policy)};
    rules.push_back(rule->guid);
  } else {
    for (auto rule = policy->rules.rbegin(); rule != policy->rules.rend(); ++rule) rules.push_back(rule->guid);
  }
  const Guid guid = policy->guid;
  for (const Guid& rule : rules) workspace.remove_rule(guid, rule);
  workspace.touch_policy(guid, context.now);
  return {};
}

}  // namespace ipsec::store

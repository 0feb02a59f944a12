#include <fmt/format.h>

#include "store/defaults.h"
#include "store/edit_context.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/names.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

Problem action_not_found(const Reference& reference) {
  return problem(kFilterActionNotFound, filter_action_label(reference_text(reference)), "filter_action",
                 "there is no such filter action; accepted is the name of an existing one");
}

Problem action_exists(const std::string& name, std::string field) {
  return problem(kFilterActionExists, filter_action_label(name), std::move(field),
                 "a filter action of that name exists; accepted is a name that no other filter action has");
}

// What AddFilterAction and SetFilterAction have in common. Offers count only with negotiate, which is given the default
// ones where none are stated.
template <typename Change>
void take_fields(FilterAction& action, const Change& change) {
  set_if(action.description, change.description);
  set_if(action.quick_mode_pfs, change.quick_mode_pfs);
  set_if(action.inbound_passthrough, change.inbound_passthrough);
  set_if(action.allow_soft, change.allow_soft);
  set_if(action.pfs_group, change.pfs_group);
  set_if(action.action, change.action);
  if (action.action != Action::kNegotiate) {
    action.offers.clear();
  } else if (change.offers) {
    action.offers = *change.offers;
  } else if (action.offers.empty()) {
    action.offers = default_quick_mode_offers(Profile::kModern);
  }
}

}  // namespace

Problems carry_out(EditContext& context, const AddFilterAction& change) {
  Workspace& workspace = context.workspace;
  if (workspace.filter_action(change.name)) return {action_exists(change.name, "name")};
  FilterAction action;
  action.name = change.name;
  take_fields(action, change);
  Problems problems = validate(action);
  if (workspace.tree().filter_actions.size() >= kMaxFilterActions) {
    problems.push_back(
        problem(kTooMany, filter_action_label(change.name), "name",
                fmt::format("the store has {} filter actions; accepted are no more", kMaxFilterActions)));
  }
  if (!problems.empty()) return problems;
  action.guid = make_guid(context.random);
  action.last_modified = context.now;
  workspace.put_filter_action(std::move(action));
  return {};
}

Problems carry_out(EditContext& context, const SetFilterAction& change) {
  Workspace& workspace = context.workspace;
  const FilterAction* old = workspace.filter_action(change.filter_action);
  if (!old) return {action_not_found(change.filter_action)};
  FilterAction action = *old;
  set_if(action.name, change.new_name);
  take_fields(action, change);
  Problems problems = validate(action);
  const FilterAction* of_that_name = workspace.filter_action(action.name);
  if (of_that_name && of_that_name != old) problems.push_back(action_exists(action.name, "new_name"));
  // A rule without authentication is in order only as long as its action does not negotiate.
  for_each_rule(
      workspace.tree(), [&](const Rule& rule) { return rule.filter_action == action.guid; },
      [&](const Policy& policy, const Rule& rule) {
        append(problems, validate_links(rule, policy.name, workspace.filter_list(rule.filter_list), &action));
      });
  if (!problems.empty()) return problems;
  action.last_modified = context.now;
  const Guid guid = action.guid;
  workspace.put_filter_action(std::move(action));
  touch_users_of_action(context, guid);
  return {};
}

Problems carry_out(EditContext& context, const DeleteFilterAction& change) {
  const FilterAction* action = context.workspace.filter_action(change.filter_action);
  if (!action) return {action_not_found(change.filter_action)};
  Problems problems;
  for_each_rule(
      context.workspace.tree(), [&](const Rule& rule) { return rule.filter_action == action->guid; },
      [&](const Policy& policy, const Rule& rule) {
        problems.push_back(problem(kFilterActionInUse, filter_action_label(action->name), "filter_action",
                                   fmt::format("{} uses it; accepted is a filter action that no rule uses",
                                               rule_label(rule.name, policy.name))));
      });
  if (problems.empty()) context.workspace.remove_filter_action(action->guid);
  return problems;
}

}  // namespace ipsec::store

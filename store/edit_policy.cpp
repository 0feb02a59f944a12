#include <fmt/format.h>

#include "store/defaults.h"
#include "store/edit_context.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/names.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

Problem policy_not_found(const Reference& reference) {
  return problem(kPolicyNotFound, policy_label(reference_text(reference)), "policy",
                 "there is no such policy; accepted is the name of an existing one");
}

Problem policy_exists(const std::string& name, std::string field) {
  return problem(kPolicyExists, policy_label(name), std::move(field),
                 "a policy of that name exists; accepted is a name that no other policy has");
}

// What AddPolicy and SetPolicy have in common.
template <typename Change>
void take_fields(Policy& policy, const Change& change) {
  set_if(policy.description, change.description);
  set_if(policy.isakmp.master_pfs, change.master_pfs);
  set_if(policy.isakmp.quick_mode_limit, change.quick_mode_limit);
  set_if(policy.isakmp.lifetime_minutes, change.main_mode_lifetime_minutes);
  set_if(policy.default_response.active, change.activate_default_rule);
  set_if(policy.polling_interval_minutes, change.polling_interval_minutes);
  set_if(policy.isakmp.offers, change.main_mode_offers);
}

}  // namespace

Problems carry_out(EditContext& context, const AddPolicy& change) {
  Workspace& workspace = context.workspace;
  if (workspace.policy(change.name)) return {policy_exists(change.name, "name")};
  Policy policy = default_policy(change.name, change.profile.value_or(Profile::kModern));
  take_fields(policy, change);
  set_if(policy.default_response.authentication, change.default_rule_authentication);
  Problems problems = validate(policy);
  if (workspace.tree().policies.size() >= kMaxPolicies) {
    problems.push_back(problem(kTooMany, policy_label(change.name), "name",
                               fmt::format("the store has {} policies; accepted are no more", kMaxPolicies)));
  }
  if (!problems.empty()) return problems;
  policy.guid = make_guid(context.random);
  policy.isakmp.guid = make_guid(context.random);
  policy.default_response.guid = make_guid(context.random);
  policy.last_modified = context.now;
  const Guid guid = policy.guid;
  workspace.put_policy(std::move(policy));
  if (change.assign.value_or(false)) workspace.assign(guid);
  return {};
}

Problems carry_out(EditContext& context, const SetPolicy& change) {
  Workspace& workspace = context.workspace;
  const Policy* old = workspace.policy(change.policy);
  if (!old) return {policy_not_found(change.policy)};
  Policy policy = *old;
  set_if(policy.name, change.new_name);
  take_fields(policy, change);
  Problems problems = validate(policy);
  const Policy* of_that_name = workspace.policy(policy.name);
  if (of_that_name && of_that_name != old) problems.push_back(policy_exists(policy.name, "new_name"));
  if (!problems.empty()) return problems;
  policy.last_modified = context.now;
  const Guid guid = policy.guid;
  workspace.put_policy(std::move(policy));
  const bool assigned = workspace.tree().assigned == guid;
  if (change.assign && *change.assign != assigned)
    workspace.assign(*change.assign ? std::optional(guid) : std::nullopt);
  return {};
}

Problems carry_out(EditContext& context, const DeletePolicy& change) {
  const Policy* policy = context.workspace.policy(change.policy);
  if (!policy) return {policy_not_found(change.policy)};
  context.workspace.remove_policy(policy->guid);
  return {};
}

Problems carry_out(EditContext& context, const SetDefaultRule& change) {
  const Policy* old = context.workspace.policy(change.policy);
  if (!old) return {policy_not_found(change.policy)};
  Policy policy = *old;
  set_if(policy.default_response.quick_mode_pfs, change.quick_mode_pfs);
  set_if(policy.default_response.active, change.active);
  set_if(policy.default_response.offers, change.offers);
  set_if(policy.default_response.authentication, change.authentication);
  if (Problems problems = validate(policy.default_response, policy.name); !problems.empty()) return problems;
  policy.last_modified = context.now;
  context.workspace.put_policy(std::move(policy));
  return {};
}

}  // namespace ipsec::store

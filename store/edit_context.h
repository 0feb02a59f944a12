#pragma once

#include "store/edit.h"
#include "store/workspace.h"

// What the commands of one noun share. Each carry_out checks everything first and only then changes the workspace.
namespace ipsec::store {

struct EditContext {
  Workspace& workspace;
  RandomSource& random;
  WallClock now;
};

Problems carry_out(EditContext& context, const AddPolicy& change);
Problems carry_out(EditContext& context, const SetPolicy& change);
Problems carry_out(EditContext& context, const DeletePolicy& change);
Problems carry_out(EditContext& context, const AddFilterList& change);
Problems carry_out(EditContext& context, const SetFilterList& change);
Problems carry_out(EditContext& context, const DeleteFilterList& change);
Problems carry_out(EditContext& context, const AddFilter& change);
Problems carry_out(EditContext& context, const DeleteFilter& change);
Problems carry_out(EditContext& context, const AddFilterAction& change);
Problems carry_out(EditContext& context, const SetFilterAction& change);
Problems carry_out(EditContext& context, const DeleteFilterAction& change);
Problems carry_out(EditContext& context, const AddRule& change);
Problems carry_out(EditContext& context, const SetRule& change);
Problems carry_out(EditContext& context, const DeleteRule& change);
Problems carry_out(EditContext& context, const SetDefaultRule& change);
Problems carry_out(EditContext& context, const DeleteAll& change);

// ---- what several of them need
// ----------------------------------------------------------------------------------------

Problem problem(Code code, std::string object, std::string field, std::string text);
// "'x'" or the GUID: how the user named it.
std::string reference_text(const Reference& reference);
void append(Problems& to, Problems more);

template <typename T>
void set_if(T& field, const std::optional<T>& value) {
  if (value) field = *value;
}

// ST-05: every policy that uses the list or action counts as changed.
void touch_users_of_list(EditContext& context, const Guid& list);
void touch_users_of_action(EditContext& context, const Guid& action);

// Calls visit(policy, rule) for each rule that `uses` accepts.
template <typename Uses, typename Visit>
void for_each_rule(const PolicyTree& tree, Uses uses, Visit visit) {
  for (const Policy& policy : tree.policies) {
    for (const Rule& rule : policy.rules) {
      if (uses(rule)) visit(policy, rule);
    }
  }
}

}  // namespace ipsec::store

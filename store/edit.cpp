#include "store/edit.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "store/edit_context.h"

namespace ipsec::store {

namespace {

// In the order of Change.
constexpr std::array<std::string_view, std::variant_size_v<Change>> kChangeNames = {
    "add policy", "set policy",    "delete policy",    "add filterlist",   "set filterlist",      "delete filterlist",
    "add filter", "delete filter", "add filteraction", "set filteraction", "delete filteraction", "add rule",
    "set rule",   "delete rule",   "set defaultrule",  "delete all",
};

template <typename Uses>
void touch_users(EditContext& context, Uses uses) {
  std::vector<Guid> touched;
  for (const Policy& policy : context.workspace.tree().policies) {
    if (policy.last_modified == context.now && context.workspace.is_raised(policy.guid)) continue;
    if (std::any_of(policy.rules.begin(), policy.rules.end(), uses)) touched.push_back(policy.guid);
  }
  for (const Guid& guid : touched) context.workspace.touch_policy(guid, context.now);
}

}  // namespace

std::string_view change_name(const Change& change) { return kChangeNames[change.index()]; }

Problems edit(Workspace& workspace, const Change& change, RandomSource& random, WallClock now) {
  EditContext context{workspace, random, now};
  return std::visit([&](const auto& one) { return carry_out(context, one); }, change);
}

Problem problem(Code code, std::string object, std::string field, std::string text) {
  Problem made;
  made.code = code;
  made.object = std::move(object);
  made.field = std::move(field);
  made.text = std::move(text);
  return made;
}

std::string reference_text(const Reference& reference) {
  if (const auto* guid = std::get_if<Guid>(&reference)) return fmt::format("{{{}}}", guid->text);
  return std::get<std::string>(reference);
}

void append(Problems& to, Problems more) {
  for (Problem& one : more) to.push_back(std::move(one));
}

void touch_users_of_list(EditContext& context, const Guid& list) {
  touch_users(context, [&](const Rule& rule) { return rule.filter_list == list; });
}

void touch_users_of_action(EditContext& context, const Guid& action) {
  touch_users(context, [&](const Rule& rule) { return rule.filter_action == action; });
}

Problems carry_out(EditContext& context, const DeleteAll&) {
  context.workspace.clear();
  return {};
}

}  // namespace ipsec::store

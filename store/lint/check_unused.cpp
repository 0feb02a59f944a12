#include <fmt/format.h>

#include "store/lint/checks.h"
#include "store/names.h"

// PD-24: few and simple policies.
namespace ipsec::store::lint {

void check_rule_without_filters(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    for (const Rule& rule : policy->rules) {
      const FilterList* list = context.list_of(rule);
      if (list == nullptr || !list->filters.empty()) continue;
      report.add(
          {policy->name,
           rule_label(rule.name, policy->name),
           fmt::format("filter list '{}' is empty, so the rule has no effect: its traffic passes as if there were "
                       "no rule. Add filters to the list, or delete the rule",
                       list->name),
           {NetshCommand("delete rule").text("name", rule.name).text("policy", policy->name)}});
    }
  }
}

void check_filter_list_unused(const Context& context, Report report) {
  if (!context.is_whole_store()) return;
  for (const FilterList& list : context.tree().filter_lists) {
    if (!context.uses_of(list.guid).empty()) continue;
    report.add({"",
                filter_list_label(list.name),
                "no rule uses it",
                {NetshCommand("delete filterlist").text("name", list.name)}});
  }
}

void check_filter_action_unused(const Context& context, Report report) {
  if (!context.is_whole_store()) return;
  for (const FilterAction& action : context.tree().filter_actions) {
    if (!context.uses_of(action.guid).empty()) continue;
    report.add({"",
                filter_action_label(action.name),
                "no rule uses it",
                {NetshCommand("delete filteraction").text("name", action.name)}});
  }
}

}  // namespace ipsec::store::lint

#include <fmt/format.h>

#include "store/edit_context.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/names.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

Problem list_not_found(const Reference& reference) {
  return problem(kFilterListNotFound, filter_list_label(reference_text(reference)), "filter_list",
                 "there is no such filter list; accepted is the name of an existing one");
}

Problem list_exists(const std::string& name, std::string field) {
  return problem(kFilterListExists, filter_list_label(name), std::move(field),
                 "a filter list of that name exists; accepted is a name that no other filter list has");
}

// A list without filters, checked as a new one.
Problems check_new_list(const EditContext& context, const FilterList& list) {
  Problems problems = validate(list);
  if (context.workspace.tree().filter_lists.size() >= kMaxFilterLists) {
    problems.push_back(problem(kTooMany, filter_list_label(list.name), "name",
                               fmt::format("the store has {} filter lists; accepted are no more", kMaxFilterLists)));
  }
  return problems;
}

Problems check_new_filter(EditContext& context, const AddFilter& change, const FilterList* list) {
  Problems problems = validate(change.filter, change.filter_list);
  if (context.workspace.filter_count() >= kMaxFilters) {
    problems.push_back(problem(kTooMany, filter_list_label(change.filter_list), "filters",
                               fmt::format("the store has {} filters; accepted are no more", kMaxFilters)));
  }
  if (!list) return problems;
  if (context.workspace.same_filter(*list, change.filter)) {
    problems.push_back(problem(kFilterExists, filter_list_label(list->name), "filter",
                               fmt::format("the list has '{}' already; accepted is a selector that is not in the list",
                                           filter_text(change.filter))));
  }
  if (!change.filter.mirrored) return problems;
  for_each_rule(
      context.workspace.tree(),
      [&](const Rule& rule) { return rule.tunnel_endpoint && rule.filter_list == list->guid; },
      [&](const Policy& policy, const Rule& rule) {
        problems.push_back(problem(kTunnelFilterMirrored, filter_list_label(list->name), "mirrored",
                                   fmt::format("{} is a tunnel and uses the list; accepted is a filter that is not "
                                               "mirrored",
                                               rule_label(rule.name, policy.name))));
      });
  return problems;
}

}  // namespace

Problems carry_out(EditContext& context, const AddFilterList& change) {
  if (context.workspace.filter_list(change.name)) return {list_exists(change.name, "name")};
  FilterList list;
  list.name = change.name;
  set_if(list.description, change.description);
  if (Problems problems = check_new_list(context, list); !problems.empty()) return problems;
  list.guid = make_guid(context.random);
  list.last_modified = context.now;
  context.workspace.put_filter_list(std::move(list));
  return {};
}

Problems carry_out(EditContext& context, const SetFilterList& change) {
  Workspace& workspace = context.workspace;
  const FilterList* old = workspace.filter_list(change.filter_list);
  if (!old) return {list_not_found(change.filter_list)};
  FilterList list;
  list.guid = old->guid;
  list.name = change.new_name.value_or(old->name);
  list.description = change.description.value_or(old->description);
  list.last_modified = context.now;
  Problems problems = validate(list);
  const FilterList* of_that_name = workspace.filter_list(list.name);
  if (of_that_name && of_that_name != old) problems.push_back(list_exists(list.name, "new_name"));
  if (!problems.empty()) return problems;
  const Guid guid = list.guid;
  workspace.put_filter_list(std::move(list));
  touch_users_of_list(context, guid);
  return {};
}

Problems carry_out(EditContext& context, const DeleteFilterList& change) {
  const FilterList* list = context.workspace.filter_list(change.filter_list);
  if (!list) return {list_not_found(change.filter_list)};
  Problems problems;
  for_each_rule(
      context.workspace.tree(), [&](const Rule& rule) { return rule.filter_list == list->guid; },
      [&](const Policy& policy, const Rule& rule) {
        problems.push_back(problem(kFilterListInUse, filter_list_label(list->name), "filter_list",
                                   fmt::format("{} uses it; accepted is a filter list that no rule uses",
                                               rule_label(rule.name, policy.name))));
      });
  if (problems.empty()) context.workspace.remove_filter_list(list->guid);
  return problems;
}

Problems carry_out(EditContext& context, const AddFilter& change) {
  Workspace& workspace = context.workspace;
  const FilterList* existing = workspace.filter_list(change.filter_list);
  FilterList list;
  Problems problems;
  if (!existing) {
    list.name = change.filter_list;
    problems = check_new_list(context, list);
  }
  append(problems, check_new_filter(context, change, existing));
  if (!problems.empty()) return problems;
  list.guid = existing ? existing->guid : make_guid(context.random);
  if (existing) {
    list.name = existing->name;
    list.description = existing->description;
  }
  const bool header_changes = !existing || existing->last_modified != context.now;
  list.last_modified = context.now;
  const Guid guid = list.guid;
  if (header_changes) workspace.put_filter_list(std::move(list));
  Filter filter = change.filter;
  filter.guid = make_guid(context.random);
  workspace.add_filter(guid, std::move(filter));
  if (existing) touch_users_of_list(context, guid);
  return {};
}

Problems carry_out(EditContext& context, const DeleteFilter& change) {
  Workspace& workspace = context.workspace;
  const FilterList* list = workspace.filter_list(change.filter_list);
  if (!list) return {list_not_found(Reference(change.filter_list))};
  const Filter* filter = workspace.same_filter(*list, change.filter);
  if (!filter) {
    return {problem(kFilterNotFound, filter_list_label(list->name), "filter",
                    fmt::format("the list has no '{}'; accepted is the whole selector of one of its {} filters",
                                filter_text(change.filter), list->filters.size()))};
  }
  FilterList header;
  header.guid = list->guid;
  header.name = list->name;
  header.description = list->description;
  header.last_modified = context.now;
  const Guid guid = list->guid;
  workspace.remove_filter(guid, filter->guid);
  workspace.put_filter_list(std::move(header));
  touch_users_of_list(context, guid);
  return {};
}

}  // namespace ipsec::store

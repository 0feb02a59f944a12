#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "store/filter_key.h"
#include "store/lint/checks.h"
#include "store/lint/duplicates.h"
#include "store/names.h"

// Written filters against one another; no fact of a host is needed.
namespace ipsec::store::lint {

namespace {

bool is_transport_negotiation(const Context& context, const Rule& rule) {
  return rule.active && !is_tunnel(rule) && context.negotiates(rule);
}

// A rule that secures the answers of this filter's packets.
bool has_answer(const Context& context, const Policy& policy, const Filter& filter) {
  Filter answer = reversed(filter);
  Filter mirrored = filter;
  mirrored.mirrored = answer.mirrored = true;
  const std::string both_ways[] = {filter_key(mirrored), filter_key(answer), filter_key(reversed(filter))};
  for (const Rule& rule : policy.rules) {
    if (!is_transport_negotiation(context, rule)) continue;
    for (const Filter& other : context.filters_of(rule)) {
      if (std::find(std::begin(both_ways), std::end(both_ways), filter_key(other)) != std::end(both_ways)) return true;
    }
  }
  return false;
}

// The list gets the mirrored filter in place of this one. A tunnel rule refuses mirrored filters.
std::vector<NetshCommand> mirror(const Context& context, const FilterList& list, Filter filter) {
  const auto& uses = context.uses_of(list.guid);
  if (std::any_of(uses.begin(), uses.end(), [](const RuleUse& use) { return is_tunnel(*use.rule); })) return {};
  const NetshCommand remove = NetshCommand("delete filter").text("filterlist", list.name).selector(filter);
  filter.mirrored = true;
  NetshCommand add = NetshCommand("add filter").text("filterlist", list.name).selector(filter);
  if (!filter.description.empty()) add.text("description", filter.description);
  return {add, remove};
}

}  // namespace

void check_filter_one_way(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    for (const Rule& rule : policy->rules) {
      if (!is_transport_negotiation(context, rule)) continue;
      for (const Filter& filter : context.filters_of(rule)) {
        if (filter.mirrored || has_answer(context, *policy, filter)) continue;
        const FilterList& list = *context.list_of(rule);
        report.add(
            {policy->name, rule_label(rule.name, policy->name),
             fmt::format("filter '{}' of list '{}' is not mirrored, and no rule has the opposite direction: nothing "
                         "demands that the answers are secured, and a peer whose policy is the mirror image of this "
                         "one does not agree to it",
                         filter_text(filter), list.name),
             mirror(context, list, filter)});
      }
    }
  }
}

void check_filter_duplicate(const Context& context, Report report) {
  for (const Duplicate& duplicate : duplicates(context)) {
    const FilterList& list = *duplicate.list;
    const bool is_same_list = duplicate.list == duplicate.of_list;
    const std::string label = filter_list_label(list.name);
    const std::string where = is_same_list ? "of the same list" : fmt::format("of list '{}'", duplicate.of_list->name);
    NetshCommand remove = NetshCommand("delete filter").text("filterlist", list.name).selector(*duplicate.filter);
    report.add(duplicate.is_contradiction ? Severity::kWarning : Severity::kInformation,
               {duplicate.policy == nullptr ? "" : duplicate.policy->name,
                label,
                fmt::format("filter '{}' says no more than filter '{}' {}{}", filter_text(*duplicate.filter),
                            filter_text(*duplicate.of), where,
                            duplicate.is_contradiction ? ", whose rule has another action and decides" : ""),
                {remove}});
  }
}

}  // namespace ipsec::store::lint

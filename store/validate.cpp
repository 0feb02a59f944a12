#include "store/validate.h"

#include <functional>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "store/check_filter.h"
#include "store/check_objects.h"
#include "store/filter_key.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/lookup.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

void check_filters(const Reporter& report, const FilterList& list) {
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < list.filters.size(); ++i) {
    const Reporter at = report.in("filters", i);
    check_filter(at, list.filters[i]);
    const auto [earlier, inserted] = seen.emplace(filter_key(list.filters[i]), i);
    if (inserted) continue;
    at.add(kFilterExists, "",
           fmt::format("'{}' has the selector of filter {} of the list; accepted is each selector once",
                       filter_text(list.filters[i]), earlier->second + 1));
  }
}

// Checks one tree; links may also lead elsewhere.
class TreeValidator {
 public:
  TreeValidator(const PolicyTree& tree, const PolicyTree* elsewhere) : tree_(tree) {
    for (const PolicyTree* source : {&tree, elsewhere}) {
      if (!source) continue;
      for (const FilterList& list : source->filter_lists) lists_.emplace(list.guid.text, &list);
      for (const FilterAction& action : source->filter_actions) actions_.emplace(action.guid.text, &action);
      for (const Policy& policy : source->policies) assignable_.insert(policy.guid.text);
    }
  }

  Problems run() {
    check_counts();
    for (std::size_t i = 0; i < tree_.policies.size(); ++i) check_policy(i);
    for (std::size_t i = 0; i < tree_.filter_lists.size(); ++i) check_list(i);
    for (std::size_t i = 0; i < tree_.filter_actions.size(); ++i) check_action(i);
    if (tree_.assigned && !assignable_.contains(tree_.assigned->text)) {
      const std::string object = "assigned policy";
      Reporter(problems_, object, "/")
          .add(kPolicyNotFound, "assigned", "there is no such policy; accepted is an existing one, or none");
    }
    return std::move(problems_);
  }

 private:
  // Names already taken, folded, with the place of the first.
  using Names = std::unordered_set<std::string>;

  void check_counts() {
    std::size_t filters = 0;
    for (const FilterList& list : tree_.filter_lists) filters += list.filters.size();
    const std::string object = "policies";
    const Reporter report(problems_, object, "/");
    auto check = [&](std::string_view field, std::size_t count, std::size_t limit) {
      if (count > limit) report.add(kTooMany, field, fmt::format("has {}; accepted are at most {}", count, limit));
    };
    check("policies", tree_.policies.size(), kMaxPolicies);
    check("filter_lists", tree_.filter_lists.size(), kMaxFilterLists);
    check("filter_actions", tree_.filter_actions.size(), kMaxFilterActions);
    check("filter_lists", filters, kMaxFilters);
    for (const Policy& policy : tree_.policies) check("policies", policy.rules.size(), kMaxRulesPerPolicy);
  }

  void check_unique(const Reporter& report, Names& names, const std::string& name, Code code) {
    if (names.insert(fold_name(name)).second) return;
    report.add(code, "name",
               fmt::format("'{}' is taken; accepted is a name that no other object of the kind has", name));
  }

  void check_guid(const Reporter& report, std::string_view field, const Guid& guid) {
    const auto parsed = parse_guid(guid.text);
    if (!parsed.ok() || parsed->text != guid.text) {
      report.add(kGuidInvalid, field,
                 fmt::format("'{:.60}' is not a GUID; accepted is xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in lower case",
                             guid.text));
    } else if (!guids_.insert(guid.text).second) {
      report.add(kGuidExists, field,
                 fmt::format("{} is the GUID of another object too; accepted is one of its own", guid.text));
    }
  }

  void check_policy(std::size_t index) {
    const Policy& policy = tree_.policies[index];
    const std::string object = policy_label(policy.name);
    const Reporter report(problems_, object, fmt::format("/policies/{}/", index));
    check_policy_header(report, policy);
    check_unique(report, policy_names_, policy.name, kPolicyExists);
    check_guid(report, "guid", policy.guid);
    check_guid(report, "main_mode/guid", policy.isakmp.guid);
    Names rule_names;
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
      const Rule& rule = policy.rules[i];
      const std::string rule_object = rule_label(rule.name, policy.name);
      const Reporter at(problems_, rule_object, fmt::format("/policies/{}/rules/{}/", index, i));
      store::check_rule(at, rule);
      check_unique(at, rule_names, rule.name, kRuleExists);
      check_guid(at, "guid", rule.guid);
      check_links(at, rule, find(lists_, rule.filter_list), find(actions_, rule.filter_action));
    }
    const std::string default_object = default_rule_label(policy.name);
    const Reporter at(problems_, default_object, fmt::format("/policies/{}/default_response/", index));
    check_default_rule(at, policy.default_response);
    check_guid(at, "guid", policy.default_response.guid);
  }

  void check_list(std::size_t index) {
    const FilterList& list = tree_.filter_lists[index];
    const std::string object = filter_list_label(list.name);
    const Reporter report(problems_, object, fmt::format("/filter_lists/{}/", index));
    check_filter_list_header(report, list);
    check_unique(report, list_names_, list.name, kFilterListExists);
    check_guid(report, "guid", list.guid);
    check_filters(report, list);
    for (std::size_t i = 0; i < list.filters.size(); ++i)
      check_guid(report.in("filters", i), "guid", list.filters[i].guid);
  }

  void check_action(std::size_t index) {
    const FilterAction& action = tree_.filter_actions[index];
    const std::string object = filter_action_label(action.name);
    const Reporter report(problems_, object, fmt::format("/filter_actions/{}/", index));
    check_filter_action(report, action);
    check_unique(report, action_names_, action.name, kFilterActionExists);
    check_guid(report, "guid", action.guid);
  }

  template <typename T>
  static const T* find(const std::unordered_map<std::string, const T*>& objects, const Guid& guid) {
    const auto found = objects.find(guid.text);
    return found == objects.end() ? nullptr : found->second;
  }

  const PolicyTree& tree_;
  std::unordered_map<std::string, const FilterList*> lists_;
  std::unordered_map<std::string, const FilterAction*> actions_;
  std::unordered_set<std::string> assignable_;
  Names policy_names_, list_names_, action_names_;
  std::unordered_set<std::string> guids_;
  Problems problems_;
};

Problems collect(const std::string& object, const std::function<void(const Reporter&)>& check) {
  Problems problems;
  check(Reporter(problems, object));
  return problems;
}

}  // namespace

Problems validate(const Rule& rule, std::string_view policy_name) {
  return collect(rule_label(rule.name, policy_name), [&](const Reporter& report) { check_rule(report, rule); });
}

Problems validate(const DefaultResponseRule& rule, std::string_view policy_name) {
  return collect(default_rule_label(policy_name), [&](const Reporter& report) { check_default_rule(report, rule); });
}

Problems validate(const Policy& policy) {
  Problems problems =
      collect(policy_label(policy.name), [&](const Reporter& report) { check_policy_header(report, policy); });
  for (const Rule& rule : policy.rules) {
    for (Problem& problem : validate(rule, policy.name)) problems.push_back(std::move(problem));
  }
  for (Problem& problem : validate(policy.default_response, policy.name)) problems.push_back(std::move(problem));
  return problems;
}

Problems validate(const FilterAction& action) {
  return collect(filter_action_label(action.name),
                 [&](const Reporter& report) { check_filter_action(report, action); });
}

Problems validate(const FilterList& list) {
  return collect(filter_list_label(list.name), [&](const Reporter& report) {
    check_filter_list_header(report, list);
    check_filters(report, list);
  });
}

Problems validate(const Filter& filter, std::string_view list_name) {
  return collect(filter_list_label(list_name), [&](const Reporter& report) { check_filter(report, filter); });
}

Problems validate_links(const Rule& rule, std::string_view policy_name, const FilterList* list,
                        const FilterAction* action) {
  return collect(rule_label(rule.name, policy_name),
                 [&](const Reporter& report) { check_links(report, rule, list, action); });
}

Problems validate(const PolicyTree& tree, const PolicyTree* elsewhere) { return TreeValidator(tree, elsewhere).run(); }

}  // namespace ipsec::store

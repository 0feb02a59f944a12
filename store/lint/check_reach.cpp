#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "store/lint/checks.h"
#include "store/lint/duplicates.h"
#include "store/lint/limits.h"
#include "store/lint/selector_cover.h"
#include "store/names.h"

// PD-24: filters that never decide anything on this host, because others come first for all of their packets.
namespace ipsec::store::lint {

namespace {

// One written filter of one rule, over all its directions and addresses on the host.
struct Reach {
  const HostFilter* one = nullptr;
  const HostFilter* decided_by = nullptr;  // one of those that come first
  bool is_reachable = false;
  bool is_contradicted = false;  // by one with another action
};

using ReachKey = std::pair<std::string, std::string>;  // rule, filter

// Those before `filter` that cover it together; empty: it is reachable.
std::vector<const HostFilter*> cover(const std::vector<const HostFilter*>& earlier, const HostFilter& filter) {
  std::vector<const HostFilter*> meeting;
  std::vector<const Selector*> selectors;
  for (const HostFilter* other : earlier) {
    if (other->selector.contains(filter.selector)) return {other};
    if (!intersection(other->selector, filter.selector)) continue;
    meeting.push_back(other);
    selectors.push_back(&other->selector);
  }
  return is_covered(filter.selector, selectors) ? meeting : std::vector<const HostFilter*>();
}

std::map<ReachKey, Reach> reach_of(const PolicyOnHost& host) {
  const bool compare_all = host.filters.size() <= kMaxComparedFilters;
  std::map<ReachKey, Reach> reaches;
  std::vector<const HostFilter*> earlier[2];                                 // by direction
  std::map<std::pair<bool, Selector>, const HostFilter*> first_of_selector;  // where not all are compared
  for (const HostFilter& filter : host.filters) {
    Reach& reach = reaches[{filter.rule.text, filter.filter.text}];
    reach.one = &filter;
    std::vector<const HostFilter*>& same_direction = earlier[filter.inbound ? 1 : 0];
    const auto [equal, is_new] = first_of_selector.try_emplace({filter.inbound, filter.selector}, &filter);
    std::vector<const HostFilter*> covering;
    if (!is_new) covering.push_back(equal->second);
    if (is_new && compare_all) covering = cover(same_direction, filter);
    if (is_new && compare_all) same_direction.push_back(&filter);
    if (covering.empty()) {
      reach.is_reachable = true;
      continue;
    }
    reach.decided_by = covering.front();
    reach.is_contradicted =
        reach.is_contradicted || std::any_of(covering.begin(), covering.end(),
                                             [&](const HostFilter* other) { return other->action != filter.action; });
  }
  return reaches;
}

// Which filters of which rules have no effect, of every policy that the host's facts know.
class ReachReport {
 public:
  explicit ReachReport(const Context& context) : context_(context) {
    for (const Policy& policy : context.tree().policies) {
      if (const PolicyOnHost* host = context.on_host(policy)) reaches_[policy.guid.text] = reach_of(*host);
    }
    for (const Duplicate& duplicate : duplicates(context)) duplicates_.insert(duplicate.filter->guid.text);
  }

  // Null where the host has nothing of it, or it decides something.
  const Reach* without_effect(const Policy& policy, const Rule& rule, const Filter& filter) const {
    const auto reaches = reaches_.find(policy.guid.text);
    if (reaches == reaches_.end()) return nullptr;
    const auto reach = reaches->second.find({rule.guid.text, filter.guid.text});
    return reach == reaches->second.end() || reach->second.is_reachable ? nullptr : &reach->second;
  }

  // The first filter's, if no filter of the rule has an effect.
  const Reach* without_effect(const Policy& policy, const Rule& rule) const {
    const Reach* first = nullptr;
    for (const Filter& filter : context_.filters_of(rule)) {
      const Reach* reach = without_effect(policy, rule, filter);
      if (reach == nullptr) return nullptr;
      if (first == nullptr || reach->is_contradicted) first = reach;
    }
    return first;
  }

  // Taking it out of its list changes nothing: it has no effect in any rule that uses the list.
  bool is_superfluous(const FilterList& list, const Filter& filter) const {
    const auto& uses = context_.uses_of(list.guid);
    return std::all_of(uses.begin(), uses.end(),
                       [&](const RuleUse& use) { return without_effect(*use.policy, *use.rule, filter) != nullptr; });
  }

  // Said already in other words.
  bool is_duplicate(const Filter& filter) const { return duplicates_.contains(filter.guid.text); }

 private:
  const Context& context_;
  std::unordered_map<std::string, std::map<ReachKey, Reach>> reaches_;
  std::unordered_set<std::string> duplicates_;
};

// The name of the dynamic rule that decides in its place; empty: a rule of the policy does.
std::string dynamic_decider(const Context& context, const Policy& policy, const Reach& reach) {
  const auto& dynamic_rules = context.on_host(policy)->dynamic_rules;
  const auto found = dynamic_rules.find(reach.decided_by->rule.text);
  return found == dynamic_rules.end() ? "" : found->second;
}

std::string decided_text(const Context& context, const Policy& policy, const Reach& reach) {
  const std::string dynamic = dynamic_decider(context, policy, reach);
  const auto by = std::find_if(policy.rules.begin(), policy.rules.end(),
                               [&](const Rule& rule) { return rule.guid == reach.decided_by->rule; });
  const std::string rule = by == policy.rules.end() ? "" : fmt::format("rule '{}'", by->name);
  return fmt::format("{} packets {} are decided by {} ({}), which comes first",
                     reach.one->inbound ? "inbound" : "outbound", reach.one->selector.to_string(),
                     dynamic.empty() ? rule : fmt::format("dynamic rule {}", dynamic),
                     to_string(reach.decided_by->action));
}

// What a dynamic rule hides for a while is not to be taken away for good.
std::vector<NetshCommand> remedy(const Context& context, const Policy& policy, const Reach& reach,
                                 NetshCommand command) {
  if (!dynamic_decider(context, policy, reach).empty()) return {};
  return {std::move(command)};
}

Severity severity_of(const Reach& reach) { return reach.is_contradicted ? Severity::kWarning : Severity::kInformation; }

}  // namespace

void check_rule_unreachable(const Context& context, Report report) {
  const ReachReport reaches(context);
  for (const Policy* policy : context.policies()) {
    for (const Rule& rule : policy->rules) {
      const Reach* reach = reaches.without_effect(*policy, rule);
      if (reach == nullptr) continue;
      report.add(severity_of(*reach),
                 {policy->name, rule_label(rule.name, policy->name),
                  fmt::format("on this host it decides nothing: {}", decided_text(context, *policy, *reach)),
                  remedy(context, *policy, *reach,
                         NetshCommand("delete rule").text("name", rule.name).text("policy", policy->name))});
    }
  }
}

void check_filter_unreachable(const Context& context, Report report) {
  const ReachReport reaches(context);
  for (const Policy* policy : context.policies()) {
    for (const Rule& rule : policy->rules) {
      if (!rule.active || reaches.without_effect(*policy, rule) != nullptr) continue;
      for (const Filter& filter : context.filters_of(rule)) {
        const Reach* reach = reaches.without_effect(*policy, rule, filter);
        const FilterList& list = *context.list_of(rule);
        if (reach == nullptr || reaches.is_duplicate(filter) || !reaches.is_superfluous(list, filter)) continue;
        report.add(severity_of(*reach),
                   {policy->name, rule_label(rule.name, policy->name),
                    fmt::format("on this host filter '{}' of list '{}' decides nothing: {}", filter_text(filter),
                                list.name, decided_text(context, *policy, *reach)),
                    remedy(context, *policy, *reach,
                           NetshCommand("delete filter").text("filterlist", list.name).selector(filter))});
      }
    }
  }
}

}  // namespace ipsec::store::lint

#include "store/edit_dynamic.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "store/check_filter.h"
#include "store/check_offers.h"
#include "store/defaults.h"
#include "store/edit_context.h"
#include "store/filter_key.h"
#include "store/limits.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

// In the order of DynamicChange.
constexpr std::array<std::string_view, std::variant_size_v<DynamicChange>> kDynamicChangeNames = {
    "dynamic add mmpolicy", "dynamic set mmpolicy",    "dynamic delete mmpolicy", "dynamic add qmpolicy",
    "dynamic set qmpolicy", "dynamic delete qmpolicy", "dynamic add rule",        "dynamic set rule",
    "dynamic delete rule",  "dynamic delete all",      "dynamic set config",
};

std::string main_mode_label(std::string_view name) { return fmt::format("main mode policy '{}'", name); }
std::string quick_mode_label(std::string_view name) { return fmt::format("quick mode policy '{}'", name); }

template <typename Policies>
auto find_by_name(Policies& policies, std::string_view name) {
  return std::find_if(policies.begin(), policies.end(),
                      [folded = fold_name(name)](const auto& policy) { return fold_name(policy.name) == folded; });
}

Problems check(const DynamicMainModePolicy& policy) {
  Problems problems;
  const std::string object = main_mode_label(policy.name);
  const Reporter report(problems, object);
  check_name(report, "name", policy.name);
  check_main_mode_offers(report, policy.offers);
  check_range(report, "lifetime_minutes", policy.lifetime_minutes, kMinMainModeLifetimeMinutes,
              kMaxMainModeLifetimeMinutes, "minutes");
  return problems;
}

Problems check(const DynamicQuickModePolicy& policy) {
  Problems problems;
  const std::string object = quick_mode_label(policy.name);
  const Reporter report(problems, object);
  check_name(report, "name", policy.name);
  check_quick_mode_offers(report, policy.offers);
  if (policy.offers.empty()) report.add(kOffersMissing, "offers", "is empty; accepted is at least one offer");
  return problems;
}

template <typename Change>
void take_fields(DynamicMainModePolicy& policy, const Change& change) {
  set_if(policy.offers, change.offers);
  set_if(policy.lifetime_minutes, change.lifetime_minutes);
  set_if(policy.quick_mode_limit, change.quick_mode_limit);
  set_if(policy.soft_sa_expiration, change.soft_sa_expiration);
}

template <typename Change>
void take_fields(DynamicQuickModePolicy& policy, const Change& change) {
  set_if(policy.offers, change.offers);
  set_if(policy.pfs, change.pfs);
  set_if(policy.allow_soft, change.allow_soft);
}

// What distinguishes the two kinds of policies.
struct Kind {
  Code exists, not_found, in_use;
  std::string (*label)(std::string_view name);
};
constexpr Kind kMainMode = {kMainModePolicyExists, kMainModePolicyNotFound, kMainModePolicyInUse, main_mode_label};
constexpr Kind kQuickMode = {kQuickModePolicyExists, kQuickModePolicyNotFound, kQuickModePolicyInUse, quick_mode_label};

template <typename Policy, typename Change>
Problems add_policy(std::vector<Policy>& policies, Policy policy, const Change& change, const Kind& kind) {
  if (find_by_name(policies, change.name) != policies.end()) {
    return {problem(kind.exists, kind.label(change.name), "name",
                    "one of that name exists; accepted is a name that no other one has")};
  }
  if (policies.size() >= kMaxDynamicPolicies) {
    return {problem(kTooMany, kind.label(change.name), "name",
                    fmt::format("there are {} of them; accepted are no more", kMaxDynamicPolicies))};
  }
  policy.name = change.name;
  take_fields(policy, change);
  Problems problems = check(policy);
  if (problems.empty()) policies.push_back(std::move(policy));
  return problems;
}

template <typename Policy, typename Change>
Problems set_policy(std::vector<Policy>& policies, const Change& change, const Kind& kind) {
  const auto found = find_by_name(policies, change.name);
  if (found == policies.end()) {
    return {problem(kind.not_found, kind.label(change.name), "name", "there is none; accepted is an existing one")};
  }
  Policy policy = *found;
  take_fields(policy, change);
  Problems problems = check(policy);
  if (problems.empty()) *found = std::move(policy);
  return problems;
}

// `name_in` gives the name that a rule uses.
template <typename Policy, typename NameIn>
Problems delete_policy(std::vector<Policy>& policies, const std::vector<DynamicRule>& rules, const std::string& name,
                       const Kind& kind, NameIn name_in) {
  const bool is_all = name.empty();
  if (!is_all && find_by_name(policies, name) == policies.end()) {
    return {problem(kind.not_found, kind.label(name), "name", "there is none; accepted is an existing one")};
  }
  Problems problems;
  for (const DynamicRule& rule : rules) {
    const std::string& used = name_in(rule);
    if (used.empty() || (!is_all && fold_name(used) != fold_name(name))) continue;
    if (problems.size() >= kMaxProblems) break;
    problems.push_back(
        problem(kind.in_use, kind.label(used), "name",
                fmt::format("the dynamic rule {} uses it; accepted is one that no rule uses", rule.name)));
  }
  if (!problems.empty()) return problems;
  std::erase_if(policies, [&](const Policy& policy) { return is_all || fold_name(policy.name) == fold_name(name); });
  return {};
}

// ---- rules ----------------------------------------------------------------------------------------------------------

std::string selector_text(const DynamicRuleSelector& selector) {
  std::string text = filter_text(selector.filter);
  if (selector.connection_type != ConnectionType::kAll)
    text += fmt::format(", {}", to_string(selector.connection_type));
  if (selector.tunnel_endpoint) text += fmt::format(", tunnel to {}", selector.tunnel_endpoint->to_string());
  return text;
}

Guid guid_of(const DynamicRuleSelector& selector) {
  return {fmt::format("dynamic {} {} {}", filter_key(selector.filter), to_string(selector.connection_type),
                      selector.tunnel_endpoint ? selector.tunnel_endpoint->to_string() : "")};
}

std::string dynamic_rule_label(const DynamicRuleSelector& selector) {
  return fmt::format("dynamic rule {}", selector_text(selector));
}

auto find_dynamic_rule(std::vector<DynamicRule>& rules, const DynamicRuleSelector& selector) {
  return std::find_if(rules.begin(), rules.end(),
                      [guid = guid_of(selector)](const DynamicRule& rule) { return rule.guid == guid; });
}

Problem dynamic_rule_not_found(const DynamicRuleSelector& selector) {
  return problem(kDynamicRuleNotFound, dynamic_rule_label(selector), "",
                 "there is none with exactly these addresses, protocol, ports, mirrored, connection type and tunnel");
}

bool negotiates(const DynamicRule& rule) {
  return rule.inbound == Action::kNegotiate || rule.outbound == Action::kNegotiate;
}

void check_policies_of(const Reporter& report, DynamicRule& rule, const DynamicPolicy& policy) {
  const auto main_mode = find_by_name(policy.main_mode_policies, rule.main_mode_policy);
  if (main_mode == policy.main_mode_policies.end()) {
    report.add(kMainModePolicyNotFound, "main_mode_policy",
               fmt::format("there is no main mode policy '{}'; accepted is an existing one", rule.main_mode_policy));
  } else {
    rule.main_mode_policy = main_mode->name;
  }
  const auto quick_mode = find_by_name(policy.quick_mode_policies, rule.quick_mode_policy);
  if (rule.quick_mode_policy.empty()) {
    if (!negotiates(rule)) return;
    report.add(kQuickModePolicyMissing, "quick_mode_policy",
               "the rule negotiates without one; accepted is an existing quick mode policy, or permit or block for "
               "both directions");
  } else if (quick_mode == policy.quick_mode_policies.end()) {
    report.add(kQuickModePolicyNotFound, "quick_mode_policy",
               fmt::format("there is no quick mode policy '{}'; accepted is an existing one", rule.quick_mode_policy));
  } else {
    rule.quick_mode_policy = quick_mode->name;
  }
}

// Checks the rule and gives the policies it names their names as they are written.
Problems check(DynamicRule& rule, const DynamicPolicy& policy) {
  Problems problems;
  const std::string object = fmt::format("dynamic rule {}", rule.name);
  const Reporter report(problems, object);
  check_filter(report, rule.filter);
  check_policies_of(report, rule, policy);
  check_authentication(report, rule.authentication);
  if (negotiates(rule) && rule.authentication.empty()) {
    report.add(kAuthenticationMissing, "authentication", "is empty; accepted is at least one method");
  }
  if (rule.tunnel_endpoint && rule.filter.mirrored) {
    report.add(kTunnelFilterMirrored, "mirrored",
               "is yes; accepted in a tunnel rule is no, with a second rule for the other direction");
  }
  return problems;
}

template <typename Change>
void take_effect(DynamicRule& rule, const Change& change) {
  set_if(rule.inbound, change.inbound);
  set_if(rule.outbound, change.outbound);
  set_if(rule.authentication, change.authentication);
}

// ---- one function for each change -----------------------------------------------------------------------------------

Problems carry_out(RunningState& state, const AddMainModePolicy& change) {
  DynamicMainModePolicy policy;
  policy.offers = default_main_mode_offers(Profile::kModern);
  return add_policy(state.policy.main_mode_policies, std::move(policy), change, kMainMode);
}

Problems carry_out(RunningState& state, const SetMainModePolicy& change) {
  return set_policy(state.policy.main_mode_policies, change, kMainMode);
}

Problems carry_out(RunningState& state, const DeleteMainModePolicy& change) {
  return delete_policy(state.policy.main_mode_policies, state.policy.rules, change.name, kMainMode,
                       [](const DynamicRule& rule) -> const std::string& { return rule.main_mode_policy; });
}

Problems carry_out(RunningState& state, const AddQuickModePolicy& change) {
  DynamicQuickModePolicy policy;
  policy.offers = default_quick_mode_offers(Profile::kModern);
  return add_policy(state.policy.quick_mode_policies, std::move(policy), change, kQuickMode);
}

Problems carry_out(RunningState& state, const SetQuickModePolicy& change) {
  return set_policy(state.policy.quick_mode_policies, change, kQuickMode);
}

Problems carry_out(RunningState& state, const DeleteQuickModePolicy& change) {
  return delete_policy(state.policy.quick_mode_policies, state.policy.rules, change.name, kQuickMode,
                       [](const DynamicRule& rule) -> const std::string& { return rule.quick_mode_policy; });
}

Problems carry_out(RunningState& state, const AddDynamicRule& change) {
  std::vector<DynamicRule>& rules = state.policy.rules;
  if (find_dynamic_rule(rules, change.selector) != rules.end()) {
    return {problem(kDynamicRuleExists, dynamic_rule_label(change.selector), "",
                    "there is one already; accepted is another selector, or `set rule` for this one")};
  }
  if (rules.size() >= kMaxDynamicRules) {
    return {problem(kTooMany, dynamic_rule_label(change.selector), "",
                    fmt::format("there are {} dynamic rules; accepted are no more", kMaxDynamicRules))};
  }
  DynamicRule rule;
  rule.guid = guid_of(change.selector);
  rule.name = selector_text(change.selector);
  rule.filter = change.selector.filter;
  rule.filter.guid = rule.guid;
  rule.connection_type = change.selector.connection_type;
  rule.tunnel_endpoint = change.selector.tunnel_endpoint;
  rule.main_mode_policy = change.main_mode_policy;
  rule.quick_mode_policy = change.quick_mode_policy;
  rule.authentication = default_authentication();
  take_effect(rule, change);
  Problems problems = check(rule, state.policy);
  if (problems.empty()) rules.push_back(std::move(rule));
  return problems;
}

Problems carry_out(RunningState& state, const SetDynamicRule& change) {
  const auto found = find_dynamic_rule(state.policy.rules, change.selector);
  if (found == state.policy.rules.end()) return {dynamic_rule_not_found(change.selector)};
  DynamicRule rule = *found;
  set_if(rule.main_mode_policy, change.main_mode_policy);
  set_if(rule.quick_mode_policy, change.quick_mode_policy);
  take_effect(rule, change);
  Problems problems = check(rule, state.policy);
  if (problems.empty()) *found = std::move(rule);
  return problems;
}

Problems carry_out(RunningState& state, const DeleteDynamicRule& change) {
  const auto found = find_dynamic_rule(state.policy.rules, change.selector);
  if (found == state.policy.rules.end()) return {dynamic_rule_not_found(change.selector)};
  state.policy.rules.erase(found);
  return {};
}

Problems carry_out(RunningState& state, const DeleteDynamicAll&) {
  state.policy = {};
  return {};
}

Problems carry_out(RunningState& state, const SetConfig& change) {
  const Status status = set_property(state.config, change.property, change.value);
  if (status.ok()) return {};
  return {problem(kPropertyInvalid, fmt::format("property '{}'", change.property), "value", status.message())};
}

}  // namespace

std::string_view change_name(const DynamicChange& change) { return kDynamicChangeNames[change.index()]; }

Problems edit(RunningState& state, const DynamicChange& change) {
  return std::visit([&](const auto& one) { return carry_out(state, one); }, change);
}

}  // namespace ipsec::store

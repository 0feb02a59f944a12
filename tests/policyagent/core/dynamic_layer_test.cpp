#include "services/policyagent/core/dynamic_layer.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/compiler.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using store::Action;
using testing::ElementsAre;

const HostAddresses kOneAddress = lan_host({"10.77.0.1/24"});

store::DynamicRule dynamic_rule(store::Filter filter, Action inbound, Action outbound) {
  store::DynamicRule rule;
  rule.filter = std::move(filter);
  rule.guid = {fmt::format("dynamic {} {}", rule.filter.protocol, rule.filter.destination_port)};
  rule.filter.guid = rule.guid;
  rule.name = fmt::format("rule {}", rule.filter.destination_port);
  rule.inbound = inbound;
  rule.outbound = outbound;
  rule.main_mode_policy = "Lock";
  if (inbound == Action::kNegotiate || outbound == Action::kNegotiate) rule.quick_mode_policy = "Strong";
  rule.authentication = {preshared_key("k")};
  return rule;
}

store::DynamicPolicy dynamic_policy(std::vector<store::DynamicRule> rules) {
  store::DynamicPolicy policy;
  policy.main_mode_policies.push_back(
      {.name = "Lock", .offers = {{}}, .lifetime_minutes = 300, .quick_mode_limit = 10});
  policy.quick_mode_policies.push_back({.name = "Strong", .offers = {{}}, .pfs = DhGroup::kModp2048});
  policy.rules = std::move(rules);
  return policy;
}

CompiledPolicy nothing() { return compile(store::PolicyTree(), kOneAddress).value(); }

CompiledPolicy laid(CompiledPolicy base, const store::DynamicPolicy& dynamic) {
  auto result = lay_over(std::move(base), dynamic, kOneAddress);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}

// "block inbound 0.0.0.0/0 -> 10.77.0.1 TCP 80", in order.
std::vector<std::string> filters(const CompiledPolicy& policy) {
  std::vector<std::string> lines;
  for (const SpecificFilter& filter : policy.filters) {
    if (!filter.selector.source.first.is_v4()) continue;
    lines.push_back(fmt::format("{} {} {}", name(filter.action), name(filter.direction), filter.selector.to_string()));
  }
  return lines;
}

const SpecificFilter& only(const CompiledPolicy& policy, Direction direction) {
  const auto found = std::find_if(policy.filters.begin(), policy.filters.end(),
                                  [&](const SpecificFilter& filter) { return filter.direction == direction; });
  EXPECT_NE(found, policy.filters.end());
  return *found;
}

TEST(DynamicLayer, without_rules_the_assigned_policy_stays_as_it_is) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("me", "any")});
  const CompiledPolicy base = compile(builder.tree(), kOneAddress).value();
  EXPECT_EQ(describe(laid(base, {}), true), describe(base, true));
  EXPECT_FALSE(laid(nothing(), {}).active);
}

TEST(DynamicLayer, a_rule_is_in_force_without_an_assigned_policy) {
  const CompiledPolicy policy =
      laid(nothing(), dynamic_policy({dynamic_rule(filter("any", "me", 6, 0, 80), Action::kBlock, Action::kBlock)}));
  EXPECT_TRUE(policy.active);
  EXPECT_EQ(policy.policy_name, "");
  EXPECT_FALSE(policy.default_response.active);
  EXPECT_EQ(filters(policy).size(), 2U);
}

TEST(DynamicLayer, directions_have_their_own_actions_and_stay_mirrors) {
  const CompiledPolicy policy = laid(
      nothing(), dynamic_policy({dynamic_rule(filter("me", "10.77.0.2", 6, 0, 80), Action::kPermit, Action::kBlock)}));
  ASSERT_EQ(policy.filters.size(), 2U);
  const SpecificFilter& inbound = only(policy, Direction::kInbound);
  const SpecificFilter& outbound = only(policy, Direction::kOutbound);
  EXPECT_EQ(inbound.action, Action::kPermit);
  EXPECT_EQ(outbound.action, Action::kBlock);
  EXPECT_EQ(inbound.mirror_id, outbound.id);
  EXPECT_EQ(outbound.mirror_id, inbound.id);
}

TEST(DynamicLayer, PD_08_the_more_specific_filter_stands_first_and_of_equals_the_dynamic_one) {
  PolicyBuilder builder;
  builder.rule("all", Action::kBlock, {one_way(filter("me", "any"))});
  builder.rule("host", Action::kBlock, {one_way(filter("me", "10.77.0.9"))});
  const CompiledPolicy base = compile(builder.tree(), kOneAddress).value();
  const auto permit = [](const std::string& destination) {
    store::DynamicRule rule = dynamic_rule(one_way(filter("me", destination)), Action::kPermit, Action::kPermit);
    rule.name = rule.guid.text = rule.filter.guid.text = destination;
    return rule;
  };
  const CompiledPolicy policy = laid(base, dynamic_policy({permit("10.77.0.2"), permit("10.77.0.9")}));
  const auto found = filters(policy);
  const auto place = [&](const std::string& start) {
    const auto line =
        std::find_if(found.begin(), found.end(), [&](const auto& each) { return each.starts_with(start); });
    EXPECT_NE(line, found.end()) << start;
    return line - found.begin();
  };
  EXPECT_LT(place("permit outbound 10.77.0.1 -> 10.77.0.9"), place("block outbound 10.77.0.1 -> 10.77.0.9"));
  EXPECT_LT(place("block outbound 10.77.0.1 -> 10.77.0.9"), place("block outbound 10.77.0.1 -> any"));
  EXPECT_EQ(found.size(), 4U);
}

TEST(DynamicLayer, negotiation_uses_the_policies_of_the_rule) {
  const CompiledPolicy policy =
      laid(nothing(),
           dynamic_policy({dynamic_rule(filter("me", "10.77.0.2", 6, 0, 80), Action::kNegotiate, Action::kNegotiate)}));
  EXPECT_EQ(only(policy, Direction::kOutbound).quick_mode_policy, "Strong");
  ASSERT_EQ(policy.main_mode_filters.size(), 1U);
  EXPECT_EQ(policy.main_mode_filters.front().main_mode_policy, "Lock");
  ASSERT_EQ(policy.main_mode_policies.size(), 1U);
  EXPECT_EQ(policy.main_mode_policies.front().lifetime_seconds, 300U * 60);
  EXPECT_EQ(policy.main_mode_policies.front().quick_mode_limit, 10U);
  ASSERT_EQ(policy.quick_mode_policies.size(), 1U);
  EXPECT_TRUE(policy.quick_mode_policies.front().pfs);
  EXPECT_EQ(policy.quick_mode_policies.front().pfs_group, DhGroup::kModp2048);
}

TEST(DynamicLayer, a_direction_that_negotiates_alone_has_its_main_mode_filter) {
  for (const auto& [inbound, outbound] :
       {std::pair(Action::kNegotiate, Action::kPermit), std::pair(Action::kPermit, Action::kNegotiate)}) {
    const CompiledPolicy policy =
        laid(nothing(), dynamic_policy({dynamic_rule(filter("me", "10.77.0.2", 6, 0, 80), inbound, outbound)}));
    ASSERT_EQ(policy.main_mode_filters.size(), 1U);
    EXPECT_EQ(policy.main_mode_filters.front().main_mode_policy, "Lock");
  }
}

TEST(DynamicLayer, policies_that_share_a_name_with_the_assigned_one_stay_apart) {
  PolicyBuilder builder;
  builder.policy().name = "Lock";
  builder.rule("r", Action::kNegotiate, {filter("me", "10.77.0.9")});
  builder.action_of(builder.policy().rules.front()).name = "Strong";
  const CompiledPolicy policy =
      laid(compile(builder.tree(), kOneAddress).value(),
           dynamic_policy({dynamic_rule(filter("me", "10.77.0.2", 6, 0, 80), Action::kNegotiate, Action::kNegotiate)}));
  ASSERT_EQ(policy.main_mode_policies.size(), 2U);
  EXPECT_EQ(policy.main_mode_policies[0].name, "Lock");
  EXPECT_EQ(policy.main_mode_policies[1].name, "Lock (dynamic)");
  ASSERT_EQ(policy.quick_mode_policies.size(), 2U);
  EXPECT_EQ(policy.quick_mode_policies[1].name, "Strong (dynamic)");
  for (const MainModeFilter& filter : policy.main_mode_filters) {
    EXPECT_EQ(filter.main_mode_policy, filter.rule_name == "r" ? "Lock" : "Lock (dynamic)");
  }
}

TEST(DynamicLayer, IM_08_the_connection_type_counts) {
  store::DynamicRule rule = dynamic_rule(filter("me", "any"), Action::kBlock, Action::kBlock);
  rule.connection_type = store::ConnectionType::kDialup;
  EXPECT_TRUE(laid(nothing(), dynamic_policy({rule})).filters.empty()) << "this host has no dial-up interface";
}

TEST(DynamicLayer, an_unchanged_rule_keeps_its_ids) {
  const auto rule = dynamic_rule(filter("any", "me", 6, 0, 80), Action::kBlock, Action::kBlock);
  const auto other = dynamic_rule(filter("any", "me", 6, 0, 81), Action::kBlock, Action::kBlock);
  const CompiledPolicy alone = laid(nothing(), dynamic_policy({rule}));
  const CompiledPolicy both = laid(nothing(), dynamic_policy({other, rule}));
  for (const SpecificFilter& filter : alone.filters) {
    EXPECT_TRUE(std::any_of(both.filters.begin(), both.filters.end(),
                            [&](const SpecificFilter& found) { return found.id == filter.id; }));
  }
}

}  // namespace
}  // namespace ipsec::agent::tests

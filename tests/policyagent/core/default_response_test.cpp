#include "services/policyagent/core/default_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/limits.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using std::chrono::seconds;
using store::Action;
using testing::HasSubstr;

const HostAddresses kBothVersions = lan_host({"10.77.0.1/24", "fd77::1/64"});
constexpr Timestamp kStart{seconds(1000)};

FilterRequest request(std::string_view peer = "10.77.0.2", std::uint8_t protocol = 0, std::uint16_t peer_port = 0) {
  const IpAddress remote = address(peer);
  const IpAddress local = address(remote.is_v4() ? "10.77.0.1" : "fd77::1");
  return {local,
          remote,
          {AddressRange::host(local), AddressRange::host(remote), protocol, {}, PortRange::from_number(peer_port)}};
}

PolicyBuilder builder_with_rule() {
  PolicyBuilder builder;
  builder.policy().default_response = {
      {},
      true,
      true,
      {{std::nullopt, store::QuickModeOffer::Esp{Cipher::kAes128Cbc, Integrity::kSha256}, 100, 900}},
      {preshared_key("default")}};
  return builder;
}

CompiledPolicy compiled(const PolicyBuilder& builder) { return compile(builder.tree(), kBothVersions).value(); }

// The dynamic filters of a policy: "outbound 10.77.0.1 -> 10.77.0.2".
std::vector<std::string> dynamic_filters(const CompiledPolicy& policy) {
  std::vector<std::string> lines;
  for (const SpecificFilter& filter : policy.filters) {
    if (filter.dynamic) lines.push_back(fmt::format("{} {}", name(filter.direction), filter.selector.to_string()));
  }
  return lines;
}

TEST(DefaultResponse, DR_08_a_request_becomes_a_mirrored_pair_behind_all_others) {
  PolicyBuilder builder = builder_with_rule();
  builder.rule("web", Action::kPermit, {filter("me", "any", 6, 0, 80)});
  const CompiledPolicy before = compiled(builder);
  DynamicFilters filters;
  ASSERT_TRUE(filters.grant(request("10.77.0.2", 6, 445), before, kStart).ok());
  const CompiledPolicy after = filters.lay_over(before);

  ASSERT_EQ(after.filters.size(), before.filters.size() + 2);
  const SpecificFilter& outbound = after.filters[before.filters.size()];
  const SpecificFilter& inbound = after.filters[before.filters.size() + 1];
  EXPECT_EQ(outbound.direction, Direction::kOutbound);
  EXPECT_EQ(inbound.direction, Direction::kInbound);
  EXPECT_EQ(outbound.selector, request("10.77.0.2", 6, 445).outbound);
  EXPECT_EQ(inbound.selector, outbound.selector.mirrored());
  EXPECT_EQ(outbound.mirror_id, inbound.id);
  EXPECT_EQ(inbound.mirror_id, outbound.id);
  EXPECT_NE(outbound.id, inbound.id);
  for (const SpecificFilter* filter : {&outbound, &inbound}) {
    EXPECT_NE(filter->id, 0U);
    EXPECT_NE(filter->protection_id, 0U);
    EXPECT_TRUE(filter->dynamic);
    EXPECT_EQ(filter->weight, 0U) << "DR-06: less than any explicit filter";
    EXPECT_EQ(filter->generic_id, 0U);
    EXPECT_EQ(filter->action, Action::kNegotiate);
    EXPECT_FALSE(filter->inbound_passthrough);
    EXPECT_FALSE(filter->allow_soft);
    EXPECT_FALSE(filter->tunnel_destination);
    EXPECT_EQ(filter->rule_name, "<Default Response Rule>");
    EXPECT_EQ(filter->filter_list_name, "<Dynamic>");
    EXPECT_EQ(filter->filter_action_name, "<Default Response>");
    EXPECT_EQ(filter->quick_mode_policy, after.quick_mode_policies.back().name);
  }
  const QuickModePolicy& protection = after.quick_mode_policies.back();
  EXPECT_EQ(protection.offers, builder.policy().default_response.offers);
  EXPECT_TRUE(protection.pfs);
}

TEST(DefaultResponse, DR_11_the_assigned_policy_stays_as_it_is) {
  PolicyBuilder builder = builder_with_rule();
  builder.rule("web", Action::kBlock, {filter("me", "any", 6, 0, 80)});
  const CompiledPolicy before = compiled(builder);
  DynamicFilters filters;
  EXPECT_EQ(describe(filters.lay_over(before), true), describe(before, true)) << "without filters: nothing";
  ASSERT_TRUE(filters.grant(request(), before, kStart).ok());
  const CompiledPolicy after = filters.lay_over(before);
  for (std::size_t i = 0; i < before.filters.size(); ++i) EXPECT_EQ(after.filters[i], before.filters[i]);
  EXPECT_EQ(after.main_mode_filters.size(), before.main_mode_filters.size());
  EXPECT_EQ(after.generic_filters.size(), before.generic_filters.size());
}

TEST(DefaultResponse, DR_06_DR_07_what_the_rule_does_not_answer) {
  struct Case {
    const char* what;
    std::function<void(PolicyBuilder&)> prepare;
    FilterRequest request;
    const char* text;
  };
  FilterRequest network = request();
  network.outbound.destination = range("10.77.0.0/24");
  FilterRequest from_other_host = request();
  from_other_host.local = address("10.77.0.9");
  from_other_host.outbound.source = AddressRange::host(from_other_host.local);
  const auto nothing = [](PolicyBuilder&) {};
  const auto rule = [](Action action, store::Filter written) {
    return [=](PolicyBuilder& builder) { builder.rule("web", action, {written}); };
  };
  const Case cases[] = {
      {"inactive", [](PolicyBuilder& b) { b.policy().default_response.active = false; }, request(),
       "default response inactive"},
      {"no policy", [](PolicyBuilder& b) { b.tree().assigned.reset(); }, request(), "no policy is assigned"},
      {"a network", nothing, network, "between the two hosts"},
      {"of another host", nothing, from_other_host, "10.77.0.9 is no address of this host"},
      {"with itself", nothing, request("10.77.0.1"), "this host itself"},
      {"IPv6", [](PolicyBuilder& b) { b.policy().profile = store::Profile::kWindows2003; }, request("fd77::2"), "IPv4"},
      {"permitted", rule(Action::kPermit, filter("me", "10.77.0.0/24")), request(), "rule 'web' permits"},
      {"blocked", rule(Action::kBlock, filter("me", "any", 6)), request("10.77.0.2", 6, 80), "rule 'web' blocks"},
      {"blocked inbound only", rule(Action::kBlock, one_way(filter("any", "me"))), request(), "rule 'web' blocks"},
      {"secured inbound only", rule(Action::kNegotiate, one_way(filter("any", "me"))), request(),
       "rule 'web' secures inbound only"},
      {"tunnelled",
       [](PolicyBuilder& b) {
         b.rule("web", Action::kNegotiate, {one_way(filter("me", "10.77.0.2"))}).tunnel_endpoint = address("10.77.0.7");
       },
       request(), "rule 'web' tunnels"},
  };
  for (const Case& one : cases) {
    PolicyBuilder builder = builder_with_rule();
    one.prepare(builder);
    const CompiledPolicy policy = compiled(builder);
    DynamicFilters filters;
    const Status status = filters.grant(one.request, policy, kStart);
    EXPECT_EQ(status.code(), ErrorCode::kRefused) << one.what;
    EXPECT_THAT(status.message(), HasSubstr(one.text)) << one.what;
    EXPECT_TRUE(filters.empty()) << one.what;
  }
}

TEST(DefaultResponse, DR_06_an_explicit_filter_that_secures_it_needs_no_other) {
  PolicyBuilder builder = builder_with_rule();
  builder.rule("all", Action::kNegotiate, {filter("me", "10.77.0.0/24")});
  DynamicFilters filters;
  EXPECT_TRUE(filters.grant(request(), compiled(builder), kStart).ok());
  EXPECT_TRUE(filters.empty());
}

TEST(DefaultResponse, explicit_filters_for_a_part_of_the_traffic_stand_before_it) {
  PolicyBuilder builder = builder_with_rule();
  builder.rule("part", Action::kBlock, {filter("me", "any", 6, 0, 445)});
  DynamicFilters filters;
  EXPECT_TRUE(filters.grant(request(), compiled(builder), kStart).ok());
  const CompiledPolicy policy = filters.lay_over(compiled(builder));
  EXPECT_EQ(policy.filters[0].action, Action::kBlock);
  EXPECT_TRUE(policy.filters[policy.filters.size() - 1].dynamic);
}

TEST(DefaultResponse, the_same_request_again_changes_nothing) {
  const CompiledPolicy policy = compiled(builder_with_rule());
  DynamicFilters filters;
  EXPECT_TRUE(filters.grant(request(), policy, kStart).ok());
  EXPECT_TRUE(filters.grant(request(), policy, kStart).ok());
  EXPECT_TRUE(filters.grant(request("10.77.0.2", 6, 80), policy, kStart).ok()) << "a part of the other";
  EXPECT_EQ(filters.size(), 1U);
  EXPECT_EQ(dynamic_filters(filters.lay_over(policy)).size(), 2U);
  const Timestamp later = kStart + kDynamicFilterIdle - seconds(1);
  EXPECT_TRUE(filters.grant(request(), policy, later).ok());
  EXPECT_TRUE(filters.remove_idle(kStart + kDynamicFilterIdle).empty()) << "it was wanted a second ago";
}

TEST(DefaultResponse, the_more_specific_request_comes_first_and_the_order_of_asking_does_not_count) {
  const CompiledPolicy policy = compiled(builder_with_rule());
  const FilterRequest narrow = request("10.77.0.2", 6, 80);
  const FilterRequest wide = request();
  DynamicFilters one;
  DynamicFilters other;
  for (const FilterRequest& each : {narrow, request("10.77.0.3"), wide})
    EXPECT_TRUE(one.grant(each, policy, kStart).ok());
  for (const FilterRequest& each : {request("10.77.0.3"), narrow, wide})
    EXPECT_TRUE(other.grant(each, policy, kStart).ok());
  const auto lines = dynamic_filters(one.lay_over(policy));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0], "outbound " + narrow.outbound.to_string());
  EXPECT_EQ(lines, dynamic_filters(other.lay_over(policy)));
}

TEST(DefaultResponse, ids_depend_on_the_traffic_alone_and_protection_on_the_methods) {
  PolicyBuilder builder = builder_with_rule();
  DynamicFilters filters;
  ASSERT_TRUE(filters.grant(request(), compiled(builder), kStart).ok());
  const CompiledPolicy before = filters.lay_over(compiled(builder));
  builder.policy().default_response.quick_mode_pfs = false;
  const CompiledPolicy after = filters.lay_over(compiled(builder));
  EXPECT_EQ(before.filters.back().id, after.filters.back().id);
  EXPECT_NE(before.filters.back().protection_id, after.filters.back().protection_id);
}

TEST(DefaultResponse, DR_06_DR_11_a_policy_that_does_not_allow_them_any_more_ends_them_for_good) {
  const std::function<void(PolicyBuilder&)> changes[] = {
      [](PolicyBuilder& b) { b.policy().default_response.active = false; },
      [](PolicyBuilder& b) { b.tree().assigned.reset(); },
      [](PolicyBuilder& b) { b.rule("web", Action::kPermit, {filter("me", "any")}); },
      [](PolicyBuilder& b) { b.rule("web", Action::kNegotiate, {filter("me", "any")}); },
  };
  for (const auto& change : changes) {
    const CompiledPolicy before = compiled(builder_with_rule());
    DynamicFilters filters;
    ASSERT_TRUE(filters.grant(request(), before, kStart).ok());
    PolicyBuilder builder = builder_with_rule();
    change(builder);
    EXPECT_TRUE(dynamic_filters(filters.lay_over(compiled(builder))).empty());
    EXPECT_TRUE(dynamic_filters(filters.lay_over(before)).empty()) << "they do not come back";
  }
  const CompiledPolicy before = compiled(builder_with_rule());
  DynamicFilters filters;
  ASSERT_TRUE(filters.grant(request(), before, kStart).ok());
  const CompiledPolicy moved = compile(builder_with_rule().tree(), lan_host({"10.77.0.8/24"})).value();
  EXPECT_TRUE(dynamic_filters(filters.lay_over(moved)).empty()) << "the address is gone";
}

TEST(DefaultResponse, DR_11_they_go_when_they_had_no_sa_for_a_while) {
  const CompiledPolicy policy = compiled(builder_with_rule());
  DynamicFilters filters;
  ASSERT_TRUE(filters.grant(request("10.77.0.2"), policy, kStart).ok());
  ASSERT_TRUE(filters.grant(request("10.77.0.3"), policy, kStart).ok());
  const CompiledPolicy laid = filters.lay_over(policy);
  std::uint64_t inbound_of_3 = 0;
  for (const SpecificFilter& filter : laid.filters) {
    const bool is_it = filter.direction == Direction::kInbound && filter.selector.source == range("10.77.0.3");
    if (is_it) inbound_of_3 = filter.id;
  }
  Timestamp now = kStart + kDynamicFilterIdle - seconds(1);
  filters.in_use({inbound_of_3, 4711}, now);
  EXPECT_TRUE(filters.remove_idle(now).empty());
  now = now + seconds(1);
  EXPECT_EQ(filters.remove_idle(now), std::vector{request("10.77.0.2")});
  EXPECT_EQ(dynamic_filters(filters.lay_over(policy)).size(), 2U);
  now = kStart + 2 * kDynamicFilterIdle;
  EXPECT_EQ(filters.remove_idle(now), std::vector{request("10.77.0.3")});
  EXPECT_TRUE(filters.empty());
}

TEST(DefaultResponse, their_number_is_bounded_for_a_peer_and_in_total) {
  const CompiledPolicy policy = compiled(builder_with_rule());
  DynamicFilters filters;
  Status status;
  std::uint16_t port = 1;
  while ((status = filters.grant(request("10.77.0.2", 6, port), policy, kStart)).ok()) ++port;
  EXPECT_EQ(filters.size(), kMaxDynamicFiltersPerPeer);
  EXPECT_EQ(status.code(), ErrorCode::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr("10.77.0.2"));
  EXPECT_TRUE(filters.grant(request("10.77.0.3"), policy, kStart).ok());

  DynamicFilters many;
  unsigned peer = 0;
  while ((status = many.grant(request(fmt::format("10.1.{}.{}", peer / 256, peer % 256)), policy, kStart)).ok()) ++peer;
  EXPECT_EQ(many.size(), kMaxDynamicFilters);
  EXPECT_EQ(status.code(), ErrorCode::kExhausted);
}

TEST(DefaultResponse, an_action_of_the_policy_keeps_its_name) {
  PolicyBuilder builder = builder_with_rule();
  const store::Rule& rule = builder.rule("web", Action::kNegotiate, {filter("me", "any", 6, 0, 80)});
  builder.action_of(rule).name = "Default response";
  DynamicFilters filters;
  ASSERT_TRUE(filters.grant(request(), compiled(builder), kStart).ok());
  const CompiledPolicy policy = filters.lay_over(compiled(builder));
  EXPECT_EQ(policy.filters.back().quick_mode_policy, "Default response (dynamic)");
  EXPECT_EQ(policy.quick_mode_policies.back().name, "Default response (dynamic)");
}

}  // namespace
}  // namespace ipsec::agent::tests

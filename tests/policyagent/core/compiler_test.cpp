#include "services/policyagent/core/compiler.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/limits.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using store::Action;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

CompiledPolicy compiled(const PolicyBuilder& builder, const HostAddresses& host) {
  auto result = compile(builder.tree(), host);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}

// "outbound 10.0.0.1 -> 10.0.0.2 ANY", in the order of the filters.
std::vector<std::string> traffic(const CompiledPolicy& policy) {
  std::vector<std::string> lines;
  for (const SpecificFilter& f : policy.filters) {
    lines.push_back(fmt::format("{} {}", name(f.direction), f.selector.to_string()));
  }
  return lines;
}

std::vector<std::string> problems(const CompiledPolicy& policy) {
  std::vector<std::string> names;
  for (const PolicyProblem& problem : policy.problems) names.push_back(problem.name);
  return names;
}

const SpecificFilter* by_id(const CompiledPolicy& policy, std::uint64_t id) {
  for (const SpecificFilter& filter : policy.filters) {
    if (filter.id == id) return &filter;
  }
  return nullptr;
}

const HostAddresses kHost = lan_host({"10.77.0.1/24"});

TEST(Compiler, PA_21_nothing_assigned_is_inactive_and_empty) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("me", "any")});
  builder.tree().assigned.reset();
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_FALSE(policy.active);
  EXPECT_TRUE(policy.filters.empty());
  EXPECT_TRUE(policy.main_mode_policies.empty());
  EXPECT_EQ(policy.policy_name, "");
  EXPECT_THAT(policy.local_addresses, ElementsAre(address("10.77.0.1")));
}

TEST(Compiler, IM_05_each_address_gives_its_own_filters) {
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, {filter("me", "10.77.0.2")});
  EXPECT_THAT(traffic(compiled(builder, kHost)),
              ElementsAre("outbound 10.77.0.1 -> 10.77.0.2 ANY", "inbound 10.77.0.2 -> 10.77.0.1 ANY"));
  EXPECT_THAT(traffic(compiled(builder, lan_host({"10.77.0.1/24", "10.77.0.5/24", "fd77::1/64"}))),
              UnorderedElementsAre("outbound 10.77.0.1 -> 10.77.0.2 ANY", "inbound 10.77.0.2 -> 10.77.0.1 ANY",
                                   "outbound 10.77.0.5 -> 10.77.0.2 ANY", "inbound 10.77.0.2 -> 10.77.0.5 ANY"));
}

TEST(Compiler, IM_06_a_removed_address_takes_its_filters_along_and_leaves_the_ids_of_the_others) {
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, {filter("me", "10.77.0.2")});
  const CompiledPolicy before = compiled(builder, lan_host({"10.77.0.1/24", "10.77.0.5/24"}));
  const CompiledPolicy after = compiled(builder, kHost);
  ASSERT_EQ(before.filters.size(), 4U);
  ASSERT_EQ(after.filters.size(), 2U);
  for (const SpecificFilter& filter : after.filters) {
    const SpecificFilter* same = by_id(before, filter.id);
    ASSERT_NE(same, nullptr);
    EXPECT_EQ(same->selector, filter.selector);
    EXPECT_EQ(same->mirror_id, filter.mirror_id);
  }
}

TEST(Compiler, mirrored_filters_are_linked_both_ways) {
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, {filter("me", "any", kProtocolTcp, 0, 445)});
  const CompiledPolicy policy = compiled(builder, lan_host({"10.77.0.1/24", "fd77::1/64"}));
  ASSERT_EQ(policy.filters.size(), 4U);
  for (const SpecificFilter& filter : policy.filters) {
    const SpecificFilter* mirror = by_id(policy, filter.mirror_id);
    ASSERT_NE(mirror, nullptr);
    EXPECT_NE(mirror->direction, filter.direction);
    EXPECT_EQ(mirror->mirror_id, filter.id);
    EXPECT_EQ(mirror->selector, filter.selector.mirrored());
    EXPECT_EQ(mirror->weight, filter.weight);
    EXPECT_EQ(mirror->generic_id, policy.generic_filters.at(0).id);
  }
}

struct DirectionCase {
  std::string source;
  std::string destination;
  std::vector<std::string> one_way;
  std::vector<std::string> mirrored;
};

// The table of filter_expansion.h. The host is 10.77.0.1; 10.77.0.0/24 holds it, 10.9.0.0/16 and 10.8.0.0/16 do not.
TEST(Compiler, directions_follow_from_the_addresses) {
  const std::vector<DirectionCase> cases = {
      {"me", "10.9.0.9", {"out 10.77.0.1 -> 10.9.0.9"}, {"out 10.77.0.1 -> 10.9.0.9", "in 10.9.0.9 -> 10.77.0.1"}},
      {"10.9.0.9", "me", {"in 10.9.0.9 -> 10.77.0.1"}, {"in 10.9.0.9 -> 10.77.0.1", "out 10.77.0.1 -> 10.9.0.9"}},
      {"10.77.0.1",
       "10.9.0.9",
       {"out 10.77.0.1 -> 10.9.0.9"},
       {"out 10.77.0.1 -> 10.9.0.9", "in 10.9.0.9 -> 10.77.0.1"}},
      {"me", "0.0.0.0/0", {"out 10.77.0.1 -> any"}, {"out 10.77.0.1 -> any", "in any -> 10.77.0.1"}},
      {"0.0.0.0/0", "10.9.0.9", {"out any -> 10.9.0.9"}, {"out any -> 10.9.0.9", "in 10.9.0.9 -> any"}},
      {"0.0.0.0/0", "0.0.0.0/0", {"out any -> any", "in any -> any"}, {"out any -> any", "in any -> any"}},
      {"10.77.0.0/24",
       "0.0.0.0/0",
       {"out 10.77.0.0/24 -> any", "in 10.77.0.0/24 -> any"},
       {"out 10.77.0.0/24 -> any", "in any -> 10.77.0.0/24", "out any -> 10.77.0.0/24", "in 10.77.0.0/24 -> any"}},
      {"10.9.0.0/16",
       "10.8.0.0/16",
       {"out 10.9.0.0/16 -> 10.8.0.0/16", "in 10.9.0.0/16 -> 10.8.0.0/16"},
       {"out 10.9.0.0/16 -> 10.8.0.0/16", "in 10.8.0.0/16 -> 10.9.0.0/16", "out 10.8.0.0/16 -> 10.9.0.0/16",
        "in 10.9.0.0/16 -> 10.8.0.0/16"}},
      {"me",
       "me",
       {"out 10.77.0.1 -> 10.77.0.1", "in 10.77.0.1 -> 10.77.0.1"},
       {"out 10.77.0.1 -> 10.77.0.1", "in 10.77.0.1 -> 10.77.0.1"}},
  };
  for (const DirectionCase& c : cases) {
    for (const bool mirrored : {false, true}) {
      PolicyBuilder builder;
      builder.rule("r", Action::kBlock, {filter(c.source, c.destination, 0, 0, 0, mirrored)});
      std::vector<std::string> found;
      for (const CompiledPolicy policy = compiled(builder, kHost); const SpecificFilter& f : policy.filters) {
        found.push_back(fmt::format("{} {} -> {}", f.direction == Direction::kOutbound ? "out" : "in",
                                    f.selector.source.to_string(), f.selector.destination.to_string()));
      }
      EXPECT_THAT(found, testing::UnorderedElementsAreArray(mirrored ? c.mirrored : c.one_way))
          << c.source << " to " << c.destination << " mirrored " << mirrored;
    }
  }
}

TEST(Compiler, one_way_any_to_any_still_links_its_two_directions) {
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, {one_way(filter("0.0.0.0/0", "0.0.0.0/0"))});
  const CompiledPolicy policy = compiled(builder, kHost);
  ASSERT_EQ(policy.filters.size(), 2U);
  EXPECT_EQ(policy.filters[0].mirror_id, policy.filters[1].id);
}

TEST(Compiler, any_covers_both_families_in_profile_modern_and_ipv4_in_windows2003) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("any", "any")});
  EXPECT_EQ(compiled(builder, kHost).filters.size(), 4U);
  builder.policy().profile = store::Profile::kWindows2003;
  const CompiledPolicy policy = compiled(builder, lan_host({"10.77.0.1/24", "fd77::1/64"}));
  EXPECT_EQ(policy.filters.size(), 2U);
  EXPECT_THAT(problems(policy), ElementsAre("ipv6_not_filtered"));
}

TEST(Compiler, windows2003_complains_about_filters_written_for_ipv6) {
  PolicyBuilder builder;
  builder.policy().profile = store::Profile::kWindows2003;
  builder.rule("r", Action::kBlock, {filter("me", "fd77::2")});
  const CompiledPolicy policy = compiled(builder, lan_host({"10.77.0.1/24", "fd77::1/64"}));
  EXPECT_TRUE(policy.filters.empty());
  EXPECT_THAT(problems(policy), ElementsAre("ipv6_not_filtered", "filter_incomplete"));
}

TEST(Compiler, PA_17_most_specific_first) {
  PolicyBuilder builder;
  builder.rule("any", Action::kBlock, {one_way(filter("me", "0.0.0.0/0"))});
  builder.rule("subnet", Action::kPermit, {one_way(filter("me", "10.0.0.0/8"))});
  builder.rule("host", Action::kNegotiate, {one_way(filter("me", "10.0.0.2"))});
  builder.rule("protocol", Action::kPermit, {one_way(filter("me", "10.0.0.0/8", kProtocolTcp))});
  builder.rule("port", Action::kBlock, {one_way(filter("me", "10.0.0.0/8", kProtocolTcp, 0, 80))});
  builder.rule("ports", Action::kPermit, {one_way(filter("me", "10.0.0.0/8", kProtocolTcp, 1024, 80))});
  std::vector<std::string> rules;
  const CompiledPolicy policy = compiled(builder, kHost);
  for (const SpecificFilter& filter : policy.filters) rules.push_back(filter.rule_name);
  EXPECT_THAT(rules, ElementsAre("host", "ports", "port", "protocol", "subnet", "any"));
}

TEST(Compiler, PD_24_of_two_rules_for_the_same_traffic_the_cautious_one_wins_and_the_other_is_reported) {
  PolicyBuilder builder;
  builder.rule("open", Action::kPermit, {filter("me", "10.77.0.2")});
  builder.rule("secure", Action::kNegotiate, {filter("me", "10.77.0.2")});
  builder.rule("closed", Action::kBlock, {filter("me", "10.77.0.2")});
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_EQ(policy.filters.front().rule_name, "closed");
  EXPECT_EQ(policy.filters.back().rule_name, "open");
  EXPECT_THAT(problems(policy), ElementsAre("filter_shadowed", "filter_shadowed"));
  EXPECT_EQ(policy.problems[0].object, "rule 'secure' of policy 'Test'");
  EXPECT_THAT(policy.problems[0].text, HasSubstr("rule 'closed' (block)"));
}

TEST(Compiler, inactive_rules_are_out_of_force) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("me", "any")}).active = false;
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_TRUE(policy.active);
  EXPECT_TRUE(policy.filters.empty());
  EXPECT_TRUE(policy.generic_filters.empty());
}

TEST(Compiler, IM_08_connection_type_narrows_me_to_such_interfaces) {
  HostAddresses host = lan_host({"10.77.0.1/24"});
  add_interface(host, "ppp0", InterfaceKind::kDialup, {"192.0.2.7/32"});
  PolicyBuilder builder;
  store::Rule& rule = builder.rule("r", Action::kBlock, {filter("me", "0.0.0.0/0")});
  rule.connection_type = store::ConnectionType::kLan;
  EXPECT_THAT(traffic(compiled(builder, host)),
              ElementsAre("outbound 10.77.0.1 -> any ANY", "inbound any -> 10.77.0.1 ANY"));
  rule.connection_type = store::ConnectionType::kDialup;
  EXPECT_THAT(traffic(compiled(builder, host)),
              ElementsAre("outbound 192.0.2.7 -> any ANY", "inbound any -> 192.0.2.7 ANY"));
  EXPECT_THAT(traffic(compiled(builder, kHost)), IsEmpty());
}

TEST(Compiler, IM_08_connection_type_narrows_the_local_side_of_any) {
  HostAddresses host = lan_host({"10.77.0.1/24"});
  add_interface(host, "ppp0", InterfaceKind::kDialup, {"192.0.2.7/32"});
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("any", "any", kProtocolTcp, 0, 135)}).connection_type =
      store::ConnectionType::kDialup;
  EXPECT_THAT(traffic(compiled(builder, host)),
              UnorderedElementsAre("outbound 192.0.2.7 -> any port 135 TCP", "inbound any port 135 -> 192.0.2.7 TCP",
                                   "inbound any -> 192.0.2.7 port 135 TCP", "outbound 192.0.2.7 port 135 -> any TCP"));
}

TEST(Compiler, server_keywords_stand_for_what_the_host_knows) {
  HostAddresses host = kHost;
  host.dns_servers = {address("10.77.0.53"), address("10.77.0.54"), address("10.77.0.53")};
  host.gateways = {address("10.77.0.254")};
  PolicyBuilder builder;
  builder.rule("r", Action::kPermit,
               {one_way(filter("me", "dns")), one_way(filter("me", "gateway")), one_way(filter("me", "wins")),
                one_way(filter("me", "dhcp"))});
  const CompiledPolicy policy = compiled(builder, host);
  EXPECT_THAT(traffic(policy),
              ElementsAre("outbound 10.77.0.1 -> 10.77.0.53 ANY", "outbound 10.77.0.1 -> 10.77.0.54 ANY",
                          "outbound 10.77.0.1 -> 10.77.0.254 ANY"));
  EXPECT_THAT(problems(policy), ElementsAre("filter_incomplete", "filter_incomplete"));
  EXPECT_THAT(policy.problems[0].text, HasSubstr("knows no WINS server"));
}

TEST(Compiler, dns_names_stand_for_their_addresses) {
  PolicyBuilder builder;
  store::Filter known = one_way(filter("me", "any"));
  known.destination = store::DnsName{"www.example.org", {address("192.0.2.1"), address("192.0.2.2")}};
  store::Filter unknown = known;
  unknown.destination = store::DnsName{"gone.example.org", {}};
  builder.rule("r", Action::kBlock, {known, unknown});
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_THAT(traffic(policy),
              ElementsAre("outbound 10.77.0.1 -> 192.0.2.1 ANY", "outbound 10.77.0.1 -> 192.0.2.2 ANY"));
  ASSERT_THAT(problems(policy), ElementsAre("filter_incomplete"));
  EXPECT_THAT(policy.problems[0].text, HasSubstr("'gone.example.org'"));
  EXPECT_EQ(policy.generic_filters.at(0).destination, "www.example.org");
}

TEST(Compiler, filters_that_can_match_nothing_are_reported) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("10.0.0.1", "fd77::2"), filter("any", "fd77::2", kProtocolIcmp)});
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_TRUE(policy.filters.empty());
  EXPECT_THAT(problems(policy), ElementsAre("filter_without_effect", "filter_without_effect"));
}

TEST(Compiler, icmp_of_one_family_is_not_looked_for_in_the_other) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock,
               {one_way(filter("me", "any", kProtocolIcmp)), one_way(filter("me", "any", kProtocolIcmpv6))});
  const CompiledPolicy policy = compiled(builder, lan_host({"10.77.0.1/24", "fd77::1/64"}));
  EXPECT_THAT(traffic(policy), UnorderedElementsAre("outbound 10.77.0.1 -> any ICMP", "outbound fd77::1 -> any 58"));
  EXPECT_THAT(problems(policy), IsEmpty());
}

TEST(Compiler, loopback_is_never_me) {
  HostAddresses host = lan_host({"10.77.0.1/24", "127.0.0.1/8"});
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {one_way(filter("me", "0.0.0.0/0"))});
  EXPECT_EQ(compiled(builder, host).filters.size(), 1U);
}

// ---- tunnels --------------------------------------------------------------------------------------------------------

PolicyBuilder site_to_site() {
  PolicyBuilder builder;
  builder.rule("out", Action::kNegotiate, {one_way(filter("10.1.0.0/16", "10.2.0.0/16"))}).tunnel_endpoint =
      address("192.0.2.2");
  builder.rule("in", Action::kNegotiate, {one_way(filter("10.2.0.0/16", "10.1.0.0/16"))}).tunnel_endpoint =
      address("192.0.2.1");
  return builder;
}

const HostAddresses kGateway = lan_host({"192.0.2.1/24", "10.1.0.1/16"});

TEST(Compiler, PD_18_two_rules_make_a_tunnel_and_know_each_other) {
  const CompiledPolicy policy = compiled(site_to_site(), kGateway);
  EXPECT_THAT(problems(policy), IsEmpty());
  ASSERT_THAT(traffic(policy),
              ElementsAre("outbound 10.1.0.0/16 -> 10.2.0.0/16 ANY", "inbound 10.2.0.0/16 -> 10.1.0.0/16 ANY"));
  const SpecificFilter& out = policy.filters[0];
  const SpecificFilter& in = policy.filters[1];
  EXPECT_EQ(out.tunnel_destination, address("192.0.2.2"));
  EXPECT_EQ(out.tunnel_source, address("192.0.2.1"));
  EXPECT_EQ(in.tunnel_destination, address("192.0.2.1"));
  EXPECT_EQ(in.tunnel_source, address("192.0.2.2"));
  EXPECT_EQ(out.mirror_id, in.id);
  EXPECT_EQ(in.mirror_id, out.id);
  ASSERT_EQ(policy.main_mode_filters.size(), 1U);
  EXPECT_EQ(policy.main_mode_filters[0].local, range("192.0.2.1"));
  EXPECT_EQ(policy.main_mode_filters[0].remote, range("192.0.2.2"));
}

TEST(Compiler, PD_18_a_single_tunnel_rule_is_reported) {
  PolicyBuilder builder = site_to_site();
  builder.policy().rules.pop_back();
  const CompiledPolicy policy = compiled(builder, kGateway);
  ASSERT_EQ(policy.filters.size(), 1U);
  EXPECT_EQ(policy.filters[0].mirror_id, 0U);
  EXPECT_EQ(policy.filters[0].tunnel_source, std::nullopt);
  EXPECT_THAT(problems(policy), ElementsAre("tunnel_without_partner"));
  EXPECT_EQ(policy.main_mode_filters.at(0).local, AddressRange::any(AddressFamily::kIpv4));
}

TEST(Compiler, PD_19_inbound_endpoint_that_is_no_address_of_this_computer_is_blocked) {
  PolicyBuilder builder = site_to_site();
  builder.policy().rules[1].tunnel_endpoint = address("192.0.2.77");
  const CompiledPolicy policy = compiled(builder, kGateway);
  ASSERT_EQ(policy.filters.size(), 2U);
  EXPECT_THAT(problems(policy), ElementsAre("tunnel_endpoint_wrong", "tunnel_without_partner"));
  EXPECT_EQ(policy.problems[0].severity, Severity::kError);
  EXPECT_THAT(policy.problems[0].text, HasSubstr("192.0.2.77 is no address of this computer"));
  const auto blocked = std::find_if(policy.filters.begin(), policy.filters.end(),
                                    [](const SpecificFilter& f) { return f.direction == Direction::kInbound; });
  ASSERT_NE(blocked, policy.filters.end());
  EXPECT_EQ(blocked->action, Action::kBlock);
  EXPECT_EQ(blocked->tunnel_destination, std::nullopt);
}

TEST(Compiler, PD_19_outbound_endpoint_that_is_this_computer_is_blocked) {
  PolicyBuilder builder;
  builder.rule("out", Action::kNegotiate, {one_way(filter("me", "10.2.0.0/16"))}).tunnel_endpoint =
      address("10.77.0.1");
  const CompiledPolicy policy = compiled(builder, kHost);
  ASSERT_EQ(policy.filters.size(), 1U);
  EXPECT_EQ(policy.filters[0].direction, Direction::kOutbound);
  EXPECT_EQ(policy.filters[0].action, Action::kBlock);
  EXPECT_THAT(problems(policy), ElementsAre("tunnel_endpoint_wrong"));
}

TEST(Compiler, mirrored_tunnel_filters_protect_one_direction_and_are_reported) {
  PolicyBuilder builder;
  builder.rule("out", Action::kNegotiate, {filter("me", "10.2.0.0/16")}).tunnel_endpoint = address("192.0.2.2");
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_THAT(traffic(policy), ElementsAre("outbound 10.77.0.1 -> 10.2.0.0/16 ANY"));
  EXPECT_THAT(problems(policy), ElementsAre("tunnel_filter_mirrored", "tunnel_without_partner"));
}

TEST(Compiler, PD_17_tunnel_comes_before_transport_of_the_same_traffic_only) {
  PolicyBuilder builder = site_to_site();
  builder.rule("same", Action::kBlock, {one_way(filter("10.1.0.0/16", "10.2.0.0/16"))});
  builder.rule("narrower", Action::kPermit, {one_way(filter("10.1.0.0/16", "10.2.0.3"))});
  std::vector<std::string> outbound;
  for (const CompiledPolicy policy = compiled(builder, kGateway); const SpecificFilter& f : policy.filters) {
    if (f.direction == Direction::kOutbound) outbound.push_back(f.rule_name);
  }
  EXPECT_THAT(outbound, ElementsAre("narrower", "out", "same"));
}

TEST(Compiler, only_negotiate_uses_a_tunnel_endpoint) {
  PolicyBuilder builder;
  builder.rule("r", Action::kPermit, {filter("me", "10.2.0.0/16")}).tunnel_endpoint = address("192.0.2.2");
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_EQ(policy.filters.size(), 2U);
  EXPECT_EQ(policy.filters[0].tunnel_destination, std::nullopt);
  EXPECT_THAT(problems(policy), ElementsAre("tunnel_endpoint_ignored"));
}

// ---- main mode and quick mode ---------------------------------------------------------------------------------------

TEST(Compiler, PD_02_settings_of_the_policy_reach_main_mode) {
  PolicyBuilder builder;
  builder.policy().isakmp.lifetime_minutes = 71582788;
  builder.policy().isakmp.quick_mode_limit = 5;
  builder.policy().isakmp.master_pfs = true;
  const CompiledPolicy policy = compiled(builder, kHost);
  ASSERT_EQ(policy.main_mode_policies.size(), 1U);
  EXPECT_EQ(policy.main_mode_policies[0].name, "Test");
  EXPECT_EQ(policy.main_mode_policies[0].lifetime_seconds, 4294967280U);
  EXPECT_EQ(policy.main_mode_policies[0].quick_mode_limit, 5U);
  EXPECT_TRUE(policy.main_mode_policies[0].master_pfs);
}

TEST(Compiler, KEY_05_one_main_mode_policy_for_all_rules) {
  PolicyBuilder builder;
  builder.rule("a", Action::kNegotiate, {filter("me", "10.77.0.2")});
  builder.rule("b", Action::kNegotiate, {filter("me", "10.77.0.0/24")});
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_EQ(policy.main_mode_policies.size(), 1U);
  ASSERT_EQ(policy.main_mode_filters.size(), 2U);
  EXPECT_EQ(policy.main_mode_filters[0].rule_name, "a");
  EXPECT_EQ(policy.main_mode_filters[1].rule_name, "b");
  EXPECT_GT(policy.main_mode_filters[0].weight, policy.main_mode_filters[1].weight);
}

TEST(Compiler, permit_and_block_rules_give_no_main_mode_filter_and_no_quick_mode_policy) {
  PolicyBuilder builder;
  builder.rule("p", Action::kPermit, {filter("me", "10.77.0.2")});
  builder.rule("b", Action::kBlock, {filter("me", "10.77.0.3")});
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_TRUE(policy.main_mode_filters.empty());
  EXPECT_TRUE(policy.quick_mode_policies.empty());
}

TEST(Compiler, PD_06_a_filter_action_used_by_two_rules_is_one_quick_mode_policy) {
  PolicyBuilder builder;
  const store::Guid action = builder.rule("a", Action::kNegotiate, {filter("me", "10.77.0.2")}).filter_action;
  builder.rule("b", Action::kNegotiate, {filter("me", "10.77.0.3")}).filter_action = action;
  const CompiledPolicy policy = compiled(builder, kHost);
  ASSERT_EQ(policy.quick_mode_policies.size(), 1U);
  EXPECT_EQ(policy.quick_mode_policies[0].name, "a action");
  for (const SpecificFilter& f : policy.filters) EXPECT_EQ(f.quick_mode_policy, "a action");
}

TEST(Compiler, two_keys_for_the_same_hosts_are_reported_once) {
  PolicyBuilder builder;
  builder.rule("a", Action::kNegotiate,
               {filter("me", "10.77.0.2", kProtocolTcp, 0, 80), filter("me", "10.77.0.2", kProtocolTcp, 0, 81)});
  store::Rule& second = builder.rule("b", Action::kNegotiate, {filter("me", "10.77.0.2", kProtocolTcp, 0, 445)});
  EXPECT_THAT(problems(compiled(builder, kHost)), IsEmpty());
  second.authentication = {preshared_key("another")};
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_EQ(policy.main_mode_filters.size(), 1U);
  EXPECT_THAT(problems(policy), ElementsAre("authentication_conflict"));
  EXPECT_THAT(policy.problems[0].text, testing::Not(HasSubstr("another")));
}

TEST(Compiler, a_rule_without_a_usable_method_still_negotiates) {
  PolicyBuilder builder;
  store::Rule& rule = builder.rule("r", Action::kNegotiate, {filter("me", "10.77.0.2")});
  rule.authentication = {store::KerberosAuthentication{}};
  const CompiledPolicy policy = compiled(builder, kHost);
  ASSERT_EQ(policy.filters.size(), 2U);
  EXPECT_EQ(policy.filters[0].action, Action::kNegotiate);
  EXPECT_EQ(policy.main_mode_filters.at(0).authentication.size(), 1U);
  ASSERT_THAT(problems(policy), ElementsAre("authentication_not_supported"));
  EXPECT_EQ(policy.problems[0].severity, Severity::kError);
  rule.authentication.push_back(preshared_key("k"));
  EXPECT_THAT(problems(compiled(builder, kHost)), IsEmpty());
  rule.authentication.back() = store::CertificateAuthentication{"CN=Root", false, false};
  EXPECT_THAT(problems(compiled(builder, kHost)), IsEmpty());
}

TEST(Compiler, DR_01_default_response_goes_to_main_mode_and_quick_mode_alone) {
  PolicyBuilder builder;
  store::QuickModeOffer offer;
  offer.ah = Integrity::kSha1;
  builder.policy().default_response = {{}, true, true, {offer}, {preshared_key("k")}};
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_TRUE(policy.default_response.active);
  EXPECT_EQ(policy.default_response.main_mode_policy, "Test");
  EXPECT_TRUE(policy.default_response.quick_mode_policy.pfs);
  EXPECT_EQ(policy.default_response.quick_mode_policy.offers.size(), 1U);
  EXPECT_TRUE(policy.filters.empty());
  EXPECT_THAT(problems(policy), IsEmpty());
}

TEST(Compiler, PD_13_PD_14_the_two_laxities_belong_to_negotiate) {
  PolicyBuilder builder;
  store::FilterAction& lax =
      builder.action_of(builder.rule("n", Action::kNegotiate, {one_way(filter("me", "10.77.0.2"))}));
  lax.inbound_passthrough = true;
  lax.allow_soft = true;
  store::FilterAction& block =
      builder.action_of(builder.rule("b", Action::kBlock, {one_way(filter("me", "10.77.0.3"))}));
  block.inbound_passthrough = true;
  block.allow_soft = true;
  for (const CompiledPolicy policy = compiled(builder, kHost); const SpecificFilter& filter : policy.filters) {
    EXPECT_EQ(filter.inbound_passthrough, filter.rule_name == "n");
    EXPECT_EQ(filter.allow_soft, filter.rule_name == "n");
  }
}

// ---- the whole ------------------------------------------------------------------------------------------------------

TEST(Compiler, same_input_same_output) {
  const HostAddresses host = lan_host({"10.77.0.1/24", "fd77::1/64"});
  const auto build = [&] {
    PolicyBuilder builder = site_to_site();
    builder.rule("a", Action::kNegotiate, {filter("me", "any", kProtocolTcp, 0, 445), filter("any", "me")});
    builder.rule("b", Action::kPermit, {filter("me", "10.0.0.0/8")});
    return describe(compiled(builder, host), true);
  };
  EXPECT_EQ(build(), build());
}

TEST(Compiler, ids_depend_on_content_not_on_neighbours) {
  PolicyBuilder builder;
  builder.rule("a", Action::kNegotiate, {filter("me", "10.77.0.2")});
  const CompiledPolicy alone = compiled(builder, kHost);
  builder.rule("b", Action::kBlock, {filter("any", "any")});
  std::swap(builder.policy().rules[0], builder.policy().rules[1]);
  const CompiledPolicy together = compiled(builder, kHost);
  for (const SpecificFilter& filter : alone.filters) EXPECT_NE(by_id(together, filter.id), nullptr);
  std::set<std::uint64_t> ids;
  for (const SpecificFilter& filter : together.filters) EXPECT_TRUE(ids.insert(filter.id).second);
  EXPECT_EQ(ids.count(0), 0U);
}

TEST(Compiler, a_tree_that_contradicts_itself_is_an_error) {
  PolicyBuilder builder;
  builder.rule("r", Action::kBlock, {filter("me", "any")}).filter_list = {"missing"};
  const auto result = compile(builder.tree(), kHost);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), ErrorCode::kInvalid);
  EXPECT_EQ(result.status().message(), "policy 'Test': rule 'r' of policy 'Test': there is no filter list {missing}");
}

std::vector<store::Filter> many_filters(std::uint32_t count) {
  std::vector<store::Filter> filters;
  for (std::uint32_t i = 0; i < count; ++i) {
    store::Filter made = filter("me", "any");
    made.destination = AddressRange::host(IpAddress::v4(0x0a000000U + i));
    filters.push_back(made);
  }
  return filters;
}

TEST(Compiler, ten_thousand_filters_compile) {
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, many_filters(10000));
  const CompiledPolicy policy = compiled(builder, lan_host({"10.77.0.1/24", "10.77.0.2/24", "fd77::1/64"}));
  EXPECT_EQ(policy.filters.size(), 40000U);
  EXPECT_EQ(policy.main_mode_filters.size(), 20000U);
}

TEST(Compiler, too_many_specific_filters_are_refused) {
  HostAddresses host;
  std::vector<std::string> addresses;
  for (int i = 1; i <= 200; ++i) addresses.push_back(fmt::format("10.77.0.{}/24", i));
  add_interface(host, "eth0", InterfaceKind::kLan, addresses);
  PolicyBuilder builder;
  builder.rule("r", Action::kNegotiate, many_filters(1100));
  const auto result = compile(builder.tree(), host);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), ErrorCode::kExhausted);
}

TEST(Compiler, problems_are_bounded) {
  PolicyBuilder builder;
  std::vector<store::Filter> filters(kMaxPolicyProblems + 5, filter("10.0.0.1", "fd77::2"));
  builder.rule("r", Action::kBlock, filters);
  const CompiledPolicy policy = compiled(builder, kHost);
  EXPECT_EQ(policy.problems.size(), kMaxPolicyProblems);
  EXPECT_EQ(policy.more_problems, 5U);
}

}  // namespace
}  // namespace ipsec::agent::tests

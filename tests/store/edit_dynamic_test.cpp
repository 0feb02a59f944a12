#include "store/edit_dynamic.h"

#include <gtest/gtest.h>

#include "services/common/address.h"

namespace ipsec::store {
namespace {

DynamicRuleSelector selector(FilterAddress source, FilterAddress destination, std::uint8_t protocol = 0,
                             std::uint16_t port = 0) {
  DynamicRuleSelector selector;
  selector.filter.source = std::move(source);
  selector.filter.destination = std::move(destination);
  selector.filter.protocol = protocol;
  selector.filter.destination_port = port;
  return selector;
}

class DynamicEdits : public testing::Test {
 protected:
  // The code of the first problem, 0 without one.
  std::uint32_t apply(const DynamicChange& change) {
    const RunningState before = state_;
    const Problems problems = edit(state_, change);
    if (problems.empty()) return 0;
    EXPECT_EQ(state_.policy.rules.size(), before.policy.rules.size()) << "a refused change changes nothing";
    EXPECT_FALSE(problems.front().object.empty());
    EXPECT_FALSE(problems.front().text.empty());
    return problems.front().code;
  }

  void add_policies() {
    ASSERT_EQ(apply(AddMainModePolicy{.name = "M"}), 0U);
    ASSERT_EQ(apply(AddQuickModePolicy{.name = "Q"}), 0U);
  }

  AddDynamicRule rule(std::uint16_t port, std::optional<Action> action, std::string quick_mode = "") {
    return {.selector = selector(AddressKeyword::kAny, AddressKeyword::kMe, 6, port),
            .main_mode_policy = "m",
            .quick_mode_policy = std::move(quick_mode),
            .inbound = action,
            .outbound = action};
  }

  RunningState state_;
};

TEST_F(DynamicEdits, policies_get_the_documented_defaults) {
  add_policies();
  const DynamicMainModePolicy& main_mode = state_.policy.main_mode_policies.front();
  EXPECT_EQ(main_mode.lifetime_minutes, 480U);
  EXPECT_EQ(main_mode.quick_mode_limit, 0U);
  EXPECT_FALSE(main_mode.offers.empty());
  const DynamicQuickModePolicy& quick_mode = state_.policy.quick_mode_policies.front();
  EXPECT_FALSE(quick_mode.pfs.has_value());
  EXPECT_FALSE(quick_mode.allow_soft);
  EXPECT_FALSE(quick_mode.offers.empty());
}

TEST_F(DynamicEdits, names_are_unique_without_regard_to_case) {
  add_policies();
  EXPECT_EQ(apply(AddMainModePolicy{.name = "m"}), kMainModePolicyExists);
  EXPECT_EQ(apply(AddQuickModePolicy{.name = "q"}), kQuickModePolicyExists);
  EXPECT_EQ(apply(AddMainModePolicy{.name = ""}), kNameInvalid);
}

TEST_F(DynamicEdits, set_changes_only_what_is_stated) {
  add_policies();
  EXPECT_EQ(apply(SetMainModePolicy{.name = "M", .quick_mode_limit = 3}), 0U);
  EXPECT_EQ(state_.policy.main_mode_policies.front().quick_mode_limit, 3U);
  EXPECT_EQ(state_.policy.main_mode_policies.front().lifetime_minutes, 480U);
  EXPECT_EQ(apply(SetMainModePolicy{.name = "M", .lifetime_minutes = 0}), kNumberOutOfRange);
  EXPECT_EQ(apply(SetQuickModePolicy{.name = "Q", .pfs = std::optional(DhGroup::kModp2048)}), 0U);
  EXPECT_EQ(apply(SetQuickModePolicy{.name = "Q", .allow_soft = true}), 0U);
  EXPECT_EQ(state_.policy.quick_mode_policies.front().pfs, DhGroup::kModp2048);
  EXPECT_EQ(apply(SetQuickModePolicy{.name = "Q", .pfs = std::optional<DhGroup>()}), 0U);
  EXPECT_FALSE(state_.policy.quick_mode_policies.front().pfs.has_value());
  EXPECT_EQ(apply(SetQuickModePolicy{.name = "X"}), kQuickModePolicyNotFound);
  EXPECT_EQ(apply(SetQuickModePolicy{.name = "Q", .offers = std::vector<QuickModeOffer>()}), kOffersMissing);
}

TEST_F(DynamicEdits, rules_need_their_policies) {
  add_policies();
  EXPECT_EQ(apply(rule(80, Action::kBlock)), 0U);
  EXPECT_EQ(state_.policy.rules.front().main_mode_policy, "M") << "as the policy writes it";
  AddDynamicRule lost = rule(81, Action::kBlock);
  lost.main_mode_policy = "X";
  EXPECT_EQ(apply(lost), kMainModePolicyNotFound);
  EXPECT_EQ(apply(rule(82, std::nullopt)), kQuickModePolicyMissing) << "negotiate is the default";
  EXPECT_EQ(apply(rule(82, std::nullopt, "X")), kQuickModePolicyNotFound);
  EXPECT_EQ(apply(rule(82, std::nullopt, "q")), 0U);
  EXPECT_EQ(state_.policy.rules.back().authentication.size(), 1U) << "the default method";
}

TEST_F(DynamicEdits, a_rule_is_known_by_its_selectors) {
  add_policies();
  ASSERT_EQ(apply(rule(80, Action::kBlock)), 0U);
  EXPECT_EQ(apply(rule(80, Action::kPermit)), kDynamicRuleExists);
  AddDynamicRule on_lan = rule(80, Action::kPermit);
  on_lan.selector.connection_type = ConnectionType::kLan;
  EXPECT_EQ(apply(on_lan), 0U);
  SetDynamicRule change{.selector = on_lan.selector, .inbound = Action::kBlock};
  EXPECT_EQ(apply(change), 0U);
  EXPECT_EQ(state_.policy.rules.back().inbound, Action::kBlock);
  EXPECT_EQ(state_.policy.rules.back().outbound, Action::kPermit);
  DeleteDynamicRule one_way{on_lan.selector};
  one_way.selector.filter.mirrored = false;
  EXPECT_EQ(apply(one_way), kDynamicRuleNotFound);
  EXPECT_EQ(apply(DeleteDynamicRule{on_lan.selector}), 0U);
  EXPECT_EQ(apply(change), kDynamicRuleNotFound);
  EXPECT_EQ(state_.policy.rules.size(), 1U);
}

TEST_F(DynamicEdits, ports_need_tcp_or_udp_and_tunnels_filters_of_one_direction) {
  add_policies();
  AddDynamicRule no_protocol = rule(80, Action::kBlock);
  no_protocol.selector.filter.protocol = 0;
  EXPECT_EQ(apply(no_protocol), kPortWithoutProtocol);
  AddDynamicRule tunnel = rule(80, std::nullopt, "Q");
  tunnel.selector.tunnel_endpoint = IpAddress::parse("198.51.100.1").value();
  EXPECT_EQ(apply(tunnel), kTunnelFilterMirrored);
  tunnel.selector.filter.mirrored = false;
  EXPECT_EQ(apply(tunnel), 0U);
}

TEST_F(DynamicEdits, policies_in_use_stay) {
  add_policies();
  ASSERT_EQ(apply(rule(80, std::nullopt, "Q")), 0U);
  EXPECT_EQ(apply(DeleteMainModePolicy{"m"}), kMainModePolicyInUse);
  EXPECT_EQ(apply(DeleteQuickModePolicy{""}), kQuickModePolicyInUse);
  EXPECT_EQ(apply(DeleteMainModePolicy{"X"}), kMainModePolicyNotFound);
  EXPECT_EQ(apply(DeleteDynamicAll{}), 0U);
  EXPECT_TRUE(state_.policy.rules.empty() && state_.policy.main_mode_policies.empty());
  EXPECT_EQ(apply(DeleteQuickModePolicy{""}), 0U) << "all of none";
}

TEST(Config, values_take_their_documented_forms) {
  const std::pair<std::pair<const char*, const char*>, const char*> rows[] = {
      {{"IPsecDiagnostics", "7"}, "7"},
      {{"ikelogging", "1"}, "1"},
      {{"strongcrlcheck", "2"}, "2"},
      {{"ipsecloginterval", "86400"}, "86400"},
      {{"ipsecexempt", "0"}, "0"},
      {{"ikeloglevels", "none"}, "none"},
      {{"IKELogLevels", " MainMode:2  packets:3 mainmode:1"}, "packets:3 mainmode:1"},
      {{"ikeloglevels", "all:1 driver:0"}, "mainmode:1 quickmode:1 packets:1 policy:1 certificates:1 nat:1 driver:0"},
      {{"bootmode", "BLOCK"}, "block"},
      {{"bootexemptions", "None"}, "none"},
      {{"bootexemptions", " icmp:INBOUND  tcp:0:3389:inbound 47:outbound"},
       "ICMP:inbound TCP:0:3389:inbound 47:outbound"},
  };
  for (const auto& [given, kept] : rows) {
    Config config;
    const Status status = set_property(config, given.first, given.second);
    EXPECT_TRUE(status.ok()) << given.first << ": " << status.message();
    EXPECT_EQ(property_value(config, given.first), kept);
  }
}

TEST(Config, EX_06_what_takes_effect_at_a_start_waits_for_it) {
  Config started_with;
  ASSERT_TRUE(set_property(started_with, "ipsecexempt", "0").ok());
  Config stored = started_with;
  for (const auto& [property, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"ipsecexempt", "2"}, {"bootmode", "block"}, {"ikelogging", "1"}, {"strongcrlcheck", "2"}}) {
    ASSERT_TRUE(set_property(stored, property, value).ok());
  }
  const Config now = config_in_effect(started_with, stored);
  EXPECT_EQ(property_number(now, "ipsecexempt"), 0U);
  EXPECT_EQ(property_value(now, "bootmode"), "stateful");
  EXPECT_EQ(property_number(now, "ikelogging"), 1U) << "at once";
  EXPECT_EQ(property_number(now, "strongcrlcheck"), 2U) << "CRL-04: at once";
  EXPECT_EQ(property_number(config_in_effect(stored, stored), "ipsecexempt"), 2U);
}

TEST(Config, boot_exemptions_are_values) {
  Config config;
  EXPECT_TRUE(boot_exemptions(config).empty());
  ASSERT_TRUE(set_property(config, "bootexemptions", "ICMP:inbound tcp:80:0:outbound UDP:0:53:inbound").ok());
  EXPECT_EQ(boot_exemptions(config),
            (std::vector<BootExemption>{
                {true, kProtocolIcmp, 0, 0}, {false, kProtocolTcp, 80, 0}, {true, kProtocolUdp, 0, 53}}));
}

TEST(Config, wrong_values_are_refused_with_what_is_accepted) {
  const std::pair<const char*, const char*> rows[] = {
      {"ipsecdiagnostics", "8"},
      {"ikelogging", "yes"},
      {"ikeloglevels", ""},
      {"ikeloglevels", "mainmode"},
      {"ikeloglevels", "mainmode:4"},
      {"ikeloglevels", "weather:1"},
      {"ipsecloginterval", "59"},
      {"ipsecexempt", ""},
      {"bootmode", "closed"},
      {"bootexemptions", ""},
      {"bootexemptions", "TCP:inbound"},
      {"bootexemptions", "ICMP:0:0:inbound"},
      {"bootexemptions", "TCP:0:x:inbound"},
      {"bootexemptions", "ICMP:sideways"},
      {"bootexemptions", "ANY:inbound"},
      {"bootexemptions", "0:inbound"},
      {"colour", "1"},
  };
  for (const auto& [property, value] : rows) {
    Config config;
    const Status status = set_property(config, property, value);
    EXPECT_FALSE(status.ok()) << property << " " << value;
    EXPECT_NE(status.message().find("accepted"), std::string::npos);
    EXPECT_TRUE(config.empty());
  }
}

TEST(Config, defaults_are_those_of_windows_server_2003) {
  EXPECT_EQ(property_value({}, "ipsecexempt"), "3");
  EXPECT_EQ(property_value({}, "bootmode"), "stateful");
  EXPECT_EQ(property_value({}, "strongcrlcheck"), "1");
  EXPECT_EQ(property_value({}, "ipsecloginterval"), "3600");
}

}  // namespace
}  // namespace ipsec::store

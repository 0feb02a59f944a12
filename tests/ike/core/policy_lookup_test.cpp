#include "services/ike/core/policy_lookup.h"

#include <gtest/gtest.h>

#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

const IpAddress kLocal = *IpAddress::parse("10.77.0.1");
const IpAddress kPeer = *IpAddress::parse("10.77.0.2");

Selector hosts(std::uint8_t protocol = kProtocolAny, PortRange remote_port = {}) {
  return {AddressRange::host(kLocal), AddressRange::host(kPeer), protocol, {}, remote_port};
}

std::string key_of(const Choice<MainModeRule>& found) {
  return std::string(std::get<MainModeRule>(found).preshared_key.reveal_text());
}

TEST(PolicyLookup, PSK_05_the_filter_of_the_highest_weight_decides) {
  IkePolicy policy = make_policy(kLocal, kPeer);
  MainModeFilter wide = policy.main_mode_filters.front();
  wide.remote = *AddressRange::parse("10.0.0.0/8");
  wide.weight = 1;
  wide.authentication = {PresharedKeyMethod{SecretBytes(std::string_view("wide"))}};
  policy.main_mode_filters.insert(policy.main_mode_filters.begin(), wide);
  EXPECT_EQ(key_of(find_main_mode_rule(policy, kLocal, kPeer, false)), "correct horse battery staple");
  EXPECT_EQ(key_of(find_main_mode_rule(policy, kLocal, *IpAddress::parse("10.9.9.9"), false)), "wide");
  const auto none = find_main_mode_rule(policy, kLocal, *IpAddress::parse("192.0.2.1"), false);
  EXPECT_EQ(std::get<Failure>(none).reason, FailureReason::kNoMainModeFilter);
}

TEST(PolicyLookup, methods_of_other_kinds_are_passed_over_and_named_when_alone) {
  IkePolicy policy = make_policy(kLocal, kPeer);
  policy.main_mode_filters.front().authentication = {KerberosMethod{}, CertificateMethod{"CN=ca", false, false}};
  const auto found = find_main_mode_rule(policy, kLocal, kPeer, false);
  EXPECT_EQ(std::get<Failure>(found).reason, FailureReason::kNoCertificate) << "this host has no certificate";
  policy.main_mode_filters.front().authentication = {KerberosMethod{}};
  EXPECT_EQ(std::get<Failure>(find_main_mode_rule(policy, kLocal, kPeer, false)).reason,
            FailureReason::kUnsupportedMethod);
}

TEST(PolicyLookup, AUC_02_methods_stand_in_the_order_of_the_rule_and_as_far_as_this_host_can_sign) {
  IkePolicy policy = make_policy(kLocal, kPeer);
  const CertificateSummary own{{SignatureMethod::kEcdsa256, SignatureMethod::kRsa}, {}, "/certificates"};
  const auto methods = [&](const CertificateSummary& summary) {
    return std::get<MainModeRule>(find_main_mode_rule(policy, kLocal, kPeer, false, summary)).methods;
  };
  policy.main_mode_filters.front().authentication = {CertificateMethod{"CN=ca", false, false},
                                                     PresharedKeyMethod{SecretBytes(std::string_view("k"))},
                                                     CertificateMethod{"CN=other", false, false}};
  EXPECT_EQ(methods(own), (std::vector<std::uint16_t>{9, 3, 1}));
  EXPECT_EQ(methods({}), (std::vector<std::uint16_t>{1}));
  policy.profile = "windows2003";
  EXPECT_EQ(methods(own), (std::vector<std::uint16_t>{3, 1})) << "AUC-11";
}

TEST(PolicyLookup, the_default_response_rule_answers_and_asks_only_peers_of_its_dynamic_filters) {
  IkePolicy policy = make_policy(kLocal, kPeer);
  policy.default_response = {
      true, policy.quick_mode_policies.front(), "mm", {PresharedKeyMethod{SecretBytes(std::string_view("default"))}}};
  const IpAddress stranger = *IpAddress::parse("192.0.2.1");
  EXPECT_EQ(key_of(find_main_mode_rule(policy, kLocal, stranger, true)), "default");
  EXPECT_TRUE(std::holds_alternative<Failure>(find_main_mode_rule(policy, kLocal, stranger, false)));
  const Selector to_stranger{AddressRange::host(kLocal), AddressRange::host(stranger), kProtocolAny, {}, {}};
  EXPECT_FALSE(match_quick_mode_rule(policy, to_stranger, Encapsulation::kTransport, kLocal, stranger).has_value());

  policy = with_dynamic_filter(policy, to_stranger);
  EXPECT_EQ(key_of(find_main_mode_rule(policy, kLocal, stranger, false)), "default");
  EXPECT_EQ(key_of(find_main_mode_rule(policy, kLocal, kPeer, false)), "correct horse battery staple")
      << "an explicit one wins (DR-06)";
  const auto rule = match_quick_mode_rule(policy, to_stranger, Encapsulation::kTransport, kLocal, stranger);
  ASSERT_TRUE(rule.has_value());
  EXPECT_EQ(rule->outbound_filter_id, 101U);
  EXPECT_TRUE(rule->dynamic);
  EXPECT_FALSE(match_quick_mode_rule(policy, to_stranger, Encapsulation::kTunnel, kLocal, stranger).has_value());
}

TEST(PolicyLookup, a_request_gets_the_first_filter_that_contains_it) {
  PolicyOptions options;
  options.extra_filters = 2;
  const IkePolicy policy = make_policy(kLocal, kPeer, options);
  const auto id = [&](const Selector& selector) {
    return match_quick_mode_rule(policy, selector, Encapsulation::kTransport, kLocal, kPeer)->outbound_filter_id;
  };
  EXPECT_EQ(id(hosts(kProtocolTcp, PortRange::single(1002))), 21U);
  EXPECT_EQ(id(hosts(kProtocolTcp, PortRange::single(80))), 1U);
  EXPECT_EQ(id(hosts()), 1U) << "the narrow ones do not contain everything";
}

TEST(PolicyLookup, wider_requests_than_every_filter_match_none) {
  PolicyOptions options;
  options.protocol = kProtocolTcp;
  const IkePolicy policy = make_policy(kLocal, kPeer, options);
  EXPECT_FALSE(match_quick_mode_rule(policy, hosts(), Encapsulation::kTransport, kLocal, kPeer).has_value());
}

TEST(PolicyLookup, tunnel_filters_need_the_right_ends) {
  PolicyOptions options;
  options.local_network = *AddressRange::parse("192.168.1.0/24");
  options.remote_network = *AddressRange::parse("192.168.2.0/24");
  IkePolicy policy = make_policy(kLocal, kPeer, options);
  const Selector networks{*options.local_network, *options.remote_network, kProtocolAny, {}, {}};
  EXPECT_TRUE(match_quick_mode_rule(policy, networks, Encapsulation::kTunnel, kLocal, kPeer).has_value());
  EXPECT_FALSE(match_quick_mode_rule(policy, networks, Encapsulation::kTransport, kLocal, kPeer).has_value());
  EXPECT_FALSE(match_quick_mode_rule(policy, networks, Encapsulation::kTunnel, kLocal, *IpAddress::parse("10.77.0.3"))
                   .has_value());
  policy.filters.front().tunnel_source = *IpAddress::parse("10.77.0.9");
  EXPECT_FALSE(match_quick_mode_rule(policy, networks, Encapsulation::kTunnel, kLocal, kPeer).has_value());
}

TEST(PolicyLookup, the_inbound_filter_is_the_mirror_or_the_first_that_contains_it) {
  IkePolicy policy = make_policy(kLocal, kPeer);
  EXPECT_EQ(find_quick_mode_rule(policy, 1)->inbound_filter_id, 2U);
  policy.filters[0].mirror_id = 0;
  EXPECT_EQ(find_quick_mode_rule(policy, 1)->inbound_filter_id, 2U);
  policy.filters.erase(policy.filters.begin() + 1);
  EXPECT_EQ(find_quick_mode_rule(policy, 1)->inbound_filter_id, 0U);
}

TEST(PolicyLookup, broken_references_are_named) {
  const auto checked = [](const IkePolicy& policy) { return check(whole(policy), {}); };
  IkePolicy policy = make_policy(kLocal, kPeer);
  EXPECT_TRUE(checked(policy).ok());
  policy.filters.front().quick_mode_policy = "nowhere";
  EXPECT_EQ(checked(policy).message(), "filter of rule 'rule': no quick mode policy 'nowhere'");
  policy = make_policy(kLocal, kPeer);
  policy.main_mode_filters.front().main_mode_policy = "nowhere";
  EXPECT_EQ(checked(policy).message(), "main mode filter of rule 'rule': no main mode policy 'nowhere'");
  policy = make_policy(kLocal, kPeer);
  policy.default_response.active = true;
  EXPECT_FALSE(checked(policy).ok());
}

}  // namespace
}  // namespace ipsec::ike::tests

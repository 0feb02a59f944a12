#include "services/ike/core/quick_mode_selector.h"

#include <gtest/gtest.h>

namespace ipsec::ike {
namespace {

AddressRange range(const char* text) { return *AddressRange::parse(text); }

TEST(QuickModeSelector, QM_09_selectors_become_identities_and_come_back) {
  const Selector selectors[] = {
      {range("10.0.0.1"), range("10.0.0.2"), kProtocolAny, {}, {}},
      {range("10.0.0.1"), range("10.0.0.2"), kProtocolTcp, {}, PortRange::single(445)},
      {range("10.1.0.0/16"), range("10.2.0.5-10.2.0.9"), kProtocolUdp, PortRange::single(53), {}},
      {range("fd00::/64"), range("fd01::1"), kProtocolIcmpv6, {}, {}},
  };
  for (const Selector& selector : selectors) {
    const auto identities = identities_of(selector);
    ASSERT_TRUE(identities.ok());
    const auto back = selector_of(*identities);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(*back, selector);
  }
}

TEST(QuickModeSelector, a_port_range_cannot_be_said) {
  EXPECT_FALSE(identities_of({range("10.0.0.1"), range("10.0.0.2"), kProtocolTcp, {}, {1024, 2048}}).ok());
}

TEST(QuickModeSelector, refuses_what_is_no_selector) {
  const auto identities =
      *identities_of({range("10.0.0.1"), range("10.0.0.2"), kProtocolTcp, {}, PortRange::single(80)});
  QuickModeIdentities changed = identities;
  changed.responder.protocol = kProtocolUdp;
  EXPECT_FALSE(selector_of(changed).ok()) << "two protocols";
  changed = identities;
  changed.initiator.protocol = changed.responder.protocol = kProtocolIcmp;
  EXPECT_FALSE(selector_of(changed).ok()) << "ports without a protocol that has them";
  changed = identities;
  changed.responder.type = IdentityType::kFqdn;
  EXPECT_FALSE(selector_of(changed).ok()) << "a name";
  changed = identities;
  changed.responder.type = IdentityType::kIpv6Address;
  changed.responder.data.resize(16);
  EXPECT_FALSE(selector_of(changed).ok()) << "two families";
}

TEST(QuickModeSelector, transport_filters_negotiate_the_two_hosts_tunnel_filters_their_ranges) {
  Filter filter;
  filter.selector = {
      range("10.0.0.0/8"), AddressRange::any(AddressFamily::kIpv4), kProtocolTcp, {}, PortRange::single(80)};
  const IpAddress local = *IpAddress::parse("10.0.0.1");
  const IpAddress peer = *IpAddress::parse("10.0.0.2");
  EXPECT_EQ(negotiated_selector(filter, local, peer),
            (Selector{range("10.0.0.1"), range("10.0.0.2"), kProtocolTcp, {}, PortRange::single(80)}));
  filter.tunnel_destination = peer;
  EXPECT_EQ(negotiated_selector(filter, local, peer), filter.selector);
}

}  // namespace
}  // namespace ipsec::ike

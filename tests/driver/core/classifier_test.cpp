#include "services/driver/core/classifier.h"

#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/filter_table.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// Few addresses and ports, so that patterns overlap and packets match.
IpAddress random_address(SeededRandom& random, bool v6) {
  Bytes bytes(v6 ? 16 : 4, 0);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(3));
  return IpAddress::from_bytes(bytes);
}

AddressRange random_range(SeededRandom& random, bool v6) {
  if (random.chance(0.2)) {
    const IpAddress a = random_address(random, v6), b = random_address(random, v6);
    return {std::min(a, b), std::max(a, b)};
  }
  const auto length = static_cast<unsigned>(random.below(v6 ? 129 : 33));
  return AddressRange::of(Subnet::around(random_address(random, v6), length));
}

PortRange random_ports(SeededRandom& random) {
  if (random.chance(0.5)) return PortRange::any();
  const auto first = static_cast<std::uint16_t>(random.below(4));
  return {first, static_cast<std::uint16_t>(first + random.below(3))};
}

std::uint8_t random_protocol(SeededRandom& random) {
  constexpr std::uint8_t kProtocols[] = {kProtocolAny, kProtocolTcp, kProtocolUdp, kProtocolIcmp};
  return kProtocols[random.below(4)];
}

Selector random_selector(SeededRandom& random) {
  const bool v6 = random.chance(0.5);
  return {random_range(random, v6), random_range(random, v6), random_protocol(random), random_ports(random),
          random_ports(random)};
}

FiveTuple random_packet(SeededRandom& random) {
  const bool v6 = random.chance(0.5);
  FiveTuple packet{random_address(random, v6), random_address(random, v6), random_protocol(random), 0, 0};
  if (!protocol_has_ports(packet.protocol)) return packet;
  packet.source_port = static_cast<std::uint16_t>(random.below(6));
  packet.destination_port = static_cast<std::uint16_t>(random.below(6));
  return packet;
}

TEST(Classifier, DRV_17_first_match_agrees_with_a_linear_search) {
  SeededRandom random(2003);
  std::size_t matched = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Selector> patterns(random.below(200));
    for (Selector& pattern : patterns) pattern = random_selector(random);
    const Classifier classifier(patterns);
    for (int i = 0; i < 500; ++i) {
      const FiveTuple packet = random_packet(random);
      std::optional<std::uint32_t> expected;
      for (std::uint32_t at = 0; at < patterns.size() && !expected; ++at) {
        if (patterns[at].matches(packet)) expected = at;
      }
      ASSERT_EQ(classifier.first_match(packet), expected) << packet.to_string();
      matched += expected.has_value() ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 5000U);
}

TEST(Classifier, without_ports_it_knows_whether_they_would_matter) {
  Selector smb = between("10.0.0.0/8", "10.0.0.0/8", kProtocolTcp);
  smb.destination_port = PortRange::single(445);
  const std::vector<Selector> patterns = {smb, between("10.0.0.0/8", "10.0.0.0/8"),
                                          between("10.0.0.0/8", "10.1.0.0/16")};
  const Classifier classifier(patterns);
  const FiveTuple tcp{address("10.0.0.1"), address("10.1.0.1"), kProtocolTcp, 0, 0};
  EXPECT_EQ(classifier.first_match_without_ports(tcp).position, 1U);
  EXPECT_TRUE(classifier.first_match_without_ports(tcp).depends_on_ports);
  FiveTuple udp = tcp;
  udp.protocol = kProtocolUdp;
  EXPECT_EQ(classifier.first_match_without_ports(udp).position, 1U);
  EXPECT_FALSE(classifier.first_match_without_ports(udp).depends_on_ports);
  const FiveTuple elsewhere{address("11.0.0.1"), address("10.1.0.1"), kProtocolTcp, 0, 0};
  EXPECT_FALSE(classifier.first_match_without_ports(elsewhere).position);
  EXPECT_FALSE(classifier.first_match_without_ports(elsewhere).depends_on_ports);
}

TEST(FilterTable, counters_stay_with_a_filter_that_stays) {
  FilterPair kept = mirrored(10, between("10.0.0.1", "10.0.0.2"), Action::kPermit);
  FilterPair gone = mirrored(20, between("10.0.0.1", "10.0.0.3"), Action::kPermit);
  const auto first = FilterTable::make({kept.outbound, gone.outbound}, nullptr);
  (*first)->find(10)->counters->add(3, 300);
  const auto second = FilterTable::make({kept.outbound, kept.inbound}, first->get());
  EXPECT_EQ((*second)->find(10)->counters->packets, 3U);
  EXPECT_EQ((*second)->find(11)->counters->packets, 0U);
  EXPECT_EQ((*second)->find(20), nullptr);
}

TEST(FilterTable, a_wrong_policy_is_refused_by_name) {
  const auto message = [](std::vector<Filter> filters) {
    return FilterTable::make(std::move(filters), nullptr).status().message();
  };
  const Filter good = mirrored(10, between("10.0.0.1", "10.0.0.2"), Action::kPermit).outbound;
  EXPECT_THAT(message({good, good}), testing::HasSubstr("used twice"));
  Filter no_id = good;
  no_id.id = 0;
  EXPECT_THAT(message({good, no_id}), testing::AllOf(testing::HasSubstr("filter 1"), testing::HasSubstr("id 0")));
  Filter mixed = good;
  mixed.selector.destination = AddressRange::any(AddressFamily::kIpv6);
  EXPECT_THAT(message({mixed}), testing::HasSubstr("families"));
  Filter tunnel = good;
  tunnel.tunnel_source = address("10.0.0.1");
  EXPECT_THAT(message({tunnel}), testing::HasSubstr("tunnel destination"));
  EXPECT_THAT(message(std::vector<Filter>(limits::kMaxFilters + 1, good)), testing::HasSubstr("at most"));
}

}  // namespace
}  // namespace ipsec::driver::tests

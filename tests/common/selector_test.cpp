#include "services/common/selector.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace ipsec {
namespace {

Selector selector(std::string_view source, std::string_view destination, std::uint8_t protocol = kProtocolAny,
                  PortRange source_port = {}, PortRange destination_port = {}) {
  return {*AddressRange::parse(source), *AddressRange::parse(destination), protocol, source_port, destination_port};
}

FiveTuple packet(std::string_view source, std::string_view destination, std::uint8_t protocol,
                 std::uint16_t source_port = 0, std::uint16_t destination_port = 0) {
  return {*IpAddress::parse(source), *IpAddress::parse(destination), protocol, source_port, destination_port};
}

TEST(PortRange, number_forms) {
  EXPECT_TRUE(PortRange::from_number(0).is_any());
  EXPECT_EQ(PortRange::from_number(445), PortRange::single(445));
  EXPECT_EQ(PortRange::any().as_number(), 0);
  EXPECT_EQ(PortRange::single(445).as_number(), 445);
  EXPECT_FALSE((PortRange{1, 2}.as_number()));
  EXPECT_EQ(PortRange::any().to_string(), "any");
  EXPECT_EQ((PortRange{1024, 65535}.to_string()), "1024-65535");
}

TEST(Selector, matches_each_part) {
  const Selector smb = selector("10.0.0.0/8", "10.77.0.2", kProtocolTcp, PortRange::any(), PortRange::single(445));
  EXPECT_TRUE(smb.matches(packet("10.1.2.3", "10.77.0.2", kProtocolTcp, 40000, 445)));
  EXPECT_FALSE(smb.matches(packet("11.1.2.3", "10.77.0.2", kProtocolTcp, 40000, 445)));
  EXPECT_FALSE(smb.matches(packet("10.1.2.3", "10.77.0.3", kProtocolTcp, 40000, 445)));
  EXPECT_FALSE(smb.matches(packet("10.1.2.3", "10.77.0.2", kProtocolUdp, 40000, 445)));
  EXPECT_FALSE(smb.matches(packet("10.1.2.3", "10.77.0.2", kProtocolTcp, 40000, 446)));
  EXPECT_TRUE(smb.mirrored().matches(packet("10.77.0.2", "10.1.2.3", kProtocolTcp, 445, 40000)));
}

TEST(Selector, any_is_of_one_family) {
  EXPECT_TRUE(Selector().matches(packet("1.2.3.4", "5.6.7.8", kProtocolEsp)));
  EXPECT_FALSE(Selector().matches(packet("::1", "::2", kProtocolEsp)));
}

TEST(Selector, ports_count_only_where_the_protocol_has_them) {
  const Selector icmp = selector("0.0.0.0/0", "0.0.0.0/0", kProtocolIcmp, PortRange::single(7), PortRange::single(7));
  EXPECT_TRUE(icmp.matches(packet("1.2.3.4", "5.6.7.8", kProtocolIcmp)));
}

TEST(Selector, contains_means_every_packet) {
  const Selector all;
  const Selector tcp = selector("0.0.0.0/0", "0.0.0.0/0", kProtocolTcp);
  const Selector smb = selector("10.0.0.1", "10.0.0.2", kProtocolTcp, PortRange::any(), PortRange::single(445));
  EXPECT_TRUE(all.contains(tcp));
  EXPECT_TRUE(tcp.contains(smb));
  EXPECT_TRUE(smb.contains(smb));
  EXPECT_FALSE(tcp.contains(all));
  EXPECT_FALSE(smb.contains(tcp));
  EXPECT_FALSE(smb.contains(smb.mirrored()));
}

TEST(Selector, text_names_everything) {
  const std::string text =
      selector("10.0.0.1", "10.0.0.0/8", kProtocolTcp, PortRange::any(), PortRange::single(445)).to_string();
  for (const char* part : {"10.0.0.1", "10.0.0.0/8", "TCP", "445"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

TEST(FiveTuple, text_and_reverse) {
  const FiveTuple tuple = packet("10.0.0.1", "10.0.0.2", kProtocolTcp, 40000, 445);
  EXPECT_EQ(tuple.to_string(), "10.0.0.1:40000 -> 10.0.0.2:445 TCP");
  EXPECT_EQ(tuple.reversed().reversed(), tuple);
  EXPECT_EQ(tuple.reversed().source_port, 445);
}

// A small world, so that every packet of it can be asked.
TEST(Selector, contains_and_intersection_agree_with_every_packet) {
  constexpr std::uint64_t kSeed = 17;
  tests::SeededRandom random(kSeed);
  const auto address = [&] { return IpAddress::v4(0x0a000000 + static_cast<std::uint32_t>(random.below(3))); };
  const auto random_selector = [&] {
    const auto ordered = [](auto a, auto b) { return a < b ? std::pair(a, b) : std::pair(b, a); };
    const auto [source_low, source_high] = ordered(address(), address());
    const auto [destination_low, destination_high] = ordered(address(), address());
    const auto [port_low, port_high] = ordered(random.below(3), random.below(3));
    Selector result;
    result.source = {source_low, source_high};
    result.destination = {destination_low, destination_high};
    result.protocol = random.chance(0.3) ? kProtocolAny : random.chance(0.5) ? kProtocolTcp : kProtocolUdp;
    if (result.protocol != kProtocolAny && random.chance(0.7)) {
      result.destination_port = {static_cast<std::uint16_t>(port_low), static_cast<std::uint16_t>(port_high)};
    }
    return result;
  };
  for (int round = 0; round < 3000; ++round) {
    const Selector a = random_selector(), b = random_selector();
    const auto both = intersection(a, b);
    bool every_packet_of_b_is_in_a = true;
    bool any = false;
    for (std::uint32_t source = 0; source < 3; ++source) {
      for (std::uint32_t destination = 0; destination < 3; ++destination) {
        for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp}) {
          for (std::uint16_t port = 0; port < 4; ++port) {
            const FiveTuple tuple{IpAddress::v4(0x0a000000 + source), IpAddress::v4(0x0a000000 + destination), protocol,
                                  9, port};
            const bool in_a = a.matches(tuple), in_b = b.matches(tuple);
            every_packet_of_b_is_in_a = every_packet_of_b_is_in_a && (in_a || !in_b);
            any = any || (in_a && in_b);
            ASSERT_EQ(both && both->matches(tuple), in_a && in_b)
                << "seed " << kSeed << ": " << a.to_string() << " / " << b.to_string() << " / " << tuple.to_string();
          }
        }
      }
    }
    ASSERT_EQ(both.has_value(), any) << "seed " << kSeed << ": " << a.to_string() << " / " << b.to_string();
    // Containment may be refused where packets outside this small world make the difference, never granted wrongly.
    if (a.contains(b)) {
      ASSERT_TRUE(every_packet_of_b_is_in_a) << a.to_string() << " / " << b.to_string();
    }
  }
}

}  // namespace
}  // namespace ipsec

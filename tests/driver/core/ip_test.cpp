#include "services/driver/core/ip.h"

#include <gtest/gtest.h>

#include "services/driver/core/checksum.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/packets.h"

namespace ipsec::driver::tests {
namespace {

const IpFields kV4{address("10.0.0.1"), address("10.0.0.2")};
const IpFields kV6{address("fd00::1"), address("fd00::2")};

// An IPv6 packet with these extension headers (each without its first octet, which names the next one) before UDP.
Bytes with_extensions(const std::vector<std::pair<std::uint8_t, Bytes>>& extensions, ByteView upper,
                      std::uint8_t protocol) {
  ByteWriter chain;
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    chain.u8(i + 1 < extensions.size() ? extensions[i + 1].first : protocol).bytes(extensions[i].second);
  }
  IpFields ip = kV6;
  ip.protocol = extensions.empty() ? protocol : extensions[0].first;
  return ip_packet(ip, chain.bytes(upper).take());
}

const Bytes kEightOctets = {0, 1, 4, 0, 0, 0, 0};  // length 0: eight octets; PadN
Bytes udp_header() { return Bytes{0x01, 0xF4, 0x01, 0xF5, 0, 8, 0, 0}; }

TEST(ParseIp, ipv4_with_options) {
  Bytes packet = udp_packet(kV4, 1000, 2000, pattern(10));
  packet.insert(packet.begin() + 20, {7, 7, 4, 0, 0, 0, 0, 0});
  packet[0] = 0x47;
  store_u16(&packet[2], static_cast<std::uint16_t>(packet.size()));
  const auto view = parse_ip(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->protect_offset, 28);
  EXPECT_EQ(view->upper_offset, 28);
  EXPECT_EQ(view->protect_name_offset, 9);
  EXPECT_EQ(view->tuple.to_string(), "10.0.0.1:1000 -> 10.0.0.2:2000 UDP");
  EXPECT_TRUE(view->ports_visible);
  EXPECT_TRUE(view->dont_fragment);
}

TEST(ParseIp, what_follows_the_ip_length_is_cut_off) {
  Bytes packet = udp_packet(kV4, 1, 2, pattern(10));
  packet.resize(packet.size() + 18);
  EXPECT_EQ(parse_ip(packet)->bytes.size(), 38U);
  Bytes v6 = udp_packet(kV6, 1, 2, pattern(10));
  v6.resize(v6.size() + 18);
  EXPECT_EQ(parse_ip(v6)->bytes.size(), 58U);
}

TEST(ParseIp, esp_goes_after_the_headers_that_routers_read) {
  Bytes packet = with_extensions({{kProtocolHopByHop, kEightOctets},
                                  {kProtocolRouting, kEightOctets},
                                  {kProtocolDestinationOptions, kEightOctets}},
                                 udp_header(), kProtocolUdp);
  const auto view = parse_ip(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->protect_offset, 56);
  EXPECT_EQ(view->protect_name_offset, 48);
  EXPECT_EQ(packet[view->protect_name_offset], kProtocolDestinationOptions);
  EXPECT_EQ(view->upper_offset, 64);
  EXPECT_EQ(view->upper_name_offset, 56);
  EXPECT_EQ(view->tuple.protocol, kProtocolUdp);
  EXPECT_EQ(view->tuple.source_port, 500);
}

TEST(ParseIp, ipv6_fragment_header) {
  const auto fragment = [](std::uint16_t field) {
    return with_extensions(
        {{kProtocolFragment, {0, static_cast<std::uint8_t>(field >> 8), static_cast<std::uint8_t>(field), 0, 0, 0, 9}}},
        udp_header(), kProtocolUdp);
  };
  Bytes first = fragment(1), middle = fragment(0x0100 | 1), last = fragment(0x0100), atomic = fragment(0);
  EXPECT_TRUE(parse_ip(first)->is_fragment);
  EXPECT_TRUE(parse_ip(first)->ports_visible);
  EXPECT_EQ(parse_ip(first)->fragment_id, 9U);
  EXPECT_TRUE(parse_ip(middle)->more_fragments);
  EXPECT_EQ(parse_ip(middle)->fragment_offset, 0x100);
  EXPECT_FALSE(parse_ip(middle)->ports_visible);
  EXPECT_TRUE(parse_ip(last)->is_fragment);
  EXPECT_FALSE(parse_ip(last)->more_fragments);
  EXPECT_FALSE(parse_ip(atomic)->is_fragment);
  EXPECT_EQ(parse_ip(atomic)->protect_offset, 48);
}

TEST(ParseIp, ipv4_fragments_show_ports_in_the_first_only) {
  Bytes packet = udp_packet(kV4, 1000, 2000, pattern(64));
  store_u16(&packet[6], kIpv4MoreFragments);
  EXPECT_TRUE(parse_ip(packet)->ports_visible);
  store_u16(&packet[6], kIpv4MoreFragments | 4);
  const auto middle = parse_ip(packet);
  EXPECT_EQ(middle->fragment_offset, 32);
  EXPECT_EQ(middle->tuple.source_port, 0);
  EXPECT_FALSE(middle->ports_visible);
}

TEST(ParseIp, malformed_packets_are_refused) {
  const auto refused = [](Bytes packet) { return !parse_ip(packet).has_value(); };
  const Bytes v4 = udp_packet(kV4, 1, 2, pattern(10));
  const Bytes v6 = udp_packet(kV6, 1, 2, pattern(10));
  const auto changed = [](Bytes packet, std::size_t at, std::uint8_t value) {
    packet[at] = value;
    return packet;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(changed(v4, 0, 0x55)));  // version
  EXPECT_TRUE(refused(changed(v4, 0, 0x44)));  // header shorter than 20 octets
  EXPECT_TRUE(refused(changed(v4, 0, 0x4F)));  // header longer than the packet
  EXPECT_TRUE(refused(changed(v4, 3, 200)));   // total length beyond the packet
  EXPECT_TRUE(refused(changed(v4, 3, 19)));    // total length shorter than the header
  EXPECT_TRUE(refused(Bytes(v4.begin(), v4.begin() + 19)));
  EXPECT_TRUE(refused(Bytes(v6.begin(), v6.begin() + 39)));
  EXPECT_TRUE(refused(changed(v6, 5, 200)));  // payload length beyond the packet
  EXPECT_TRUE(refused(ip_packet({kV4.source, kV4.destination, kProtocolUdp}, pattern(7))));
  EXPECT_TRUE(refused(ip_packet({kV4.source, kV4.destination, kProtocolTcp}, pattern(19))));
  EXPECT_TRUE(refused(with_extensions({{kProtocolHopByHop, {200, 0, 0, 0, 0, 0, 0}}}, udp_header(), kProtocolUdp)));
  EXPECT_TRUE(
      refused(with_extensions({{kProtocolFragment, {0, 0, 0, 0, 0, 0, 0}}, {kProtocolFragment, {0, 0, 0, 0, 0, 0, 0}}},
                              udp_header(), kProtocolUdp)));
  const std::vector<std::pair<std::uint8_t, Bytes>> many(limits::kMaxExtensionHeaders + 1,
                                                         {kProtocolDestinationOptions, kEightOctets});
  EXPECT_TRUE(refused(with_extensions(many, udp_header(), kProtocolUdp)));
}

TEST(ParseIp, every_truncation_of_a_packet_is_safe) {
  for (const Bytes& whole : {tcp_packet(kV4, {}, pattern(5)), tcp_packet(kV6, {}, pattern(5)),
                             with_extensions({{kProtocolHopByHop, kEightOctets}}, udp_header(), kProtocolUdp)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Bytes packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(parse_ip(packet)) << size;
    }
  }
}

TEST(ParseIp, isakmp_is_recognised_by_port_and_marker) {
  const auto isakmp = [](Bytes packet) {
    const auto view = parse_ip(packet);
    return is_isakmp(*view, view->tuple.destination_port);
  };
  EXPECT_TRUE(isakmp(udp_packet(kV4, 9, 500, pattern(28))));
  EXPECT_TRUE(isakmp(udp_packet(kV6, 9, 500, pattern(28))));
  EXPECT_TRUE(isakmp(udp_packet(kV4, 9, 4500, Bytes{0, 0, 0, 0, 1})));
  EXPECT_FALSE(isakmp(udp_packet(kV4, 9, 4500, Bytes{0, 0, 0, 1, 1})));  // an SPI: ESP in UDP
  EXPECT_FALSE(isakmp(udp_packet(kV4, 9, 4500, Bytes{0xFF})));           // keepalive
  EXPECT_FALSE(isakmp(udp_packet(kV4, 500, 501, pattern(28))));
  EXPECT_FALSE(isakmp(tcp_packet(kV4, {9, 500}, pattern(28))));
}

TEST(ParseIp, neighbour_discovery_is_five_types_of_icmpv6) {
  for (int type = 125; type < 145; ++type) {
    IpFields ip = kV6;
    ip.protocol = kProtocolIcmpv6;
    Bytes packet = ip_packet(ip, Bytes{static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(is_neighbour_discovery(*parse_ip(packet)), type >= 133 && type <= 137) << type;
  }
  IpFields ip = kV4;
  ip.protocol = kProtocolIcmpv6;
  Bytes packet = ip_packet(ip, Bytes{135, 0, 0, 0});
  EXPECT_FALSE(is_neighbour_discovery(*parse_ip(packet)));
}

TEST(Checksum, example_of_rfc_1071) {
  const Bytes words = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_fold(checksum_add(words)), 0xddf2);
  EXPECT_EQ(checksum_finish(checksum_add(words)), 0x220d);
}

TEST(Checksum, every_length_agrees_with_the_plain_way) {
  SeededRandom random(1071);
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes bytes = random.bytes(size);
    std::uint32_t plain = 0;
    for (std::size_t i = 0; i < size; ++i) plain += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
    while (plain >> 16 != 0) plain = (plain & 0xFFFF) + (plain >> 16);
    Bytes copy(size);
    EXPECT_EQ(checksum_fold(checksum_copy(copy, bytes)), plain) << size;
    EXPECT_EQ(copy, bytes);
  }
}

TEST(Checksum, sum_of_a_large_packet_does_not_overflow) {
  EXPECT_EQ(checksum_fold(checksum_add(Bytes(65534, 0xFF))), 0xFFFF);
}

}  // namespace
}  // namespace ipsec::driver::tests

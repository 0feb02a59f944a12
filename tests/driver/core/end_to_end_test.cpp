// Property: whatever one driver secures, the other opens, and the host at the far end gets what the host at this end
// would have put on a bare wire.
#include <cstdio>
#include <map>

#include <gtest/gtest.h>

#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

constexpr std::uint64_t kSeed = 4303;

struct Suite {
  Cipher cipher;
  Integrity integrity;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  Integrity around = Integrity::kNone;  // of AH around ESP

  std::uint8_t on_the_wire() const {
    return protocol == SecurityProtocol::kAh || around != Integrity::kNone ? kProtocolAh : kProtocolEsp;
  }
};
constexpr auto kAh = SecurityProtocol::kAh;
constexpr auto kEsp = SecurityProtocol::kEsp;
constexpr Suite kSuites[] = {
    {Cipher::kNull, Integrity::kSha1},
    {Cipher::kDes, Integrity::kMd5},
    {Cipher::kTripleDes, Integrity::kSha1},
    {Cipher::kAes128Cbc, Integrity::kSha1},
    {Cipher::kAes192Cbc, Integrity::kSha256},
    {Cipher::kAes256Cbc, Integrity::kSha384},
    {Cipher::kAes256Cbc, Integrity::kSha512},
    {Cipher::kAes128Gcm, Integrity::kNone},
    {Cipher::kAes192Gcm, Integrity::kNone},
    {Cipher::kAes256Gcm, Integrity::kNone},
    {Cipher::kChacha20Poly1305, Integrity::kNone},
    {Cipher::kNull, Integrity::kMd5, kAh},
    {Cipher::kNull, Integrity::kSha1, kAh},
    {Cipher::kNull, Integrity::kSha256, kAh},
    {Cipher::kNull, Integrity::kSha384, kAh},
    {Cipher::kNull, Integrity::kSha512, kAh},
    {Cipher::kNull, Integrity::kAes128Gmac, kAh},
    {Cipher::kNull, Integrity::kAes192Gmac, kAh},
    {Cipher::kNull, Integrity::kAes256Gmac, kAh},
    {Cipher::kAes128Cbc, Integrity::kSha1, kEsp, Integrity::kSha1},
    {Cipher::kTripleDes, Integrity::kNone, kEsp, Integrity::kMd5},
    {Cipher::kAes256Gcm, Integrity::kNone, kEsp, Integrity::kAes256Gmac},
};

// Two hosts with an SA from left to right. In tunnel mode the traffic is that of networks behind them, of the inner
// family.
struct Pair {
  Pair(bool outer_v6, bool inner_v6, bool tunnel, const Suite& suite, bool extended_sequence = false)
      : left(outer_v6 ? "fd77::1" : "10.77.0.1"), right(outer_v6 ? "fd77::2" : "10.77.0.2") {
    source = tunnel ? address(inner_v6 ? "fd01::5" : "192.168.1.5") : left.own();
    destination = tunnel ? address(inner_v6 ? "fd02::6" : "192.168.2.6") : right.own();
    FilterPair filters = mirrored(kFilter, between(source.to_string(), destination.to_string()), Action::kNegotiate);
    if (tunnel) filters.outbound.tunnel_destination = right.own();
    left.set_filters({filters.outbound, filters.inbound});
    FilterPair far = mirrored(kFilter, between(destination.to_string(), source.to_string()), Action::kNegotiate);
    right.set_filters({far.outbound, far.inbound});
    recipe.cipher = suite.cipher;
    recipe.integrity = suite.integrity;
    recipe.protocol = suite.protocol;
    recipe.around = suite.around;
    recipe.extended_sequence = extended_sequence;
    recipe.encapsulation = tunnel ? Encapsulation::kTunnel : Encapsulation::kTransport;
    recipe.selector = filters.outbound.selector;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    connect(left, right, recipe);
  }
  TestHost left;
  TestHost right;
  IpAddress source;
  IpAddress destination;
  SaRecipe recipe;
};

Stored random_packet(const Pair& pair, SeededRandom& random) {
  IpFields ip{pair.source, pair.destination};
  ip.dont_fragment = random.chance(0.5);
  ip.id = static_cast<std::uint16_t>(random.next());
  ip.traffic_class = static_cast<std::uint8_t>(random.below(64) << 2);
  const auto port = static_cast<std::uint16_t>(1024 + random.below(60000));
  // Up to what fits beside every header of every suite.
  const Bytes data = random.bytes(random.below(1150));
  switch (random.below(4)) {
    case 0:
      return {udp_packet(ip, port, 53, data), {}};
    case 1:
      return {tcp_packet(ip, {port, 445}, data), {}};
    case 2:
      return {icmp_echo(ip, data.size()), {}};
    default:
      ip.protocol = 47;
      return {ip_packet(ip, data), {}};
  }
}

// Packets of the wire by flow: the driver may change the order between flows only.
std::map<std::string, std::vector<Bytes>> by_flow(const std::vector<Stored>& packets) {
  std::map<std::string, std::vector<Bytes>> flows;
  for (const Stored& stored : packets) {
    for (Bytes& packet : on_the_wire(stored)) {
      const auto view = parse_ip(packet);
      flows[view ? view->tuple.to_string() : "malformed"].push_back(packet);
    }
  }
  return flows;
}

TEST(EndToEnd, DRV_04_HDR_12_HDR_16_opened_is_what_was_secured_for_every_suite_and_mode) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(kSeed));
  SeededRandom random(kSeed);
  for (const Suite& suite : kSuites) {
    for (unsigned shape = 0; shape < 6; ++shape) {
      const bool tunnel = shape >= 2;
      const bool outer_v6 = shape % 2 != 0;
      const bool inner_v6 = tunnel ? shape >= 4 : outer_v6;
      const bool extended = random.chance(0.5);
      SCOPED_TRACE(fmt::format("{} {} in {} {} outer v{} inner v{}{}", info(suite.cipher).name,
                               info(suite.integrity).name, info(suite.around).name, tunnel ? "tunnel" : "transport",
                               outer_v6 ? 6 : 4, inner_v6 ? 6 : 4, extended ? " ESN" : ""));
      Pair pair(outer_v6, inner_v6, tunnel, suite, extended);
      std::vector<Stored> packets;
      for (int i = 0; i < 40; ++i) packets.push_back(random_packet(pair, random));
      const auto sent = pair.left.send(packets);
      ASSERT_EQ(sent.to_wire.size(), packets.size());
      for (const Stored& packet : sent.to_wire) {
        Bytes copy = packet.bytes;
        const auto view = parse_ip(copy);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->tuple.protocol, suite.on_the_wire());
        EXPECT_TRUE(checksums_are_good(packet.bytes));
        EXPECT_LE(packet.bytes.size(), 1500U);
      }
      const auto received = pair.right.receive(sent.to_wire);
      EXPECT_EQ(by_flow(received.to_host), by_flow(packets));
      EXPECT_EQ(pair.right.count(Verdict::kInboundOpened), packets.size());
    }
  }
}

TEST(EndToEnd, super_packet_is_cut_and_merged_again) {
  SeededRandom random(kSeed + 1);
  for (const bool v6 : {false, true}) {
    for (const Suite& suite : kSuites) {
      Pair pair(v6, v6, false, suite);
      TcpFields tcp;
      tcp.flags = 0x18;  // ACK, PSH
      tcp.options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
      const Bytes data = random.bytes(60000);
      const SuperPacket super = tcp_super_packet({pair.source, pair.destination}, tcp, data, 1200);
      const auto sent = pair.left.send(super.bytes, super.offload);
      EXPECT_EQ(sent.to_wire.size(), 50U);
      EXPECT_EQ(pair.left.count(Verdict::kOutboundSecured), 1U);
      const auto received = pair.right.receive(sent.to_wire);
      ASSERT_EQ(received.to_host.size(), 1U);
      EXPECT_EQ(received.to_host[0].offload, super.offload);
      EXPECT_EQ(received.to_host[0].bytes, super.bytes);
    }
  }
}

TEST(EndToEnd, segments_on_the_wire_are_those_of_a_plain_segmenter) {
  Pair pair(false, false, true, {Cipher::kNull, Integrity::kSha1});
  TcpFields tcp;
  tcp.flags = 0x99;  // CWR, ACK, PSH, FIN
  const SuperPacket super = tcp_super_packet({pair.source, pair.destination}, tcp, pattern(5000), 1300);
  const auto sent = pair.left.send(super.bytes, super.offload);
  const std::vector<Bytes> expected = on_the_wire({super.bytes, super.offload});
  ASSERT_EQ(sent.to_wire.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Bytes& packet = sent.to_wire[i].bytes;
    // Encrypted with nothing, the inner packet is there to be read: outer header, SPI and sequence number, inner
    // packet.
    EXPECT_EQ(Bytes(packet.begin() + 28, packet.begin() + 28 + static_cast<std::ptrdiff_t>(expected[i].size())),
              expected[i]);
  }
}

TEST(EndToEnd, PMT_01_super_packet_larger_than_the_path_is_cut_to_the_path) {
  Pair pair(false, false, false, {Cipher::kAes128Gcm, Integrity::kNone});
  const SuperPacket super = tcp_super_packet({pair.source, pair.destination}, {}, pattern(20000), 1460);
  const auto sent = pair.left.send(super.bytes, super.offload);
  std::size_t largest = 0;
  for (const Stored& packet : sent.to_wire) largest = std::max(largest, packet.bytes.size());
  EXPECT_LE(largest, 1500U);
  EXPECT_GT(largest, 1496U);
  const auto received = pair.right.receive(sent.to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, super.bytes);
}

TEST(EndToEnd, udp_super_packet_is_cut_at_its_own_size) {
  for (const bool v6 : {false, true}) {
    Pair pair(v6, v6, false, {Cipher::kAes256Cbc, Integrity::kSha256});
    const SuperPacket super = udp_super_packet({pair.source, pair.destination}, 4000, 5000, pattern(3210), 1000);
    const auto received = pair.right.receive(pair.left.send(super.bytes, super.offload).to_wire);
    const std::vector<Bytes> expected = on_the_wire({super.bytes, super.offload});
    ASSERT_EQ(received.to_host.size(), 4U);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(received.to_host[i].bytes, expected[i]);
  }
}

TEST(EndToEnd, partial_checksum_of_a_single_packet_is_completed) {
  Pair pair(false, false, false, {Cipher::kAes128Gcm, Integrity::kNone});
  SuperPacket packet = tcp_super_packet({pair.source, pair.destination}, {}, pattern(301), 0);
  packet.offload.segmentation = Segmentation::kNone;
  const auto received = pair.right.receive(pair.left.send(packet.bytes, packet.offload).to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_TRUE(checksums_are_good(received.to_host[0].bytes));
}

}  // namespace
}  // namespace ipsec::driver::tests

#include "services/driver/core/tunnel.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// RFC 6040 section 4.2, figure 4, in the order of the code points: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. -1: drop.
constexpr int kResult[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

TEST(Tunnel, congestion_marks_come_through_as_rfc_6040_says) {
  for (const bool v6 : {false, true}) {
    for (int inner = 0; inner < 4; ++inner) {
      for (int outer = 0; outer < 4; ++outer) {
        IpFields ip{address(v6 ? "fd00::1" : "10.0.0.1"), address(v6 ? "fd00::2" : "10.0.0.2")};
        ip.traffic_class = static_cast<std::uint8_t>(0xA8 | inner);
        Bytes packet = udp_packet(ip, 1, 2, pattern(10));
        const bool kept = decapsulate_congestion(*parse_ip(packet), static_cast<std::uint8_t>(0x10 | outer));
        EXPECT_EQ(kept, kResult[inner][outer] >= 0) << inner << " " << outer;
        if (kept) {
          EXPECT_EQ(parse_ip(packet)->traffic_class(), 0xA8 | kResult[inner][outer]);
        }
        EXPECT_TRUE(checksums_are_good(packet));
      }
    }
  }
}

TEST(Tunnel, HDR_13_outer_header) {
  Bytes packet(120);
  write_outer_header(packet, {address("192.0.2.1"), address("192.0.2.2"), kProtocolEsp, 0xBA, true, 0x4711});
  EXPECT_EQ(to_hex(ByteView(packet).first(10)), "45ba0078471140004032");
  EXPECT_EQ(to_hex(ByteView(packet).subspan(12, 8)), "c0000201c0000202");
  EXPECT_TRUE(checksums_are_good(packet));
  write_outer_header(packet, {address("fd00::1"), address("fd00::2"), kProtocolEsp, 0xBA, true, 0});
  EXPECT_EQ(to_hex(ByteView(packet).first(8)), "6ba0000000503240");
  EXPECT_TRUE(parse_ip(packet));
}

// Two gateways with a tunnel between the networks behind them.
struct Gateways {
  Gateways(std::string_view left, std::string_view right, std::string_view here, std::string_view there)
      : a(left), b(right) {
    out = mirrored(kFilter, between(here, there), Action::kNegotiate).outbound;
    out.mirror_id = 0;
    out.tunnel_destination = b.own();
    in = mirrored(kFilter, between(here, there), Action::kNegotiate).inbound;
    in.selector = out.selector;
    in.mirror_id = 0;
    in.tunnel_destination = b.own();
    in.tunnel_source = a.own();
    a.set_filters({out});
    b.set_filters({in});
    SaRecipe recipe;
    recipe.encapsulation = Encapsulation::kTunnel;
    recipe.selector = out.selector;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    spi = connect(a, b, recipe);
  }

  TestHost a, b;
  Filter out, in;
  std::uint32_t spi = 0;
};

struct Families {
  std::string_view left, right, here, there, from, to;
};
constexpr Families kFamilies[] = {
    {"10.77.0.1", "10.77.0.2", "192.168.1.0/24", "192.168.2.0/24", "192.168.1.5", "192.168.2.6"},
    {"10.77.0.1", "10.77.0.2", "fd01::/64", "fd02::/64", "fd01::5", "fd02::6"},
    {"fd77::1", "fd77::2", "192.168.1.0/24", "192.168.2.0/24", "192.168.1.5", "192.168.2.6"},
    {"fd77::1", "fd77::2", "fd01::/64", "fd02::/64", "fd01::5", "fd02::6"},
};

// All four combinations of families: addresses of the gateways outside, those of the hosts inside; DSCP and ECN copied,
// a hop limit of our own, flow label 0, DF as inside (IPv6 may never be cut).
TEST(Tunnel, HDR_13_HDR_15_outer_headers_of_every_family_around_every_family) {
  for (const Families& families : kFamilies) {
    Gateways gateways(families.left, families.right, families.here, families.there);
    for (const bool dont_fragment : {true, false}) {
      IpFields ip{address(families.from), address(families.to)};
      ip.traffic_class = 0xB9;  // expedited forwarding, ECT(1)
      ip.dont_fragment = dont_fragment;
      Bytes inner = icmp_echo(ip, 100);
      inner[ip.source.is_v4() ? 8 : 7] = 33;  // hop limit
      if (ip.source.is_v4()) set_ip_length(inner, 20);
      const auto sent = gateways.a.send(inner);
      ASSERT_EQ(sent.to_wire.size(), 1U);
      Bytes outer = sent.to_wire[0].bytes;
      const auto view = parse_ip(outer);
      ASSERT_TRUE(view);
      EXPECT_EQ(view->tuple.source, gateways.a.own());
      EXPECT_EQ(view->tuple.destination, gateways.b.own());
      EXPECT_EQ(view->tuple.protocol, kProtocolEsp);
      EXPECT_EQ(view->traffic_class(), 0xB9);
      EXPECT_EQ(outer[view->is_v4() ? 8 : 7], 64);
      if (view->is_v4()) {
        EXPECT_EQ(view->dont_fragment, dont_fragment || !ip.source.is_v4());
      } else {
        EXPECT_EQ(load_u32(&outer[0]) & 0xF'FFFFU, 0U);
      }
      const auto received = gateways.b.receive(outer);
      ASSERT_EQ(received.to_host.size(), 1U);
      EXPECT_EQ(received.to_host[0].bytes, inner);
    }
  }
}

// On the wire a router has marked the outer header: 0x01 and 0x03 of the last two bits.
TEST(Tunnel, congestion_marks_cross_whole_tunnels) {
  for (const Families& families : kFamilies) {
    Gateways gateways(families.left, families.right, families.here, families.there);
    const auto through = [&](std::uint8_t inner_mark, std::uint8_t outer_mark) -> int {
      IpFields ip{address(families.from), address(families.to)};
      ip.traffic_class = inner_mark;
      Bytes outer = gateways.a.send(icmp_echo(ip, 10)).to_wire.at(0).bytes;
      if ((outer[0] >> 4) == 4) {
        outer[1] = static_cast<std::uint8_t>((outer[1] & ~3) | outer_mark);
        set_ip_length(outer, 20);
      } else {
        outer[1] = static_cast<std::uint8_t>((outer[1] & ~0x30) | outer_mark << 4);
      }
      auto received = gateways.b.receive(outer);
      if (received.to_host.empty()) return -1;
      EXPECT_TRUE(checksums_are_good(received.to_host[0].bytes));
      return parse_ip(received.to_host[0].bytes)->traffic_class() & 3;
    };
    for (std::uint8_t inner = 0; inner < 4; ++inner) {
      for (std::uint8_t outer = 0; outer < 4; ++outer) EXPECT_EQ(through(inner, outer), kResult[inner][outer]);
    }
    EXPECT_EQ(gateways.b.count(Verdict::kInboundCongestionMark), 1U);
  }
}

// A path of 1280 has no room for 1280 and more headers, and a gateway may not cut what IPv6 hosts send: the packet
// around is cut instead, and the whole one comes out.
TEST(Tunnel, HDR_13_an_ipv6_packet_of_the_minimum_size_passes_a_path_of_the_minimum_size) {
  for (const Families& families : {kFamilies[1], kFamilies[3]}) {
    Gateways gateways(families.left, families.right, families.here, families.there);
    gateways.a.control().set_link({1280, {}});
    const IpFields ip{address(families.from), address(families.to)};
    const Bytes inner = icmp_echo(ip, 1280 - 48);
    ASSERT_EQ(inner.size(), 1280U);
    const auto sent = gateways.a.send(inner);
    ASSERT_EQ(sent.to_wire.size(), 2U);
    std::vector<Stored> delivered;
    for (const Stored& piece : sent.to_wire) {
      EXPECT_LE(piece.bytes.size(), 1280U);
      for (Stored& packet : gateways.b.receive(piece.bytes).to_host) delivered.push_back(std::move(packet));
    }
    ASSERT_EQ(delivered.size(), 1U);
    EXPECT_EQ(delivered[0].bytes, inner);
    // One octet more, and its sender is told 1280.
    const auto refused = gateways.a.send(icmp_echo(ip, 1281 - 48));
    ASSERT_EQ(refused.to_host.size(), 1U);
    EXPECT_EQ(load_u32(&refused.to_host[0].bytes[44]), 1280U);
  }
}

class SecondPassTest : public testing::Test {
 protected:
  // What the receiving gateway makes of TCP to this port through the tunnel.
  std::size_t delivered(std::uint16_t port) {
    TcpFields tcp;
    tcp.destination_port = port;
    const auto sent = gateways.a.send(tcp_packet({address("192.168.1.5"), address("192.168.2.6")}, tcp, pattern(20)));
    std::size_t count = 0;
    for (const Stored& packet : sent.to_wire) count += gateways.b.receive(packet.bytes).to_host.size();
    return count;
  }
  Filter inbound(std::uint64_t id, std::uint16_t port, Action action) const {
    Filter filter = mirrored(id, between("192.168.2.0/24", "192.168.1.0/24", kProtocolTcp), action).inbound;
    filter.selector.destination_port = PortRange::single(port);
    return filter;
  }

  Gateways gateways{"10.77.0.1", "10.77.0.2", "192.168.1.0/24", "192.168.2.0/24"};
};

TEST_F(SecondPassTest, IN_23_the_inner_packet_meets_the_filters) {
  gateways.b.set_filters({inbound(300, 23, Action::kBlock), inbound(400, 80, Action::kPermit),
                          inbound(500, 445, Action::kNegotiate), gateways.in});
  EXPECT_EQ(delivered(22), 1U);
  EXPECT_EQ(delivered(80), 1U);
  EXPECT_EQ(delivered(23), 0U);
  EXPECT_EQ(gateways.b.count(Verdict::kInboundBlocked), 1U);
  // Another filter wants it secured between other ends: out of this tunnel it comes in clear.
  EXPECT_EQ(delivered(445), 0U);
  EXPECT_EQ(gateways.b.count(Verdict::kInboundClearRefused), 1U);
  EXPECT_EQ(gateways.b.count(Verdict::kInboundOpened), 2U);
}

TEST_F(SecondPassTest, IN_23_the_trace_shows_it) {
  gateways.b.control().set_trace(std::make_shared<TraceRequest>(std::nullopt, std::nullopt, 10));
  const auto sent = gateways.a.send(icmp_echo({address("192.168.1.5"), address("192.168.2.6")}, 10));
  const auto traces = events_of<PacketTrace>(gateways.b.receive(sent.to_wire.at(0).bytes).events);
  ASSERT_EQ(traces.size(), 1U);
  std::vector<Step> steps;
  for (const auto& entry : traces[0].steps) steps.push_back(entry.step);
  const auto tunnel = std::find(steps.begin(), steps.end(), Step::kInTunnel);
  ASSERT_NE(tunnel, steps.end());
  EXPECT_THAT(std::vector<Step>(tunnel, steps.end()),
              testing::ElementsAre(Step::kInTunnel, Step::kInFilter, Step::kInDelivered));
}

// The inbound SA runs out when its filter is gone; the one that came in its place is content, another is not.
TEST_F(SecondPassTest, IN_23_PA_26_an_sa_that_outlives_its_filter) {
  Filter successor = gateways.in;
  successor.id = 900;
  gateways.b.set_filters({successor});
  EXPECT_EQ(delivered(22), 1U);
  successor.id = 901;
  successor.tunnel_source = address("10.77.0.99");
  gateways.b.set_filters({successor});
  EXPECT_EQ(delivered(22), 0U);
}

// Ports decide, so the pieces out of the tunnel are joined first, and none that came in clear can be among them.
TEST_F(SecondPassTest, IN_23_fragments_are_judged_whole_and_by_what_is_authentic) {
  for (const std::uint16_t port : {std::uint16_t{23}, std::uint16_t{22}}) {
    Filter telnet = inbound(300, 23, Action::kBlock);
    telnet.selector.protocol = kProtocolUdp;
    gateways.b.set_filters({telnet, gateways.in});
    IpFields ip{address("192.168.1.5"), address("192.168.2.6")};
    ip.dont_fragment = false;
    ip.id = port;
    Bytes packet = udp_packet(ip, 1, port, pattern(4000));
    const auto sent = gateways.a.send(packet);
    ASSERT_EQ(sent.to_wire.size(), 3U);
    // A forger knows all but the key.
    Bytes forged = packet;
    forged.resize(20 + 800);
    store_u16(&forged[6], kIpv4MoreFragments);
    set_ip_length(forged, 20);
    gateways.b.receive(forged);
    std::vector<Stored> delivered;
    for (const Stored& piece : sent.to_wire) {
      for (Stored& up : gateways.b.receive(piece.bytes).to_host) delivered.push_back(std::move(up));
    }
    EXPECT_EQ(delivered.size(), port == 22 ? 3U : 0U);
  }
  EXPECT_EQ(gateways.b.count(Verdict::kInboundBlocked), 1U);
}

// Nor does another gateway complete or spoil what this one sends, though its SA is for the same networks.
TEST_F(SecondPassTest, IN_23_fragments_of_different_sas_are_never_joined) {
  Filter telnet = inbound(300, 23, Action::kBlock);
  telnet.selector.protocol = kProtocolUdp;
  gateways.b.set_filters({telnet, gateways.in});
  TestHost other("10.77.0.3");
  other.set_filters({gateways.out});
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = gateways.out.selector;
  recipe.outbound_filter = kFilter;
  recipe.inbound_filter = kFilter + 1;
  connect(other, gateways.b, recipe);
  IpFields ip{address("192.168.1.5"), address("192.168.2.6")};
  ip.dont_fragment = false;
  const auto sent = gateways.a.send(udp_packet(ip, 1, 22, pattern(4000)));
  const auto of_the_other = other.send(udp_packet(ip, 1, 22, pattern(4000, 99)));
  ASSERT_EQ(sent.to_wire.size(), 3U);
  ASSERT_EQ(of_the_other.to_wire.size(), 3U);
  std::size_t delivered = 0;
  gateways.b.receive(of_the_other.to_wire[0].bytes);
  for (const Stored& piece : sent.to_wire) delivered += gateways.b.receive(piece.bytes).to_host.size();
  EXPECT_EQ(delivered, 3U);
}

}  // namespace
}  // namespace ipsec::driver::tests

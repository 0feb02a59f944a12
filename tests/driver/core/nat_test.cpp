// ESP in UDP: what a NAT makes of packets, and what the driver makes of that.
#include <gtest/gtest.h>

#include "services/driver/core/limits.h"
#include "services/driver/core/udp_encapsulation.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

constexpr std::uint16_t kPort = 4500;

// A client with a private address, its NAT with a public one, and a server. The server knows the client by the NAT's
// address; the client's driver uses its private one.
struct Behind {
  explicit Behind(std::uint16_t mapped = 23000, bool knows_original = true, std::uint16_t port = kPort)
      : client("192.168.1.5"), as_seen("203.0.113.1"), server("198.51.100.7"), mapped_port(mapped) {
    const FilterPair at_client = mirrored(kFilter, between("192.168.1.5", "198.51.100.7"), Action::kNegotiate);
    client.set_filters({at_client.outbound, at_client.inbound});
    const FilterPair at_server = mirrored(kFilter, between("198.51.100.7", "203.0.113.1"), Action::kNegotiate);
    server.set_filters({at_server.outbound, at_server.inbound});
    add_client(mapped, knows_original, port);
  }

  // One more client with this mapped port: SAs from it to the server and back. The SPI at the server.
  std::uint32_t add_client(std::uint16_t mapped, bool knows_original, std::uint16_t port = kPort) {
    SaRecipe recipe;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    const auto spi = *server.control().reserve_spi(SecurityProtocol::kEsp, server.own(), as_seen.own(), server.now);
    const auto back = static_cast<std::uint32_t>(0x7000'0000 + mapped);
    recipe.selector = between("203.0.113.1", "198.51.100.7");
    SaParameters in = parameters_of(as_seen, server, recipe, spi, Direction::kInbound);
    in.udp = UdpEncapsulation{port, mapped, {}, {}};
    if (knows_original) in.udp->original_source = client.own();
    in.pair_spi = back;
    EXPECT_TRUE(server.control().install_sa(in, server.now).ok());
    recipe.selector = between("198.51.100.7", "203.0.113.1");
    SaParameters out = parameters_of(server, as_seen, recipe, back, Direction::kOutbound);
    out.udp = UdpEncapsulation{port, mapped, {}, {}};
    out.pair_spi = spi;
    const Status installed = server.control().install_sa(out, server.now);
    EXPECT_TRUE(installed.ok()) << installed.message();
    recipe.selector = between("192.168.1.5", "198.51.100.7");
    SaParameters from = parameters_of(client, server, recipe, spi, Direction::kOutbound);
    from.udp = UdpEncapsulation{port, port, {}, {}};
    EXPECT_TRUE(client.control().install_sa(from, client.now).ok());
    return spi;
  }

  // What the NAT sends on.
  Bytes translated(Bytes packet, std::uint16_t port) const {
    std::copy_n(as_seen.own().bytes().begin(), 4, packet.begin() + 12);
    store_u16(&packet[20], port);
    set_ip_length(packet, 20);
    return packet;
  }
  Bytes from_client(std::uint16_t source_port = 40000) {
    TcpFields tcp;
    tcp.source_port = source_port;
    const auto sent = client.send(tcp_packet({client.own(), server.own()}, tcp, pattern(100)));
    EXPECT_EQ(sent.to_wire.size(), 1U);
    return sent.to_wire.empty() ? Bytes() : sent.to_wire[0].bytes;
  }
  TestHost::Result to_client(std::uint16_t client_port) {
    TcpFields tcp;
    tcp.source_port = 5201;
    tcp.destination_port = client_port;
    return server.send(tcp_packet({server.own(), as_seen.own()}, tcp, pattern(50)));
  }

  TestHost client;
  TestHost as_seen;  // only its address
  TestHost server;
  std::uint16_t mapped_port;
};

TEST(Nat, NAT_03_NAT_07_esp_goes_in_udp_without_a_filter_for_it) {
  Behind nat;
  const Bytes wire = nat.from_client();
  ASSERT_EQ(wire[9], kProtocolUdp);
  EXPECT_EQ(load_u16(&wire[20]), kPort);
  EXPECT_EQ(load_u16(&wire[22]), kPort);
  EXPECT_EQ(load_u16(&wire[24]), wire.size() - 20);
  EXPECT_EQ(load_u16(&wire[26]), 0U);  // RFC 3948 2.1
  EXPECT_NE(load_u32(&wire[28]), 0U);  // not the marker of ISAKMP
  const auto received = nat.server.receive(nat.translated(wire, nat.mapped_port));
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(nat.server.count(Verdict::kInboundOpened), 1U);
  EXPECT_TRUE(events_of<PeerMoved>(received.events).empty());
}

TEST(Nat, NAT_04_checksum_is_right_for_the_addresses_the_nat_made) {
  for (const bool knows_original : {false, true}) {
    Behind nat(23000, knows_original);
    const auto received = nat.server.receive(nat.translated(nat.from_client(), 23000));
    ASSERT_EQ(received.to_host.size(), 1U);
    EXPECT_TRUE(checksums_are_good(received.to_host[0].bytes)) << knows_original;
  }
}

// With the original addresses known, a checksum that was wrong before the NAT stays wrong.
TEST(Nat, NAT_04_incremental_repair_keeps_the_senders_error) {
  Behind nat;
  Bytes bad = tcp_packet({nat.client.own(), nat.server.own()}, {}, pattern(100));
  bad[36] ^= 0x55;
  const auto sent = nat.client.send(bad);
  const auto received = nat.server.receive(nat.translated(sent.to_wire.at(0).bytes, 23000));
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_FALSE(checksums_are_good(received.to_host[0].bytes));
}

TEST(Nat, udp_without_checksum_stays_without) {
  Behind nat;
  Bytes packet = udp_packet({nat.client.own(), nat.server.own()}, 40000, 53, pattern(30));
  store_u16(&packet[26], 0);
  const auto sent = nat.client.send(packet);
  const auto received = nat.server.receive(nat.translated(sent.to_wire.at(0).bytes, 23000));
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(load_u16(&received.to_host[0].bytes[26]), 0U);
}

TEST(Nat, IN_02_isakmp_on_4500_still_reaches_ike_and_keep_alives_do_not) {
  Behind nat;
  Bytes isakmp = udp_packet({nat.as_seen.own(), nat.server.own()}, 23000, kPort, Bytes(60));
  const auto received = nat.server.receive(isakmp);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(nat.server.count(Verdict::kInboundIsakmp), 1U);
  const Bytes keep_alive = udp_packet({nat.as_seen.own(), nat.server.own()}, 23000, kPort, Bytes{0xFF});
  EXPECT_TRUE(nat.server.receive(keep_alive).to_host.empty());
  EXPECT_EQ(nat.server.count(Verdict::kInboundKeepAlive), 1U);
}

TEST(Nat, NAT_08_a_new_port_is_followed_after_authentication_only) {
  Behind nat;
  const Bytes first = nat.translated(nat.from_client(), 23000);
  ASSERT_EQ(nat.server.receive(first).to_host.size(), 1U);

  Bytes forged = nat.translated(nat.from_client(), 666);
  forged.back() ^= 1;
  EXPECT_TRUE(events_of<PeerMoved>(nat.server.receive(forged).events).empty());
  EXPECT_EQ(load_u16(&nat.to_client(40000).to_wire.at(0).bytes[22]), 23000U);

  const auto moved = nat.server.receive(nat.translated(nat.from_client(), 24000));
  ASSERT_EQ(moved.to_host.size(), 1U);
  const auto events = events_of<PeerMoved>(moved.events);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].peer, nat.as_seen.own());
  EXPECT_EQ(events[0].old_port, 23000U);
  EXPECT_EQ(events[0].new_port, 24000U);
  EXPECT_EQ(load_u16(&nat.to_client(40000).to_wire.at(0).bytes[22]), 24000U);

  // A copy from elsewhere of what was seen already moves nothing.
  EXPECT_TRUE(events_of<PeerMoved>(nat.server.receive(nat.translated(first, 25000)).events).empty());
  EXPECT_EQ(load_u16(&nat.to_client(40000).to_wire.at(0).bytes[22]), 24000U);
}

TEST(Nat, peers_behind_one_address_are_told_apart_by_their_spi) {
  Behind nat;
  const Bytes of_first = nat.translated(nat.from_client(40000), 23000);
  nat.add_client(29000, true);  // the client's newest SA: what it sends now is the second client's
  const Bytes of_second = nat.translated(nat.from_client(50000), 29000);
  EXPECT_EQ(nat.server.receive(of_second).to_host.size(), 1U);
  EXPECT_EQ(nat.server.receive(of_first).to_host.size(), 1U);
  EXPECT_EQ(nat.server.control().list_sas(nat.server.now).size(), 4U);
  // Each answer under the SA and to the port of the client that it is for.
  const auto to_first = nat.to_client(40000).to_wire.at(0).bytes;
  const auto to_second = nat.to_client(50000).to_wire.at(0).bytes;
  EXPECT_EQ(load_u16(&to_first[22]), 23000U);
  EXPECT_EQ(load_u32(&to_first[28]), 0x7000'0000U + 23000);
  EXPECT_EQ(load_u16(&to_second[22]), 29000U);
  EXPECT_EQ(load_u32(&to_second[28]), 0x7000'0000U + 29000);
}

TEST(Nat, esp_without_udp_under_an_sa_in_udp_is_refused_and_the_other_way_round) {
  Behind nat;
  const Bytes wire = nat.translated(nat.from_client(), 23000);
  Bytes bare(wire.begin(), wire.begin() + 20);
  bare[9] = kProtocolEsp;
  bare.insert(bare.end(), wire.begin() + 28, wire.end());
  set_ip_length(bare, 20);
  EXPECT_TRUE(nat.server.receive(bare).to_host.empty());
  EXPECT_EQ(nat.server.count(Verdict::kInboundWrongEncapsulation), 1U);
}

TEST(Nat, NAT_03_fragments_of_udp_with_esp_are_joined) {
  Behind nat;
  const Bytes wire = nat.translated(nat.from_client(), 23000);
  Bytes first(wire.begin(), wire.begin() + 20 + 80), second(wire.begin(), wire.begin() + 20);
  second.insert(second.end(), wire.begin() + 100, wire.end());
  store_u16(&first[6], kIpv4MoreFragments);
  store_u16(&second[6], 10);
  set_ip_length(first, 20);
  set_ip_length(second, 20);
  EXPECT_TRUE(nat.server.receive(first).to_host.empty());
  EXPECT_EQ(nat.server.receive(second).to_host.size(), 1U);
}

// The first drafts: on port 500, after eight zero octets.
TEST(Nat, NAT_02_port_500_has_the_non_ike_marker) {
  Behind nat(23000, true, 500);
  const Bytes wire = nat.from_client();
  EXPECT_EQ(load_u16(&wire[22]), 500U);
  EXPECT_EQ(load_u32(&wire[28]) | load_u32(&wire[32]), 0U);
  EXPECT_EQ(nat.server.receive(nat.translated(wire, 23000)).to_host.size(), 1U);
  const Bytes isakmp = udp_packet({nat.as_seen.own(), nat.server.own()}, 23000, 500, pattern(60, 1));
  EXPECT_EQ(nat.server.receive(isakmp).to_host.size(), 1U);
  EXPECT_EQ(nat.server.count(Verdict::kInboundIsakmp), 1U);
}

TEST(Nat, NAT_06_PMT_04_path_mtu_leaves_room_for_udp_and_is_learned_from_quoted_udp) {
  Behind nat;
  std::size_t largest = 0;
  for (std::size_t size = 1400; size <= 1480; ++size) {
    const auto sent = nat.client.send(udp_packet({nat.client.own(), nat.server.own()}, 1, 2, pattern(size - 28)));
    if (sent.to_wire.empty()) break;
    largest = size;
    EXPECT_LE(sent.to_wire[0].bytes.size(), 1500U);
  }
  EXPECT_EQ(largest, 1446U - 8U + 20U);  // the reference's table for transport mode: payload and its own header

  const Bytes wire = nat.from_client();
  ByteWriter icmp;
  icmp.u8(3).u8(4).u16(0).u16(0).u16(1300).bytes(ByteView(wire).first(36));
  nat.client.receive(ip_packet({address("192.168.1.1"), nat.client.own(), kProtocolIcmp}, icmp.take()));
  const auto refused = nat.client.send(udp_packet({nat.client.own(), nat.server.own()}, 1, 2, pattern(1350)));
  EXPECT_TRUE(refused.to_wire.empty());
  EXPECT_EQ(nat.client.count(Verdict::kOutboundTooBig), 1U + (largest < 1480 ? 1U : 0U));
}

TEST(Nat, ipv6_has_a_udp_checksum) {
  TestHost left("fd77::1"), right("fd77::2");
  const FilterPair near = mirrored(kFilter, between("fd77::1", "fd77::2"), Action::kNegotiate);
  left.set_filters({near.outbound, near.inbound});
  right.set_filters({});
  SaRecipe recipe;
  recipe.selector = near.outbound.selector;
  recipe.outbound_filter = kFilter;
  recipe.udp = UdpEncapsulation{kPort, kPort, {}, {}};
  connect(left, right, recipe);
  const auto sent = left.send(udp_packet({left.own(), right.own()}, 1, 2, pattern(99)));
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_NE(load_u16(&sent.to_wire[0].bytes[46]), 0U);
  EXPECT_TRUE(checksums_are_good(sent.to_wire[0].bytes));
  EXPECT_EQ(right.receive(sent.to_wire).to_host.size(), 1U);
}

TEST(Nat, NAT_08_ike_may_say_where_the_peer_is) {
  Behind nat;
  nat.server.receive(nat.translated(nat.from_client(), 23000));
  const std::uint32_t spi = nat.server.control().list_sas(nat.server.now).back().sa.spi;
  EXPECT_TRUE(nat.server.control().move_peer(spi, 24000));
  EXPECT_EQ(load_u16(&nat.to_client(40000).to_wire.at(0).bytes[22]), 24000U);
  for (const SaStatus& status : nat.server.control().list_sas(nat.server.now)) {
    EXPECT_EQ(status.sa.udp->peer_port, 24000U);
  }
  EXPECT_FALSE(nat.server.control().move_peer(spi + 1, 25000));
}

// What IKE sends and gets on port 4500 passes whatever the filters say; the filters for it are shown.
TEST(Nat, EX_14_NAT_10_isakmp_that_has_moved_to_4500_makes_its_permit_filters) {
  TestHost client("192.168.1.5");
  const FilterPair all = mirrored(kFilter, between("192.168.1.5", "0.0.0.0/0"), Action::kBlock);
  client.set_filters({all.outbound, all.inbound});
  const IpAddress server = address("198.51.100.7");
  const Bytes before = udp_packet({server, client.own()}, kPort, kPort, Bytes(60));
  EXPECT_EQ(client.receive(before).to_host.size(), 1U);
  EXPECT_TRUE(client.control().nat_filters().empty()) << "what others send makes none";

  EXPECT_EQ(client.send(udp_packet({client.own(), server}, kPort, kPort, Bytes(60))).to_wire.size(), 1U);
  const std::vector<Filter> filters = client.control().nat_filters();
  ASSERT_EQ(filters.size(), 2U);
  EXPECT_EQ(filters[0].action, Action::kPermit);
  EXPECT_EQ(filters[0].direction, Direction::kOutbound);
  EXPECT_EQ(filters[0].selector.to_string(), "192.168.1.5 port 4500 -> 198.51.100.7 port 4500 UDP");
  EXPECT_EQ(filters[1].selector, filters[0].selector.mirrored());
  EXPECT_EQ(filters[1].mirror_id, filters[0].id);

  const Bytes keep_alive = udp_packet({client.own(), server}, kPort, kPort, Bytes{0xFF});
  EXPECT_EQ(client.send(keep_alive).to_wire.size(), 1U);
  EXPECT_EQ(client.count(Verdict::kOutboundKeepAlive), 1U);
  client.receive(udp_packet({server, client.own()}, kPort, kPort, Bytes(60)));
  client.receive(udp_packet({server, client.own()}, kPort, kPort, Bytes{0xFF}));
  EXPECT_EQ(client.count(Verdict::kInboundKeepAlive), 1U) << "also without an SA in UDP";
  const Statistics statistics = client.control().statistics();
  ASSERT_EQ(statistics.filters.size(), 4U);
  EXPECT_EQ(statistics.filters[2].packets, 2U);
  EXPECT_EQ(statistics.filters[3].packets, 2U);

  // Anything else on that port is for the filters of the policy.
  EXPECT_TRUE(client.send(udp_packet({client.own(), server}, kPort, kPort, pattern(60, 1))).to_wire.empty());
  EXPECT_TRUE(client.send(udp_packet({client.own(), server}, kPort, kPort, Bytes{0xFE})).to_wire.empty());
  EXPECT_TRUE(client.receive(udp_packet({server, client.own()}, kPort, kPort, pattern(60, 1))).to_host.empty());

  client.now = client.now + limits::kNatFilterLifetime;
  client.control().tick(client.now);
  EXPECT_TRUE(client.control().nat_filters().empty());
}

TEST(Nat, EX_14_filters_for_4500_are_bounded) {
  TestHost server("198.51.100.7");
  server.set_filters({});
  for (std::size_t i = 0; i < limits::kMaxNatFilters + 10; ++i) {
    const auto port = static_cast<std::uint16_t>(1000 + i);
    server.send(udp_packet({server.own(), address("203.0.113.1")}, kPort, port, Bytes(60)));
  }
  EXPECT_EQ(server.control().nat_filters().size(), 2 * limits::kMaxNatFilters);
}

// Echoes have no ports; their identifier tells whose they are.
TEST(Nat, answers_to_pings_of_two_clients_go_to_whoever_asked) {
  Behind nat;
  const auto ping = [&](std::uint8_t type, const IpAddress& from, const IpAddress& to, std::uint16_t id) {
    ByteWriter icmp;
    icmp.u8(type).u8(0).u16(0).u16(id).u16(1);
    return ip_packet({from, to, kProtocolIcmp}, icmp.take());
  };
  const auto asked = [&](std::uint16_t id, std::uint16_t port) {
    const auto sent = nat.client.send(ping(8, nat.client.own(), nat.server.own(), id));
    return nat.translated(sent.to_wire.at(0).bytes, port);
  };
  const Bytes of_first = asked(11, 23000);
  nat.add_client(29000, true);
  const Bytes of_second = asked(22, 29000);
  nat.server.receive(of_first);
  nat.server.receive(of_second);
  const auto port_of_answer = [&](std::uint16_t id) {
    const auto sent = nat.server.send(ping(0, nat.server.own(), nat.as_seen.own(), id));
    return load_u16(&sent.to_wire.at(0).bytes[22]);
  };
  EXPECT_EQ(port_of_answer(11), 23000U);
  EXPECT_EQ(port_of_answer(22), 29000U);
}

}  // namespace
}  // namespace ipsec::driver::tests

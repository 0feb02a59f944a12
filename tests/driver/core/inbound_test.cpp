// The documented steps IN-01 to IN-25 and what the header formats demand of a receiver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/arena.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

class Inbound : public testing::Test {
 protected:
  void rule(Action action, bool passthrough = false) {
    FilterPair pair = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), action);
    pair.inbound.inbound_passthrough = passthrough;
    host.set_filters({pair.outbound, pair.inbound});
  }
  // An SA from the peer to the host.
  void secure(SaRecipe recipe = {}) {
    const FilterPair pair = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
    peer.set_filters({pair.outbound, pair.inbound});
    recipe.selector = recipe.encapsulation == Encapsulation::kTransport ? between("10.77.0.2", "10.77.0.1")
                                                                        : between("192.168.2.0/24", "192.168.1.0/24");
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    spi = connect(peer, host, recipe);
  }
  IpFields from_peer() const { return {peer.own(), host.own()}; }
  Bytes ping(std::size_t size = 56) const { return icmp_echo(from_peer(), size); }
  Bytes secured_ping() { return peer.send(ping()).to_wire.at(0).bytes; }

  void expect_passed(const Bytes& packet, Verdict verdict, const OffloadInfo& offload = {}) {
    const std::uint64_t before = host.count(verdict);
    const auto result = host.receive(packet, offload);
    ASSERT_EQ(result.to_host.size(), 1U) << info(verdict).name;
    EXPECT_EQ(result.to_host[0], (Stored{packet, offload}));
    EXPECT_EQ(host.count(verdict), before + 1) << info(verdict).name;
  }
  std::vector<AuditEvent> expect_dropped(const Bytes& packet, Verdict verdict) {
    const std::uint64_t before = host.count(verdict);
    const auto result = host.receive(packet);
    EXPECT_THAT(result.to_host, testing::IsEmpty()) << info(verdict).name;
    EXPECT_EQ(host.count(verdict), before + 1) << info(verdict).name;
    return events_of<AuditEvent>(result.events);
  }

  TestHost host{"10.77.0.1"};
  TestHost peer{"10.77.0.2"};
  std::uint32_t spi = 0;
};

TEST_F(Inbound, DRV_01_without_an_active_policy_everything_passes) {
  expect_passed(ping(), Verdict::kInboundNoFilter);
  expect_passed(Bytes{9, 9}, Verdict::kInboundNoFilter);
}

TEST_F(Inbound, IN_01_a_packet_that_is_none_is_dropped) {
  rule(Action::kPermit);
  expect_dropped(Bytes{0x65, 1}, Verdict::kInboundMalformed);
}

TEST_F(Inbound, IN_02_isakmp_passes_under_block_all) {
  rule(Action::kBlock);
  expect_passed(udp_packet(from_peer(), 500, 500, pattern(28)), Verdict::kInboundIsakmp);
  expect_passed(udp_packet(from_peer(), 1029, 4500, Bytes{0, 0, 0, 0, 1}), Verdict::kInboundIsakmp);
  expect_dropped(udp_packet(from_peer(), 500, 501, pattern(28)), Verdict::kInboundBlocked);
}

TEST_F(Inbound, IN_06_IN_07_no_filter_passes) {
  const FilterPair other = mirrored(kFilter, between("10.77.0.1", "10.99.0.0/16"), Action::kBlock);
  host.set_filters({other.outbound, other.inbound});
  expect_passed(ping(), Verdict::kInboundNoFilter);
  const SuperPacket super = tcp_super_packet(from_peer(), {}, pattern(9000), 1448);
  expect_passed(super.bytes, Verdict::kInboundNoFilter, super.offload);
}

TEST_F(Inbound, IN_09_IN_10_DRV_10_permit_filter_passes_unmodified) {
  rule(Action::kPermit);
  expect_passed(ping(), Verdict::kInboundPermitted);
}

TEST_F(Inbound, DRV_09_inbound_pass_through_accepts_clear_packets) {
  rule(Action::kNegotiate, true);
  expect_passed(tcp_packet(from_peer(), {}, {}), Verdict::kInboundPassthrough);
}

TEST_F(Inbound, IN_11_DRV_08_DRV_11_not_permitted_is_discarded) {
  rule(Action::kNegotiate);
  const auto events = expect_dropped(ping(), Verdict::kInboundClearRefused);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].filter_id, kFilter + 1);
  EXPECT_EQ(events[0].packet.source, peer.own());
  rule(Action::kBlock);
  expect_dropped(ping(), Verdict::kInboundBlocked);
}

TEST_F(Inbound, IN_14_clear_beside_a_live_sa_is_discarded) {
  rule(Action::kNegotiate);
  secure();
  host.receive(secured_ping());
  EXPECT_EQ(host.count(Verdict::kInboundOpened), 1U);
  expect_dropped(ping(), Verdict::kInboundClearRefused);
}

TEST_F(Inbound, IN_16_IN_17_DRV_07_unknown_spi) {
  rule(Action::kNegotiate);
  secure();
  Bytes packet = secured_ping();
  store_u32(&packet[20], spi + 1);
  const auto events = expect_dropped(packet, Verdict::kInboundBadSpi);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].spi, spi + 1);
  EXPECT_EQ(events[0].sequence, 1U);
  EXPECT_EQ(host.control().statistics().bad_spi_packets, 1U);
}

TEST_F(Inbound, IN_17_ah_has_no_sas) {
  rule(Action::kPermit);
  IpFields ip = from_peer();
  ip.protocol = kProtocolAh;
  expect_dropped(ip_packet(ip, pattern(24)), Verdict::kInboundBadSpi);
}

TEST_F(Inbound, IN_18_use_updates_the_idle_time) {
  rule(Action::kNegotiate);
  secure();
  host.now = host.now + std::chrono::seconds(50);
  host.receive(secured_ping());
  EXPECT_EQ(host.control().list_sas(host.now).at(0).idle, Duration{});
  EXPECT_EQ(host.control().list_sas(host.now).at(0).age, std::chrono::seconds(50));
}

// Every bit of an ESP packet is covered, and a forged packet does not disturb the good one.
TEST_F(Inbound, IN_20_IN_21_flipped_bits_are_not_authentic) {
  rule(Action::kNegotiate);
  for (const Cipher cipher : {Cipher::kAes128Gcm, Cipher::kAes128Cbc}) {
    SaRecipe recipe;
    recipe.cipher = cipher;
    recipe.integrity = cipher == Cipher::kAes128Gcm ? Integrity::kNone : Integrity::kSha1;
    secure(recipe);
    const Bytes good = secured_ping();
    for (std::size_t at = 24; at < good.size(); ++at) {  // after the SPI
      Bytes forged = good;
      forged[at] ^= 0x10;
      expect_dropped(forged, Verdict::kInboundNotAuthentic);
    }
    EXPECT_EQ(host.receive(good).to_host.size(), 1U);
    EXPECT_TRUE(peer.control().delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, host.own()));
  }
  EXPECT_GT(host.control().statistics().packets_not_authenticated, 100U);
}

TEST_F(Inbound, IN_20_cut_off_packets_are_refused) {
  rule(Action::kNegotiate);
  secure();
  const Bytes good = secured_ping();
  for (std::size_t size = 20; size < good.size(); ++size) {
    Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    set_ip_length(cut, 20);
    EXPECT_THAT(host.receive(cut).to_host, testing::IsEmpty()) << size;
  }
  EXPECT_EQ(host.count(Verdict::kInboundNotDecrypted) + host.count(Verdict::kInboundNotAuthentic), good.size() - 20);
}

TEST_F(Inbound, IN_22_IN_24_application_sees_the_original) {
  rule(Action::kNegotiate);
  secure();
  const auto result = host.receive(secured_ping());
  ASSERT_EQ(result.to_host.size(), 1U);
  EXPECT_EQ(result.to_host[0].bytes, ping());
  const Statistics statistics = host.control().statistics();
  EXPECT_EQ(statistics.confidential_bytes_received, ping().size());
  EXPECT_EQ(statistics.authenticated_bytes_received, ping().size());
  EXPECT_EQ(statistics.transport_bytes_received, ping().size());
  EXPECT_EQ(statistics.tunnel_bytes_received, 0U);
  EXPECT_EQ(peer.control().statistics().transport_bytes_sent, ping().size());
}

TEST_F(Inbound, IN_23_tunnel_sa_delivers_the_inner_packet) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  FilterPair pair = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
  secure(recipe);
  pair.outbound.tunnel_destination = host.own();
  peer.set_filters({pair.outbound});
  const Bytes inner = icmp_echo({address("192.168.2.6"), address("192.168.1.5")}, 30);
  const auto result = host.receive(peer.send(inner).to_wire);
  ASSERT_EQ(result.to_host.size(), 1U);
  EXPECT_EQ(result.to_host[0].bytes, inner);
  EXPECT_EQ(host.control().statistics().tunnel_bytes_received, inner.size());
}

// The peer may be honest about the key and lie about the traffic.
TEST_F(Inbound, inner_packet_that_is_not_traffic_of_the_sa_is_dropped) {
  rule(Action::kNegotiate);
  const FilterPair pair = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
  peer.set_filters({pair.outbound, pair.inbound});
  SaRecipe agreed;
  agreed.selector = between("10.77.0.2", "10.77.0.1", kProtocolTcp);
  agreed.outbound_filter = kFilter;
  SaRecipe claimed = agreed;
  claimed.selector = between("10.77.0.2", "10.77.0.1");
  const auto reserved = host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), peer.own(), host.now);
  ASSERT_TRUE(
      host.control().install_sa(parameters_of(peer, host, agreed, *reserved, Direction::kInbound), host.now).ok());
  ASSERT_TRUE(
      peer.control().install_sa(parameters_of(peer, host, claimed, *reserved, Direction::kOutbound), peer.now).ok());
  const auto events = expect_dropped(secured_ping(), Verdict::kInboundSelectorMismatch);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].packet.protocol, kProtocolIcmp);
  EXPECT_EQ(events[0].spi, *reserved);
  EXPECT_EQ(host.receive(peer.send(tcp_packet(from_peer(), {}, pattern(3))).to_wire).to_host.size(), 1U);
}

TEST_F(Inbound, IN_25_EX_10_multicast_and_broadcast_pass_whatever_demands_security) {
  rule(Action::kNegotiate);
  host.control().set_link({1500, {address("10.77.0.255")}});
  for (const char* group : {"224.0.0.1", "239.255.255.255", "255.255.255.255", "10.77.0.255"}) {
    expect_passed(udp_packet({peer.own(), address(group)}, 1, 2, pattern(9)), Verdict::kInboundMulticast);
  }
}

TEST_F(Inbound, EX_12_ipv6_is_not_filtered_in_the_compatible_profile) {
  const FilterPair pair = mirrored(kFilter, between("::/0", "::/0"), Action::kBlock);
  host.set_filters({pair.inbound}, Profile::kWindows2003);
  const Bytes packet = icmp_echo({address("fd77::2"), address("fd77::1")}, 10);
  expect_passed(packet, Verdict::kInboundIpv6Exempt);
  host.set_filters({pair.inbound});
  expect_dropped(packet, Verdict::kInboundBlocked);
}

TEST_F(Inbound, neighbour_discovery_passes) {
  const FilterPair pair = mirrored(kFilter, between("::/0", "::/0"), Action::kBlock);
  host.set_filters({pair.inbound});
  expect_passed(ip_packet({address("fd77::2"), address("fd77::1"), kProtocolIcmpv6}, Bytes{136, 0, 0, 0}),
                Verdict::kInboundNeighbourDiscovery);
}

TEST_F(Inbound, HDR_06_replayed_packet_is_dropped) {
  rule(Action::kNegotiate);
  secure();
  const Bytes packet = secured_ping();
  EXPECT_EQ(host.receive(packet).to_host.size(), 1U);
  const auto events = expect_dropped(packet, Verdict::kInboundReplayed);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].sequence, 1U);
  for (int i = 0; i < 64; ++i) host.receive(secured_ping());
  expect_dropped(packet, Verdict::kInboundTooOld);
  EXPECT_EQ(host.control().statistics().packets_replayed, 2U);
}

TEST_F(Inbound, HDR_06_copies_within_one_batch_are_delivered_once) {
  rule(Action::kNegotiate);
  secure();
  const Stored packet{secured_ping(), {}};
  EXPECT_EQ(host.receive({packet, packet, packet}).to_host.size(), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundReplayed), 2U);
}

// A forged packet far ahead must not move the window.
TEST_F(Inbound, HDR_06_forged_sequence_number_does_not_move_the_window) {
  rule(Action::kNegotiate);
  secure();
  const Bytes good = secured_ping();
  Bytes forged = good;
  store_u32(&forged[24], 1'000'000);
  expect_dropped(forged, Verdict::kInboundNotAuthentic);
  EXPECT_EQ(host.receive(good).to_host.size(), 1U);
}

TEST_F(Inbound, HDR_10_esp_does_not_cover_the_ip_header) {
  rule(Action::kNegotiate);
  secure();
  Bytes packet = secured_ping();
  packet[8] = 13;  // a router has been here
  set_ip_length(packet, 20);
  const auto result = host.receive(packet);
  ASSERT_EQ(result.to_host.size(), 1U);
  EXPECT_EQ(result.to_host[0].bytes[8], 13);
}

TEST_F(Inbound, outer_header_with_a_bad_checksum_is_dropped) {
  rule(Action::kNegotiate);
  secure();
  Bytes packet = secured_ping();
  packet[8] ^= 1;
  expect_dropped(packet, Verdict::kInboundMalformed);
}

TEST_F(Inbound, esp_for_another_host_is_clear_traffic) {
  rule(Action::kPermit);
  IpFields ip{peer.own(), address("10.77.0.3"), kProtocolEsp};
  expect_passed(ip_packet(ip, pattern(40)), Verdict::kInboundPermitted);
}

TEST_F(Inbound, esp_in_fragments_is_joined_first) {
  rule(Action::kNegotiate);
  secure();
  Bytes esp = peer.send(ping(1400)).to_wire.at(0).bytes;
  store_u16(&esp[6], 0);
  set_ip_length(esp, 20);
  Arena arena;
  std::vector<MutableByteView> pieces;
  ASSERT_TRUE(fragment(*parse_ip(esp), 576, 0, arena, pieces));
  ASSERT_EQ(pieces.size(), 3U);
  std::vector<Stored> stored;
  for (const MutableByteView& piece : pieces) stored.insert(stored.begin(), {Bytes(piece.begin(), piece.end()), {}});
  const auto result = host.receive(stored);
  ASSERT_EQ(result.to_host.size(), 1U);
  EXPECT_EQ(Bytes(result.to_host[0].bytes.begin() + 20, result.to_host[0].bytes.end()), [&] {
    const Bytes whole = ping(1400);
    return Bytes(whole.begin() + 20, whole.end());
  }());
  EXPECT_EQ(host.count(Verdict::kInboundFragmentTaken), 2U);
}

// Next header 59 is traffic made up to hide when there is none; a wrong padding is made by no sender.
TEST_F(Inbound, dummy_packets_and_wrong_padding) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.cipher = Cipher::kNull;
  recipe.integrity = Integrity::kSha1;
  secure(recipe);
  const auto keys =
      make_esp_keys(Cipher::kNull, Integrity::kSha1, {}, key_of_size(20, static_cast<std::uint8_t>(spi + 99)));
  ASSERT_TRUE(keys.ok());
  SeededRandom random(1);
  EspEngine engine(40, random);
  const auto esp_with = [&](std::uint32_t sequence, Bytes clear) {
    ByteWriter out;
    out.u32(spi).u32(sequence).bytes(clear).zeros(12);
    Bytes esp = out.take();
    EspJob job{keys->get(), esp};
    engine.seal({&job, 1});
    IpFields ip = from_peer();
    ip.protocol = kProtocolEsp;
    return ip_packet(ip, esp);
  };
  EXPECT_THAT(expect_dropped(esp_with(1, {1, 2, 2, kProtocolNone}), Verdict::kInboundDummy), testing::IsEmpty());
  expect_dropped(esp_with(2, {1, 1, 2, kProtocolIcmp}), Verdict::kInboundNotDecrypted);
  expect_dropped(esp_with(3, {1, 2, 200, kProtocolIcmp}), Verdict::kInboundNotDecrypted);
  EXPECT_EQ(host.receive(esp_with(4, {1, 2, 2, kProtocolIcmp})).to_host.size(), 1U);  // nothing after the header: sound
}

TEST_F(Inbound, tunnel_payload_of_the_wrong_version_is_dropped_and_padding_behind_it_ignored) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.cipher = Cipher::kNull;
  recipe.integrity = Integrity::kSha1;
  recipe.encapsulation = Encapsulation::kTunnel;
  secure(recipe);
  const auto keys =
      make_esp_keys(Cipher::kNull, Integrity::kSha1, {}, key_of_size(20, static_cast<std::uint8_t>(spi + 99)));
  SeededRandom random(1);
  EspEngine engine(40, random);
  const Bytes inner = icmp_echo({address("192.168.2.6"), address("192.168.1.5")}, 32);
  const auto esp_with = [&](std::uint32_t sequence, std::size_t hidden, std::uint8_t next_header) {
    ByteWriter out;
    out.u32(spi).u32(sequence).bytes(inner).zeros(hidden).u8(1).u8(2).u8(2).u8(next_header).zeros(12);
    Bytes esp = out.take();
    EspJob job{keys->get(), esp};
    engine.seal({&job, 1});
    IpFields ip = from_peer();
    ip.protocol = kProtocolEsp;
    return ip_packet(ip, esp);
  };
  expect_dropped(esp_with(1, 0, kProtocolIpv6), Verdict::kInboundInnerMalformed);
  expect_dropped(esp_with(2, 0, kProtocolTcp), Verdict::kInboundInnerMalformed);
  const auto result = host.receive(esp_with(3, 100, kProtocolIpv4));
  ASSERT_EQ(result.to_host.size(), 1U);
  EXPECT_EQ(result.to_host[0].bytes, inner);
}

TEST_F(Inbound, transport_inside_tunnel_is_opened_twice_and_not_for_ever) {
  rule(Action::kNegotiate);
  FilterPair all = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
  all.outbound.tunnel_destination = host.own();
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = between("10.77.0.2", "10.77.0.1");
  recipe.outbound_filter = kFilter;
  recipe.inbound_filter = kFilter + 1;
  peer.set_filters({all.outbound});
  connect(peer, host, recipe);
  Bytes packet = ping(10);
  for (unsigned depth = 1; depth <= limits::kMaxNesting + 1; ++depth) {
    packet = peer.send(packet).to_wire.at(0).bytes;
    const auto result = host.receive(packet);
    EXPECT_EQ(result.to_host.size(), depth <= limits::kMaxNesting ? 1U : 0U) << depth;
    // The layers of this round are used up: begin anew with one more.
    packet = ping(10);
    for (unsigned i = 0; i < depth; ++i) packet = peer.send(packet).to_wire.at(0).bytes;
  }
  EXPECT_EQ(host.count(Verdict::kInboundNestedTooDeep), 1U);
}

TEST_F(Inbound, random_octets_never_disturb) {
  rule(Action::kNegotiate);
  secure();
  SeededRandom random(50);
  const Bytes good = secured_ping();
  for (int i = 0; i < 20000; ++i) {
    Bytes packet = random.chance(0.5) ? good : random.bytes(random.below(200));
    for (int flips = 0; flips < 4 && !packet.empty(); ++flips)
      packet[random.below(packet.size())] = static_cast<std::uint8_t>(random.next());
    host.receive(packet);
  }
  EXPECT_EQ(host.receive(good).to_host.size(), 1U);
}

}  // namespace
}  // namespace ipsec::driver::tests

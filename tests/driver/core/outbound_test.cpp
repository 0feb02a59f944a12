// The documented steps OUT-01 to OUT-19, exemptions, packet sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/checksum.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/reassembly.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// The packet as a stack with this MTU would send it.
std::vector<Stored> cut(Bytes packet, std::uint32_t id = 99, std::size_t mtu = 1500) {
  Arena arena;
  std::vector<MutableByteView> pieces;
  EXPECT_TRUE(fragment(*parse_ip(packet), mtu, id, arena, pieces));
  std::vector<Stored> stored;
  for (const MutableByteView& piece : pieces) stored.push_back({Bytes(piece.begin(), piece.end()), {}});
  return stored;
}

class Outbound : public testing::Test {
 protected:
  void rule(Action action, std::string_view destination = "0.0.0.0/0") {
    const FilterPair pair = mirrored(kFilter, between("0.0.0.0/0", destination), action);
    host.set_filters({pair.outbound, pair.inbound});
  }
  void secure(SaRecipe recipe = {}) {
    const FilterPair far = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
    peer.set_filters({far.outbound, far.inbound});
    recipe.selector = between("10.77.0.1", "10.77.0.2");
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    spi = connect(host, peer, recipe);
  }
  IpFields to(std::string_view destination) const { return {host.own(), address(destination)}; }
  Bytes ping() const { return icmp_echo(to("10.77.0.2"), 56); }

  // The packet passed exactly as it was, under this verdict.
  void expect_passed(const Bytes& packet, Verdict verdict, const OffloadInfo& offload = {}) {
    const std::uint64_t before = host.count(verdict);
    const auto result = host.send(packet, offload);
    ASSERT_EQ(result.to_wire.size(), 1U) << info(verdict).name;
    EXPECT_EQ(result.to_wire[0], (Stored{packet, offload}));
    EXPECT_EQ(host.count(verdict), before + 1) << info(verdict).name;
  }
  void expect_dropped(const Bytes& packet, Verdict verdict) {
    const std::uint64_t before = host.count(verdict);
    EXPECT_THAT(host.send(packet).to_wire, testing::IsEmpty()) << info(verdict).name;
    EXPECT_EQ(host.count(verdict), before + 1) << info(verdict).name;
  }

  TestHost host{"10.77.0.1"};
  TestHost peer{"10.77.0.2"};
  std::uint32_t spi = 0;
};

TEST_F(Outbound, DRV_01_without_an_active_policy_everything_passes) {
  expect_passed(ping(), Verdict::kOutboundNoFilter);
  expect_passed(Bytes{1, 2, 3}, Verdict::kOutboundNoFilter);
}

TEST_F(Outbound, OUT_01_a_packet_that_is_none_is_dropped) {
  rule(Action::kPermit);
  expect_dropped(Bytes{0x45, 0, 0}, Verdict::kOutboundMalformed);
  OffloadInfo beyond{true, 20, 60000};
  secure();
  rule(Action::kNegotiate);
  EXPECT_THAT(host.send(ping(), beyond).to_wire, testing::IsEmpty());
  EXPECT_EQ(host.count(Verdict::kOutboundMalformed), 2U);
}

TEST_F(Outbound, OUT_02_isakmp_passes_under_block_all) {
  rule(Action::kBlock);
  expect_passed(udp_packet(to("10.77.0.2"), 500, 500, pattern(28)), Verdict::kOutboundIsakmp);
  expect_passed(udp_packet(to("10.77.0.2"), 4500, 4500, Bytes{0, 0, 0, 0, 1}), Verdict::kOutboundIsakmp);
  expect_dropped(udp_packet(to("10.77.0.2"), 4501, 4500, Bytes{0, 0, 0, 0, 1}), Verdict::kOutboundBlocked);
}

TEST_F(Outbound, OUT_02_fragmented_isakmp_passes_as_it_was_cut) {
  rule(Action::kBlock);
  IpFields ip = to("10.77.0.2");
  ip.dont_fragment = false;
  const Bytes packet = udp_packet(ip, 500, 500, pattern(4000));
  const std::vector<Stored> stored = cut(packet);
  EXPECT_EQ(host.send(stored).to_wire, stored);
  EXPECT_EQ(host.count(Verdict::kOutboundIsakmp), 1U);
  EXPECT_EQ(host.count(Verdict::kOutboundFragmentTaken), 2U);
}

TEST_F(Outbound, OUT_03_DRV_21_no_filter_passes_unmodified) {
  rule(Action::kBlock, "10.99.0.0/16");
  expect_passed(ping(), Verdict::kOutboundNoFilter);
  const SuperPacket super = tcp_super_packet(to("10.77.0.2"), {}, pattern(9000), 1448);
  expect_passed(super.bytes, Verdict::kOutboundNoFilter, super.offload);
}

TEST_F(Outbound, OUT_05_DRV_03_no_sa_asks_ike) {
  rule(Action::kNegotiate);
  const auto result = host.send(udp_packet(to("10.77.0.2"), 1234, 53, pattern(9)));
  EXPECT_THAT(result.to_wire, testing::IsEmpty());
  const auto acquires = events_of<Acquire>(result.events);
  ASSERT_EQ(acquires.size(), 1U);
  EXPECT_EQ(acquires[0].filter_id, kFilter);
  EXPECT_EQ(acquires[0].packet.to_string(), "10.77.0.1:1234 -> 10.77.0.2:53 UDP");
  EXPECT_EQ(acquires[0].local, host.own());
  EXPECT_EQ(acquires[0].peer, address("10.77.0.2"));
}

TEST_F(Outbound, OUT_05_a_tunnel_filter_asks_for_its_endpoint) {
  FilterPair pair = mirrored(kFilter, between("192.168.1.0/24", "192.168.2.0/24"), Action::kNegotiate);
  pair.outbound.tunnel_source = host.own();
  pair.outbound.tunnel_destination = address("10.77.0.9");
  host.set_filters({pair.outbound});
  const auto result = host.send(icmp_echo({address("192.168.1.1"), address("192.168.2.1")}, 10));
  const auto acquires = events_of<Acquire>(result.events);
  ASSERT_EQ(acquires.size(), 1U);
  EXPECT_EQ(acquires[0].local, host.own());
  EXPECT_EQ(acquires[0].peer, address("10.77.0.9"));
}

TEST_F(Outbound, OUT_06_DRV_23_released_packets_are_secured_in_order) {
  rule(Action::kNegotiate);
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < 5; ++i) packets.push_back(icmp_echo(to("10.77.0.2"), 10 + i));
  for (const Bytes& packet : packets) host.send(packet);
  EXPECT_FALSE(host.control().has_released_packets());
  EXPECT_EQ(host.control().statistics().held_packets, 5U);
  host.now = host.now + std::chrono::milliseconds(40);
  secure();
  EXPECT_TRUE(host.control().has_released_packets());
  const auto received = peer.receive(host.send_released().to_wire);
  ASSERT_EQ(received.to_host.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(received.to_host[i].bytes, packets[i]);
  EXPECT_EQ(host.control().statistics().held_packets, 0U);
  EXPECT_EQ(host.control().statistics().longest_hold, std::chrono::milliseconds(40));
}

TEST_F(Outbound, OUT_07_failed_negotiation_drops_and_backs_off) {
  rule(Action::kNegotiate);
  const auto acquire = events_of<Acquire>(host.send(ping()).events).at(0);
  EXPECT_TRUE(host.control().acquire_failed(acquire.acquire_id, host.now));
  EXPECT_FALSE(host.control().acquire_failed(acquire.acquire_id, host.now));
  EXPECT_EQ(host.count(Verdict::kOutboundNegotiationFailed), 1U);
  expect_dropped(ping(), Verdict::kOutboundBackOff);
  host.now = host.now + limits::kAcquireBackOff;
  const auto again = events_of<Acquire>(host.send(ping()).events);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_NE(again[0].acquire_id, acquire.acquire_id);
}

TEST_F(Outbound, OUT_08_permit_passes_and_block_drops) {
  rule(Action::kPermit);
  expect_passed(ping(), Verdict::kOutboundPermitted);
  rule(Action::kBlock);
  expect_dropped(ping(), Verdict::kOutboundBlocked);
}

TEST_F(Outbound, OUT_09_use_of_an_sa_resets_its_idle_time) {
  rule(Action::kNegotiate);
  secure();
  host.now = host.now + std::chrono::seconds(100);
  EXPECT_EQ(host.control().list_sas(host.now).at(0).idle, std::chrono::seconds(100));
  host.send(ping());
  const SaStatus status = host.control().list_sas(host.now).at(0);
  EXPECT_EQ(status.idle, Duration{});
  EXPECT_EQ(status.packets, 1U);
  EXPECT_EQ(status.bytes, ping().size());
}

TEST_F(Outbound, OUT_10_OUT_11_DRV_06_kilobytes_ask_for_a_rekey_once_and_then_packets_wait_for_it) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.lifetime_kilobytes = 100;
  recipe.initiator = true;
  secure(recipe);
  std::size_t sent = 0, asked_at = 0, asked = 0;
  std::vector<Acquire> acquires;
  const Bytes packet = udp_packet(to("10.77.0.2"), 1, 2, pattern(972));  // 1000 octets
  while (acquires.empty() && sent < 200) {
    const auto result = host.send(packet);
    ++sent;
    acquires = events_of<Acquire>(result.events);
    for (const RekeyNeeded& rekey : events_of<RekeyNeeded>(result.events)) {
      EXPECT_EQ(rekey.spi, spi);
      EXPECT_EQ(rekey.peer, peer.own());
      EXPECT_EQ(rekey.filter_id, kFilter);
      EXPECT_EQ(rekey.reason, RekeyReason::kKilobytes);
      asked_at = sent;
      ++asked;
    }
  }
  EXPECT_EQ(asked, 1U);
  EXPECT_THAT(events_of<RekeyNeeded>(host.control().tick(host.now)),
              testing::IsEmpty());  // asked already, now it is over
  EXPECT_GE(asked_at, 76U);         // 75 to 80 % of 102400 octets
  EXPECT_LE(asked_at, 83U);
  EXPECT_EQ(host.count(Verdict::kOutboundSecured), 103U);
  EXPECT_EQ(host.control().statistics().held_packets, 1U);

  // The running rekey serves what waits.
  const std::uint32_t old = spi;
  recipe.replaces = old;
  secure(recipe);
  const auto released = host.send_released();
  ASSERT_EQ(released.to_wire.size(), 1U);
  EXPECT_EQ(load_u32(&released.to_wire[0].bytes[20]), spi);
  EXPECT_NE(spi, old);
  EXPECT_EQ(host.count(Verdict::kOutboundSecured), 104U);
}

TEST_F(Outbound, OUT_11_what_waits_for_the_successor_of_a_used_up_sa_is_bounded) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.lifetime_kilobytes = 1;
  secure(recipe);
  host.send(udp_packet(to("10.77.0.2"), 1, 2, pattern(1100)));
  std::size_t acquires = 0;
  for (std::size_t i = 0; i < limits::kMaxHeldPerPeer + 5; ++i)
    acquires += events_of<Acquire>(host.send(ping()).events).size();
  EXPECT_EQ(acquires, 1U);
  EXPECT_EQ(host.control().statistics().held_packets, limits::kMaxHeldPerPeer);
  EXPECT_EQ(host.count(Verdict::kOutboundHeldFull), 5U);
}

TEST_F(Outbound, OUT_11_a_packet_cut_for_a_tunnel_that_is_used_up_halfway_waits_whole) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.lifetime_kilobytes = 1;
  secure(recipe);
  IpFields ip = to("10.77.0.2");
  ip.dont_fragment = false;
  const auto cut = host.send(udp_packet(ip, 1, 2, pattern(4000)));
  EXPECT_EQ(host.control().statistics().held_packets, 1U);
  EXPECT_EQ(events_of<Acquire>(cut.events).size(), 1U);
  recipe.lifetime_kilobytes = 0;
  secure(recipe);
  EXPECT_EQ(host.send_released().to_wire.size(), 3U);
}

TEST_F(Outbound, OUT_11_DRV_15_an_sa_beyond_its_kilobytes_is_taken_away) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.lifetime_kilobytes = 1;
  secure(recipe);
  host.send(udp_packet(to("10.77.0.2"), 1, 2, pattern(1100)));
  EXPECT_THAT(host.send(ping()).to_wire, testing::IsEmpty());
  const auto ended = events_of<SaEnded>(host.control().tick(host.now));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0], (SaEnded{spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own(), SaEndReason::kLifetime}));
  // The acquire of the first one is out; more packets join it.
  EXPECT_THAT(events_of<Acquire>(host.send(ping()).events), testing::IsEmpty());
  EXPECT_EQ(host.control().statistics().held_packets, 2U);
}

// The largest packet that fits, and one octet more.
TEST_F(Outbound, OUT_12_OUT_13_PMT_02_too_big_with_df_is_answered_with_the_right_size) {
  rule(Action::kNegotiate);
  secure();
  const Bytes fits = icmp_echo(to("10.77.0.2"), 1446 - 8);  // AES-GCM: 1446 octets after the IP header
  EXPECT_EQ(host.send(fits).to_wire.size(), 1U);
  const Bytes too_big = icmp_echo(to("10.77.0.2"), 1446 - 7);
  const auto result = host.send(too_big);
  EXPECT_THAT(result.to_wire, testing::IsEmpty());
  EXPECT_EQ(host.count(Verdict::kOutboundTooBig), 1U);
  ASSERT_EQ(result.to_host.size(), 1U);
  const Bytes& answer = result.to_host[0].bytes;
  EXPECT_TRUE(checksums_are_good(answer));
  EXPECT_LE(answer.size(), 576U);
  EXPECT_EQ(to_hex(ByteView(answer).subspan(12, 8)), "0a4d00020a4d0001");  // as if from the far end
  EXPECT_EQ(answer[20], 3);
  EXPECT_EQ(answer[21], 4);
  EXPECT_EQ(load_u16(&answer[26]), 1466);
  EXPECT_TRUE(std::equal(answer.begin() + 28, answer.end(), too_big.begin()));
}

TEST_F(Outbound, PMT_02_answers_are_limited_and_what_is_not_answered_is_dropped_all_the_same) {
  rule(Action::kNegotiate);
  secure();
  const Bytes too_big = icmp_echo(to("10.77.0.2"), 1472);
  const auto answers_to = [&](int packets) {
    std::size_t answers = 0;
    for (int i = 0; i < packets; ++i) {
      const auto result = host.send(too_big);
      EXPECT_THAT(result.to_wire, testing::IsEmpty());
      answers += result.to_host.size();
    }
    return answers;
  };
  EXPECT_EQ(answers_to(limits::kIcmpErrorBurst + 50), std::size_t{limits::kIcmpErrorBurst});
  host.now = host.now + std::chrono::milliseconds(10);
  EXPECT_EQ(answers_to(50), std::size_t{limits::kIcmpErrorsPerSecond / 100});
}

TEST_F(Outbound, PMT_02_IPv6_packet_too_big) {
  TestHost left("fd77::1"), right("fd77::2");
  const FilterPair pair = mirrored(kFilter, between("fd77::1", "fd77::2"), Action::kNegotiate);
  left.set_filters({pair.outbound});
  right.set_filters({});
  SaRecipe recipe;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(left, right, recipe);
  const auto result = left.send(icmp_echo({left.own(), right.own()}, 1426 - 7));
  ASSERT_EQ(result.to_host.size(), 1U);
  const Bytes& answer = result.to_host[0].bytes;
  EXPECT_TRUE(checksums_are_good(answer));
  EXPECT_EQ(answer[40], 2);
  EXPECT_EQ(load_u32(&answer[44]), 1466U);
  EXPECT_LE(answer.size(), 1280U);
}

// Without DF transport mode protects the whole packet and cuts the ESP packet.
TEST_F(Outbound, OUT_13_too_big_without_df_is_cut_after_esp_in_transport_mode) {
  rule(Action::kNegotiate);
  secure();
  IpFields ip = to("10.77.0.2");
  ip.dont_fragment = false;
  const Bytes packet = icmp_echo(ip, 1472);
  const auto sent = host.send(packet);
  ASSERT_EQ(sent.to_wire.size(), 2U);
  for (const Stored& piece : sent.to_wire) {
    EXPECT_LE(piece.bytes.size(), 1500U);
    EXPECT_EQ(piece.bytes[9], kProtocolEsp);
  }
  EXPECT_THAT(peer.receive(sent.to_wire[0].bytes).to_host, testing::IsEmpty());
  const auto received = peer.receive(sent.to_wire[1].bytes);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, packet);
}

// A datagram that the host's stack cut itself is protected whole, in both families.
TEST_F(Outbound, fragments_of_the_host_are_joined_before_transport_esp) {
  for (const bool v6 : {false, true}) {
    TestHost left(v6 ? "fd77::1" : "10.77.0.1"), right(v6 ? "fd77::2" : "10.77.0.2");
    const FilterPair pair =
        mirrored(kFilter, between(left.own().to_string(), right.own().to_string()), Action::kNegotiate);
    left.set_filters({pair.outbound});
    right.set_filters({});
    SaRecipe recipe;
    recipe.selector = pair.outbound.selector;
    recipe.outbound_filter = kFilter;
    connect(left, right, recipe);
    IpFields ip{left.own(), right.own()};
    ip.dont_fragment = false;
    const Bytes packet = udp_packet(ip, 1, 2, pattern(5000));
    const std::vector<Stored> stored = cut(packet);
    const auto sent = left.send(stored);
    EXPECT_EQ(left.count(Verdict::kOutboundSecured), 1U);
    EXPECT_EQ(left.count(Verdict::kOutboundFragmentTaken), stored.size() - 1);
    for (const Stored& piece : sent.to_wire) EXPECT_LE(piece.bytes.size(), 1500U);
    const auto received = right.receive(sent.to_wire);
    ASSERT_EQ(received.to_host.size(), 1U);
    EXPECT_EQ(received.to_host[0].bytes, packet);
  }
}

// IPv6 may be cut by its sender only; that the host had cut this one must not be forgotten while it waits.
TEST_F(Outbound, a_joined_datagram_that_was_held_may_still_be_cut) {
  TestHost left("fd77::1"), right("fd77::2");
  const FilterPair pair = mirrored(kFilter, between("fd77::1", "fd77::2"), Action::kNegotiate);
  left.set_filters({pair.outbound});
  right.set_filters({});
  const Bytes packet = udp_packet({left.own(), right.own()}, 1, 2, pattern(5000));
  EXPECT_EQ(events_of<Acquire>(left.send(cut(packet)).events).size(), 1U);
  SaRecipe recipe;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(left, right, recipe);
  const auto received = right.receive(left.send_released().to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, packet);
}

TEST_F(Outbound, a_datagram_without_room_for_esp_is_refused) {
  rule(Action::kNegotiate);
  secure();
  IpFields ip = to("10.77.0.2");
  ip.dont_fragment = false;
  const auto sent_pieces = [&](std::size_t data) {
    return host.send(cut(udp_packet(ip, 1, 2, Bytes(data)))).to_wire.size();
  };
  EXPECT_GT(sent_pieces(65507 - 37), 40U);
  EXPECT_EQ(host.count(Verdict::kOutboundTooBig), 0U);
  EXPECT_EQ(sent_pieces(65507), 0U);
  EXPECT_EQ(host.count(Verdict::kOutboundTooBig), 1U);
}

TEST_F(Outbound, permitted_fragments_pass_untouched) {
  FilterPair dns = mirrored(kFilter + 10, between("0.0.0.0/0", "10.77.0.2", kProtocolTcp), Action::kBlock);
  const FilterPair all = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kPermit);
  host.set_filters({dns.outbound, all.outbound});
  Bytes piece = udp_packet(to("10.77.0.2"), 1, 2, pattern(1472));
  store_u16(&piece[6], kIpv4MoreFragments | 185);
  set_ip_length(piece, 20);
  expect_passed(piece, Verdict::kOutboundPermitted);
}

// Ports decide here, so the pieces must be joined; what passes then is cut again as it was.
TEST_F(Outbound, fragments_whose_ports_matter_are_joined_to_be_classified) {
  FilterPair telnet = mirrored(kFilter + 10, between("0.0.0.0/0", "0.0.0.0/0", kProtocolUdp), Action::kBlock);
  telnet.outbound.selector.destination_port = PortRange::single(23);
  const FilterPair all = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kPermit);
  host.set_filters({telnet.outbound, all.outbound});
  for (const std::uint16_t port : {std::uint16_t{23}, std::uint16_t{24}}) {
    IpFields ip = to("10.77.0.2");
    ip.dont_fragment = false;
    ip.id = port;
    const Bytes packet = udp_packet(ip, 1, port, pattern(3000));
    const std::vector<Stored> stored = cut(packet);
    EXPECT_EQ(host.send(stored).to_wire, port == 23 ? std::vector<Stored>{} : stored);
  }
  EXPECT_EQ(host.count(Verdict::kOutboundBlocked), 1U);
  EXPECT_EQ(host.count(Verdict::kOutboundPermitted), 1U);
}

TEST_F(Outbound, PMT_path_mtu_from_outside_is_believed_for_an_sa_in_use) {
  rule(Action::kNegotiate);
  secure();
  const Bytes esp = host.send(ping()).to_wire.at(0).bytes;
  const auto too_big = [&](std::uint16_t mtu, std::uint32_t quoted_spi) {
    ByteWriter message;
    message.u8(3).u8(4).u16(0).u16(0).u16(mtu).bytes(ByteView(esp).first(20)).u32(quoted_spi).u32(1);
    Bytes upper = message.take();
    store_u16(&upper[2], checksum_finish(checksum_add(upper)));
    return ip_packet({address("10.77.0.254"), host.own(), kProtocolIcmp}, upper);
  };
  const auto fits = [&](std::size_t payload) {
    return !host.send(icmp_echo(to("10.77.0.2"), payload - 8)).to_wire.empty();
  };
  host.receive(too_big(1400, spi + 1));
  EXPECT_TRUE(fits(1446));
  host.receive(too_big(1400, spi));
  EXPECT_FALSE(fits(1347));
  EXPECT_TRUE(fits(1346));
  host.receive(too_big(68, spi));  // nobody may push it below what every path carries
  EXPECT_TRUE(fits(522));
  EXPECT_FALSE(fits(523));
  host.now = host.now + limits::kPathMtuLifetime;
  peer.now = host.now;
  host.send(icmp_echo(to("10.77.0.2"), 8));
  host.control().tick(host.now);
  EXPECT_TRUE(fits(1446));
}

TEST_F(Outbound, OUT_18_HDR_05_HDR_07_sequence_numbers_begin_with_1) {
  rule(Action::kNegotiate);
  secure();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const Bytes packet = host.send(ping()).to_wire.at(0).bytes;
    EXPECT_EQ(packet[9], kProtocolEsp);
    EXPECT_EQ(load_u32(&packet[20]), spi);
    EXPECT_EQ(load_u32(&packet[24]), i);
  }
}

TEST_F(Outbound, HDR_09_trailer) {
  rule(Action::kNegotiate);
  SaRecipe recipe;
  recipe.cipher = Cipher::kNull;
  recipe.integrity = Integrity::kSha1;
  secure(recipe);
  // 13 octets and two of trailer: one octet of padding.
  const Bytes packet = host.send(icmp_echo(to("10.77.0.2"), 5)).to_wire.at(0).bytes;
  ASSERT_EQ(packet.size(), 20U + 8 + 16 + 12);
  EXPECT_EQ(to_hex(ByteView(packet).subspan(20 + 8 + 13, 3)), "010101");
}

TEST_F(Outbound, HDR_13_tunnel_mode_copies_df_and_traffic_class) {
  FilterPair pair = mirrored(kFilter, between("192.168.1.0/24", "192.168.2.0/24"), Action::kNegotiate);
  pair.outbound.tunnel_destination = peer.own();
  host.set_filters({pair.outbound});
  peer.set_filters({});
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(host, peer, recipe);
  for (const bool dont_fragment : {true, false}) {
    IpFields ip{address("192.168.1.5"), address("192.168.2.6")};
    ip.dont_fragment = dont_fragment;
    ip.traffic_class = 0xB9;
    const Bytes packet = host.send(icmp_echo(ip, 20)).to_wire.at(0).bytes;
    Bytes copy = packet;
    const auto view = parse_ip(copy);
    EXPECT_EQ(view->dont_fragment, dont_fragment);
    EXPECT_EQ(view->traffic_class(), 0xB9);
    EXPECT_EQ(packet[8], 64);
    EXPECT_EQ(view->tuple.source, host.own());
    EXPECT_EQ(view->tuple.destination, peer.own());
  }
}

// Tunnel mode spares the receiver: the packet is cut before ESP and every piece is secured by itself.
TEST_F(Outbound, tunnel_mode_cuts_before_esp) {
  FilterPair pair = mirrored(kFilter, between("192.168.1.0/24", "192.168.2.0/24"), Action::kNegotiate);
  pair.outbound.tunnel_destination = peer.own();
  host.set_filters({pair.outbound});
  peer.set_filters({});
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(host, peer, recipe);
  IpFields ip{address("192.168.1.5"), address("192.168.2.6")};
  ip.dont_fragment = false;
  const Bytes packet = icmp_echo(ip, 1472);
  const auto sent = host.send(packet);
  ASSERT_EQ(sent.to_wire.size(), 2U);
  for (const Stored& piece : sent.to_wire) {
    EXPECT_EQ(load_u16(&piece.bytes[6]) & ~kIpv4DontFragment, 0);
    EXPECT_LE(piece.bytes.size(), 1500U);
  }
  const auto received = peer.receive(sent.to_wire);
  ASSERT_EQ(received.to_host.size(), 2U);
  Reassembler reassembler;
  Bytes first = received.to_host[0].bytes, second = received.to_host[1].bytes;
  reassembler.add(*parse_ip(first), peer.now);
  const auto whole = reassembler.add(*parse_ip(second), peer.now);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->bytes, packet);
}

// Extension headers that would fill the whole first piece: no receiver takes such fragments, so none are made.
TEST_F(Outbound, tunnel_mode_does_not_cut_among_extension_headers) {
  const FilterPair pair = [&] {
    FilterPair made = mirrored(kFilter, between("fd01::/64", "fd02::/64"), Action::kNegotiate);
    made.outbound.tunnel_destination = peer.own();
    return made;
  }();
  host.set_filters({pair.outbound});
  peer.set_filters({});
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(host, peer, recipe);
  ByteWriter upper;
  upper.u8(kProtocolUdp).u8(152).zeros(1222).u16(1).u16(2).u16(108).u16(0).zeros(100);
  IpFields ip{address("fd01::1"), address("fd02::1"), kProtocolDestinationOptions};
  host.control().set_link({1280, {}});
  const std::vector<Stored> pieces = cut(ip_packet(ip, upper.view()), 99, 1320);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_THAT(host.send(pieces).to_wire, testing::IsEmpty());
  EXPECT_EQ(host.count(Verdict::kOutboundTooBig), 1U);
}

TEST_F(Outbound, HDR_05_exhausted_sequence_numbers_drop_and_never_wrap) {
  const auto sa = Sa::make(parameters_of(host, peer, {}, 0x1000, Direction::kOutbound), host.now);
  ASSERT_TRUE(sa.ok());
  EXPECT_EQ((*sa)->take_sequence(1), 1U);
  EXPECT_EQ((*sa)->take_sequence(0xFFFF'FFF0), 2U);
  EXPECT_EQ((*sa)->soft_limit_reached(host.now), RekeyReason::kSequence);
  EXPECT_EQ((*sa)->take_sequence(15), std::nullopt);
  EXPECT_EQ((*sa)->take_sequence(14), 0xFFFF'FFF2U);
  EXPECT_EQ((*sa)->take_sequence(1), std::nullopt);
  EXPECT_EQ((*sa)->take_sequence(1), std::nullopt);
  EXPECT_EQ((*sa)->last_sequence(), 0xFFFF'FFFFU);
}

TEST_F(Outbound, EX_12_ipv6_is_not_filtered_in_the_compatible_profile) {
  const FilterPair pair = mirrored(kFilter, between("::/0", "::/0"), Action::kBlock);
  host.set_filters({pair.outbound}, Profile::kWindows2003);
  const Bytes packet = icmp_echo({address("fd77::1"), address("fd77::2")}, 10);
  expect_passed(packet, Verdict::kOutboundIpv6Exempt);
  host.set_filters({pair.outbound}, Profile::kModern);
  expect_dropped(packet, Verdict::kOutboundBlocked);
}

TEST_F(Outbound, neighbour_discovery_never_waits) {
  const FilterPair pair = mirrored(kFilter, between("::/0", "::/0"), Action::kBlock);
  host.set_filters({pair.outbound});
  expect_passed(ip_packet({address("fd77::1"), address("fd77::2"), kProtocolIcmpv6}, Bytes{135, 0, 0, 0}),
                Verdict::kOutboundNeighbourDiscovery);
}

TEST_F(Outbound, EX_10_EX_15_EX_16_DRV_24_multicast_under_each_action) {
  for (const char* group : {"224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    const Bytes packet = udp_packet(to(group), 1, 2, pattern(9));
    rule(Action::kNegotiate);
    expect_dropped(packet, Verdict::kOutboundMulticast);
    rule(Action::kBlock);
    expect_dropped(packet, Verdict::kOutboundBlocked);
    rule(Action::kPermit);
    expect_passed(packet, Verdict::kOutboundPermitted);
  }
  rule(Action::kNegotiate);
  for (const char* unicast : {"223.255.255.255", "240.0.0.0"}) {
    EXPECT_EQ(events_of<Acquire>(host.send(udp_packet(to(unicast), 1, 2, pattern(9))).events).size(), 1U) << unicast;
  }
}

TEST_F(Outbound, EX_11_broadcast_of_a_local_subnet) {
  rule(Action::kNegotiate);
  host.control().set_link({1500, {address("10.77.0.255")}});
  expect_dropped(udp_packet(to("10.77.0.255"), 1, 2, pattern(9)), Verdict::kOutboundMulticast);
  EXPECT_EQ(events_of<Acquire>(host.send(udp_packet(to("10.77.1.255"), 1, 2, pattern(9))).events).size(), 1U);
}

TEST_F(Outbound, DRV_20_each_filter_counts_its_packets) {
  rule(Action::kPermit);
  host.send(ping());
  host.send(ping());
  const auto filters = host.control().statistics().filters;
  ASSERT_EQ(filters.size(), 2U);
  EXPECT_EQ(filters[0].filter_id, kFilter);
  EXPECT_EQ(filters[0].packets, 2U);
  EXPECT_EQ(filters[0].bytes, 2 * ping().size());
  EXPECT_EQ(filters[1].packets, 0U);
}

TEST_F(Outbound, audit_events_of_a_flood_are_limited_and_counted) {
  rule(Action::kBlock);
  std::size_t events = 0;
  for (int i = 0; i < 100; ++i) events += events_of<AuditEvent>(host.send(ping()).events).size();
  EXPECT_EQ(events, limits::kEventBurst);
  host.now = host.now + limits::kEventInterval;
  const auto later = events_of<AuditEvent>(host.send(ping()).events);
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].verdict, Verdict::kOutboundBlocked);
  EXPECT_EQ(later[0].filter_id, kFilter);
  EXPECT_EQ(later[0].suppressed, 100 - limits::kEventBurst);
}

TEST_F(Outbound, a_new_policy_takes_effect_for_cached_flows) {
  rule(Action::kPermit);
  expect_passed(ping(), Verdict::kOutboundPermitted);
  rule(Action::kBlock);
  expect_dropped(ping(), Verdict::kOutboundBlocked);
  rule(Action::kNegotiate);
  EXPECT_EQ(events_of<Acquire>(host.send(ping()).events).size(), 1U);
  secure();
  EXPECT_EQ(host.send(ping()).to_wire.size(), 1U);
  EXPECT_TRUE(host.control().delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own()));
  EXPECT_THAT(host.send(ping()).to_wire, testing::IsEmpty());
}

}  // namespace
}  // namespace ipsec::driver::tests

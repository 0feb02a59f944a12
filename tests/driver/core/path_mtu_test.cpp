// What is known of the path: told by routers (RFC 1191, RFC 4301 8.2), or found out where they are silent.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/checksum.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/tcp.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

struct Setting {
  std::string_view name;
  std::string_view left;
  std::string_view right;
  Encapsulation encapsulation = Encapsulation::kTransport;
  // The ends of the TCP connection; of tunnels the networks are behind the hosts.
  std::string_view sender;
  std::string_view receiver;
};
constexpr Setting kTransport4 = {"transport", "10.77.0.1", "10.77.0.2", Encapsulation::kTransport,
                                 "10.77.0.1", "10.77.0.2"};
constexpr Setting kTransport6 = {"transport, IPv6",         "fd77::1", "fd77::2",
                                 Encapsulation::kTransport, "fd77::1", "fd77::2"};
constexpr Setting kTunnel4 = {"tunnel", "10.77.0.1", "10.77.0.2", Encapsulation::kTunnel, "192.168.1.5", "192.168.2.6"};
constexpr Setting kTunnel6in4 = {"6 in 4", "10.77.0.1", "10.77.0.2", Encapsulation::kTunnel, "fd01::5", "fd02::6"};
constexpr Setting kTunnel4in6 = {"4 in 6", "fd77::1", "fd77::2", Encapsulation::kTunnel, "192.168.1.5", "192.168.2.6"};

std::string host_range(std::string_view text) { return std::string(text); }

// Two hosts with an SA pair.
struct PairWithPath {
  explicit PairWithPath(const Setting& setting)
      : host(setting.left), peer(setting.right), sender(address(setting.sender)), receiver(address(setting.receiver)) {
    const Selector there = between(host_range(setting.sender), host_range(setting.receiver));
    FilterPair at_host = mirrored(kFilter, there, Action::kNegotiate);
    FilterPair at_peer = mirrored(kFilter, there.mirrored(), Action::kNegotiate);
    if (setting.encapsulation == Encapsulation::kTunnel) {
      at_host.outbound.tunnel_destination = at_peer.inbound.tunnel_destination = peer.own();
      at_peer.outbound.tunnel_destination = at_host.inbound.tunnel_destination = host.own();
      at_host.inbound.tunnel_source = peer.own();
      at_peer.inbound.tunnel_source = host.own();
    }
    host.set_filters({at_host.outbound, at_host.inbound});
    peer.set_filters({at_peer.outbound, at_peer.inbound});
    recipe.encapsulation = setting.encapsulation;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    renew();
  }

  // SAs for both directions; those that are there become the predecessors.
  void renew() {
    recipe.selector = between(receiver.to_string(), sender.to_string());
    recipe.outbound_pair = 0;
    const std::uint32_t back = connect(peer, host, recipe);
    recipe.selector = recipe.selector.mirrored();
    recipe.outbound_pair = back;
    spi = connect(host, peer, recipe);
  }

  void wait(Duration time) {
    host.now = host.now + time;
    peer.now = host.now;
  }
  SaStatus outbound() {
    for (const SaStatus& status : host.control().list_sas(host.now)) {
      if (status.sa.spi == spi && status.sa.direction == Direction::kOutbound) return status;
    }
    ADD_FAILURE() << "no outbound SA";
    return {};
  }
  // A TCP segment of the sender.
  Bytes segment(std::uint32_t sequence, std::size_t size, Bytes options = {}) const {
    TcpFields tcp;
    tcp.sequence = sequence;
    tcp.options = std::move(options);
    return tcp_packet({sender, receiver}, tcp, pattern(size, static_cast<std::uint8_t>(sequence)));
  }

  TestHost host, peer;
  IpAddress sender, receiver;
  SaRecipe recipe;
  std::uint32_t spi = 0;
};

// A path that says nothing: what is larger than `mtu` is gone.
std::vector<Stored> carried(const std::vector<Stored>& packets, std::size_t mtu) {
  std::vector<Stored> arrived;
  for (const Stored& packet : packets) {
    if (packet.bytes.size() <= mtu) arrived.push_back(packet);
  }
  return arrived;
}

// The least that a TCP does with data: it acknowledges what it has without a gap, and tells of one run behind a gap.
class Receiver {
 public:
  Receiver(PairWithPath& pair, std::uint32_t first, bool selective = true)
      : pair_(pair), next_(first), selective_(selective) {}

  // What goes back, as ESP.
  std::vector<Stored> receive(const std::vector<Stored>& esp) {
    std::vector<Stored> answers;
    for (const Stored& packet : esp) {
      for (Stored& up : pair_.peer.receive(packet.bytes).to_host) {
        for (Bytes& segment : on_the_wire(up)) answers.push_back({answer(segment), {}});
      }
    }
    std::vector<Stored> wire;
    for (const Stored& packet : answers) {
      for (Stored& sent : pair_.peer.send(packet.bytes).to_wire) wire.push_back(std::move(sent));
    }
    return wire;
  }
  std::uint32_t next() const { return next_; }

 private:
  Bytes answer(Bytes& packet) {
    EXPECT_TRUE(checksums_are_good(packet));
    const auto view = parse_ip(packet);
    const ByteView segment = view->upper();
    const ByteView data = segment.subspan(*tcp::header_size(segment));
    const std::uint32_t begin = tcp::sequence(segment);
    const auto end = static_cast<std::uint32_t>(begin + data.size());
    TcpFields tcp{5201, 40000, 77, 0, 0x10, 512, {}};
    if (selective_ && static_cast<std::int32_t>(begin - next_) > 0) {
      ByteWriter sack;
      sack.u8(1).u8(1).u8(5).u8(10).u32(begin).u32(end);
      tcp.options = sack.take();
    }
    if (static_cast<std::int32_t>(begin - next_) <= 0 && static_cast<std::int32_t>(end - next_) > 0) {
      next_ = end;
    }
    tcp.acknowledged = next_;
    return tcp_packet({pair_.receiver, pair_.sender}, tcp, {});
  }

  PairWithPath& pair_;
  std::uint32_t next_;
  bool selective_;
};

// Sends and lets the answers come back over a path of this size. Events of the host.
std::vector<DriverEvent> exchange(PairWithPath& pair, Receiver& receiver, const Bytes& packet, std::size_t mtu,
                                  const OffloadInfo& offload = {}) {
  const auto sent = pair.host.send(packet, offload);
  auto events = sent.events;
  for (const Stored& answer : receiver.receive(carried(sent.to_wire, mtu))) {
    const auto heard = pair.host.receive(answer.bytes).events;
    events.insert(events.end(), heard.begin(), heard.end());
  }
  return events;
}

class BlackHole : public testing::TestWithParam<Setting> {};

INSTANTIATE_TEST_SUITE_P(Paths, BlackHole,
                         testing::Values(kTransport4, kTransport6, kTunnel4, kTunnel6in4, kTunnel4in6),
                         [](const auto& setting) {
                           std::string name(setting.param.name);
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

// Three full segments leave and vanish, the first is sent again and again; nobody says why. Then its head gets through.
TEST_P(BlackHole, PMT_a_path_that_swallows_large_packets_in_silence_is_found_out) {
  PairWithPath pair(GetParam());
  Receiver receiver(pair, 1000);
  const std::size_t full = pair.outbound().inner_mtu - (pair.sender.is_v4() ? 40U : 60U);
  const auto at = [&](std::uint32_t number) { return static_cast<std::uint32_t>(1000 + number * full); };
  for (const std::uint32_t number : {0U, 1U, 2U}) exchange(pair, receiver, pair.segment(at(number), full), 1280);
  pair.wait(std::chrono::milliseconds(200));
  exchange(pair, receiver, pair.segment(at(0), full), 1280);
  EXPECT_EQ(pair.outbound().path_mtu, 1500);
  pair.wait(std::chrono::milliseconds(400));
  const auto events = events_of<PathMtuLowered>(exchange(pair, receiver, pair.segment(at(0), full), 1280));

  EXPECT_THAT(events, testing::ElementsAre(PathMtuLowered{pair.peer.own(), 1280, PathMtuSource::kProbe}));
  const SaStatus status = pair.outbound();
  EXPECT_EQ(status.path_mtu, 1280);
  EXPECT_EQ(status.path_mtu_source, PathMtuSource::kProbe);
  EXPECT_GT(receiver.next(), 1000U + 1000U);
  EXPECT_LT(receiver.next(), at(1));
  // The host's TCP is told with the next full segment, and what it sends then arrives.
  const auto refused = pair.host.send(pair.segment(at(0), full));
  EXPECT_THAT(refused.to_wire, testing::IsEmpty());
  ASSERT_EQ(refused.to_host.size(), 1U);
  if (pair.sender.is_v4()) {
    EXPECT_EQ(load_u16(&refused.to_host[0].bytes[26]), status.inner_mtu);
  }
  exchange(pair, receiver, pair.segment(receiver.next(), status.inner_mtu - (full < 1400 ? 60U : 40U) - 20), 1280);
  EXPECT_GT(receiver.next(), 1000U + 2000U);
}

TEST(BlackHoleOnce, PMT_a_super_packet_that_is_repeated_shows_it_too_and_is_cut_smaller_afterwards) {
  PairWithPath pair(kTransport4);
  Receiver receiver(pair, 1000);
  const auto super = [&] { return tcp_super_packet({pair.sender, pair.receiver}, {}, pattern(14000), 1400); };
  for (int i = 0; i < 3; ++i) {
    const SuperPacket packet = super();
    exchange(pair, receiver, packet.bytes, 1280, packet.offload);
    pair.wait(std::chrono::milliseconds(300));
  }
  EXPECT_EQ(pair.outbound().path_mtu, 1280);
  const SuperPacket packet = super();
  exchange(pair, receiver, packet.bytes, 1280, packet.offload);
  EXPECT_EQ(receiver.next(), 15000U);
}

// A peer that is gone looks like a path that swallows everything: nothing is concluded, and little more is sent.
TEST(BlackHoleOnce, PMT_silence_proves_nothing) {
  PairWithPath pair(kTransport4);
  std::size_t packets = 0;
  for (int i = 0; i < 15; ++i) {
    packets += pair.host.send(pair.segment(1000, 1400)).to_wire.size();
    pair.wait(std::chrono::seconds(1));
  }
  EXPECT_EQ(pair.outbound().path_mtu, 1500);
  EXPECT_LE(packets, 15U + 13U * 5U);
  // It was an outage; the first segment that gets through is the whole one.
  Receiver receiver(pair, 1000);
  exchange(pair, receiver, pair.segment(1000, 1400), 1500);
  EXPECT_EQ(receiver.next(), 2400U);
  EXPECT_EQ(pair.outbound().path_mtu, 1500);
}

// A window of segments after the other over a path that loses one packet in twenty; the path MTU at the end.
std::uint16_t path_mtu_after_loss(bool selective) {
  PairWithPath pair(kTransport4);
  std::mt19937 random(2923);
  std::bernoulli_distribution lost(0.05);
  Receiver receiver(pair, 1000, selective);
  constexpr std::uint32_t kSize = 1400, kWindow = 4 * kSize, kEnd = 1000 + kSize * 8000;
  const auto transmit = [&](std::uint32_t sequence) {
    std::vector<Stored> kept;
    for (Stored& packet : pair.host.send(pair.segment(sequence, kSize)).to_wire) {
      if (!lost(random)) kept.push_back(std::move(packet));
    }
    for (const Stored& answer : receiver.receive(kept)) pair.host.receive(answer.bytes);
  };
  // The receiver keeps nothing behind a gap, so the sender goes back there.
  while (receiver.next() != kEnd) {
    const std::uint32_t begin = receiver.next();
    for (std::uint32_t next = begin; next != kEnd && next - begin < kWindow; next += kSize) transmit(next);
    pair.wait(std::chrono::milliseconds(20));
  }
  return pair.outbound().path_mtu;
}

// Loss takes packets of all sizes. Large ones that arrive meanwhile show that the size is not the reason; of a receiver
// that does not tell of them, chance may take the whole segment and spare its head, which costs one plateau.
TEST(BlackHoleOnce, PMT_a_path_that_only_loses_packets_is_not_taken_for_one) {
  EXPECT_EQ(path_mtu_after_loss(true), 1500);
  EXPECT_GE(path_mtu_after_loss(false), 1400);
}

TEST(BlackHoleOnce, PMT_a_selective_acknowledgment_of_a_large_run_says_that_large_packets_arrive) {
  BlackHoleDetector detector;
  const FiveTuple flow{address("10.0.0.1"), address("10.0.0.2"), kProtocolTcp, 1, 2};
  Timestamp now{std::chrono::hours(1)};
  EXPECT_FALSE(detector.sent(flow, {100, 1400}, now));
  EXPECT_FALSE(detector.sent(flow, {100, 1400}, now));
  EXPECT_EQ(detector.acknowledged(flow, {100, 1399}), std::nullopt);
  EXPECT_TRUE(detector.watch());
  EXPECT_EQ(detector.acknowledged(flow, {100, 1400}), std::nullopt);
  EXPECT_FALSE(detector.watch());
  EXPECT_FALSE(detector.sent(flow, {100, 1400}, now));
}

TEST(BlackHoleOnce, PMT_only_an_answer_for_exactly_a_head_is_the_proof) {
  const FiveTuple flow{address("10.0.0.1"), address("10.0.0.2"), kProtocolTcp, 1, 2};
  const Timestamp now{std::chrono::hours(1)};
  const std::vector<SegmentHead> heads = {{1300, 1400}, {1180, 1280}};
  const auto proved = [&](std::uint32_t acknowledged) {
    BlackHoleDetector detector;
    // Sequence numbers go around.
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(detector.sent(flow, {0xFFFF'FF00, 1400}, now));
    EXPECT_TRUE(detector.sent(flow, {0xFFFF'FF00, 1400}, now));
    detector.heads_sent(heads);
    return detector.acknowledged(flow, {acknowledged, 0});
  };
  EXPECT_EQ(proved(0xFFFF'FF00 + 1180), 1280);
  EXPECT_EQ(proved(0xFFFF'FF00 + 1300), 1400);
  EXPECT_EQ(proved(0xFFFF'FF00 + 1299), std::nullopt);
  EXPECT_EQ(proved(0xFFFF'FF00 + 1400), std::nullopt);
  EXPECT_EQ(proved(0xFFFF'FF00), std::nullopt);
}

TEST(BlackHoleOnce, PMT_another_flow_has_its_turn_when_the_watched_one_has_gone) {
  BlackHoleDetector detector;
  FiveTuple flow{address("10.0.0.1"), address("10.0.0.2"), kProtocolTcp, 1, 2};
  const FiveTuple gone = flow;
  flow.source_port = 7;
  const Timestamp start{std::chrono::hours(1)};
  detector.sent(gone, {100, 1400}, start);
  detector.sent(flow, {100, 1400}, start);
  EXPECT_EQ(detector.watch()->flow, gone);
  detector.sent(flow, {100, 1400}, start + limits::kBlackHoleWatch);
  EXPECT_EQ(detector.watch()->flow, flow);
}

// Whoever signs his segments signs each one; and a segment that was damaged before it came here stays damaged.
TEST(BlackHoleOnce, PMT_segments_that_nobody_else_may_cut_have_no_heads) {
  for (const bool is_signed : {true, false}) {
    PairWithPath pair(kTransport4);
    Bytes options = {19, 18};
    options.resize(20, 1);
    Bytes packet = pair.segment(1000, 1400, is_signed ? options : Bytes());
    if (!is_signed) packet.back() ^= 1;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(pair.host.send(packet).to_wire.size(), 1U) << is_signed;
  }
}

// The value is given up after ten minutes; where the path is as narrow as before, one repetition is enough.
TEST(BlackHoleOnce, PMT_a_larger_size_is_tried_again_later) {
  PairWithPath pair(kTransport4);
  Receiver receiver(pair, 1000);
  for (int i = 0; i < 3; ++i) exchange(pair, receiver, pair.segment(1000, 1400), 1280);
  EXPECT_EQ(pair.outbound().path_mtu, 1280);
  for (Duration waited{}; waited < limits::kPathMtuLifetime; waited += std::chrono::minutes(1)) {
    EXPECT_EQ(pair.outbound().path_mtu, 1280);
    exchange(pair, receiver, pair.segment(receiver.next(), 10), 1280);
    pair.wait(std::chrono::minutes(1));
    pair.host.control().tick(pair.host.now);
  }
  EXPECT_EQ(pair.outbound().path_mtu, 1500);
  const std::uint32_t next = receiver.next();
  for (int i = 0; i < 2; ++i) exchange(pair, receiver, pair.segment(next, 1400), 1280);
  EXPECT_EQ(pair.outbound().path_mtu, 1280);
}

TEST(PathMtu, PMT_the_successor_of_an_sa_begins_with_what_it_knew) {
  PairWithPath pair(kTransport4);
  Receiver receiver(pair, 1000);
  for (int i = 0; i < 3; ++i) exchange(pair, receiver, pair.segment(1000, 1400), 1280);
  const std::uint32_t before = pair.spi;
  pair.renew();
  ASSERT_NE(pair.spi, before);
  EXPECT_EQ(pair.outbound().path_mtu, 1280);
}

// What a router says about `packet`, quoting so much of it.
Bytes too_big(const IpAddress& to, ByteView packet, std::uint32_t mtu, std::size_t quoted = 548) {
  const bool v4 = to.is_v4();
  ByteWriter icmp;
  if (v4) {
    icmp.u8(3).u8(4).u16(0).u16(0).u16(static_cast<std::uint16_t>(mtu));
  } else {
    icmp.u8(2).u8(0).u16(0).u32(mtu);
  }
  icmp.bytes(packet.first(std::min(packet.size(), quoted)));
  return ip_packet({address(v4 ? "10.77.0.254" : "fd77::fe"), to, v4 ? kProtocolIcmp : kProtocolIcmpv6}, icmp.view());
}

class TooBig : public testing::Test {
 protected:
  Bytes esp() { return pair.host.send(pair.segment(1000, 1400)).to_wire.at(0).bytes; }
  std::uint16_t path_mtu() { return pair.outbound().path_mtu; }
  TestHost::Result hear(ByteView packet, std::uint32_t mtu, std::size_t quoted = 548) {
    return pair.host.receive(too_big(pair.host.own(), packet, mtu, quoted));
  }

  PairWithPath pair{kTransport4};
};

TEST_F(TooBig, PMT_what_quotes_a_packet_of_a_live_sa_is_believed_and_is_not_for_the_stack) {
  const auto heard = hear(esp(), 1400, 28);
  EXPECT_EQ(path_mtu(), 1400);
  EXPECT_EQ(pair.outbound().path_mtu_source, PathMtuSource::kRouter);
  EXPECT_THAT(heard.to_host, testing::IsEmpty());
  EXPECT_EQ(pair.host.count(Verdict::kInboundPathMtu), 1U);
  EXPECT_THAT(events_of<PathMtuLowered>(heard.events),
              testing::ElementsAre(PathMtuLowered{pair.peer.own(), 1400, PathMtuSource::kRouter}));
}

// RFC 1191 6.3: it goes up by time alone. And each step is told once.
TEST_F(TooBig, PMT_a_message_never_raises_the_value) {
  const Bytes packet = esp();
  hear(packet, 1300);
  for (const std::uint32_t mtu : {1300U, 1400U, 1500U, 9000U}) {
    EXPECT_THAT(hear(packet, mtu).events, testing::IsEmpty());
    EXPECT_EQ(path_mtu(), 1300);
  }
}

TEST_F(TooBig, PMT_nobody_can_push_it_below_what_every_path_carries) {
  const Bytes packet = esp();
  hear(packet, 68);
  EXPECT_EQ(path_mtu(), 576);
  PairWithPath six(kTransport6);
  const Bytes packet6 = six.host.send(six.segment(1000, 1300)).to_wire.at(0).bytes;
  six.host.receive(too_big(six.host.own(), packet6, 600));
  EXPECT_EQ(six.outbound().path_mtu, 1280);
}

// Routers of before RFC 1191 say 0.
TEST_F(TooBig, PMT_without_a_number_the_next_plateau_is_taken) {
  const Bytes packet = esp();
  ASSERT_GT(packet.size(), 1400U);
  hear(packet, 0);
  EXPECT_EQ(path_mtu(), 1400);
}

TEST_F(TooBig, PMT_whatever_differs_from_what_was_sent_is_refused) {
  const Bytes packet = esp();
  const auto refused = [&](std::size_t at, std::uint8_t change) {
    Bytes forged = packet;
    forged[at] ^= change;
    const std::uint64_t before = pair.host.count(Verdict::kInboundPathMtuRefused);
    hear(forged, 1300);
    return pair.host.count(Verdict::kInboundPathMtuRefused) == before + 1 && path_mtu() == 1500;
  };
  EXPECT_TRUE(refused(15, 1)) << "source";
  EXPECT_TRUE(refused(19, 1)) << "destination";
  EXPECT_TRUE(refused(23, 1)) << "SPI";
  EXPECT_TRUE(refused(24, 0x80)) << "a sequence number that was not sent";
  EXPECT_TRUE(refused(27, 0x02)) << "the next but one";
  EXPECT_TRUE(refused(9, kProtocolEsp ^ kProtocolAh)) << "AH";
  hear(packet, 1300);
  EXPECT_EQ(path_mtu(), 1300);
}

// A thousand of them change no more than one: there are few steps down, and each is an event once.
TEST_F(TooBig, PMT_a_flood_of_forged_messages_is_bounded) {
  std::mt19937 random(4301);
  const Bytes packet = esp();
  std::size_t events = 0;
  for (int i = 0; i < 1000; ++i) {
    Bytes forged = packet;
    store_u32(&forged[20], static_cast<std::uint32_t>(random()));
    events += hear(forged, 600).events.size();
  }
  EXPECT_EQ(path_mtu(), 1500);
  EXPECT_LE(events, limits::kEventBurst);
  EXPECT_EQ(pair.host.count(Verdict::kInboundPathMtuRefused), 1000U);
}

TEST_F(TooBig, PMT_about_traffic_that_is_secured_it_is_made_up_whatever_lets_icmp_pass) {
  const FilterPair secure = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  const FilterPair icmp = mirrored(200, between("0.0.0.0/0", "0.0.0.0/0", kProtocolIcmp), Action::kPermit);
  pair.host.set_filters({icmp.outbound, icmp.inbound, secure.outbound, secure.inbound});
  const auto heard = hear(pair.segment(1000, 1400), 600);
  EXPECT_THAT(heard.to_host, testing::IsEmpty());
  EXPECT_EQ(pair.host.count(Verdict::kInboundPathMtuRefused), 1U);
}

// RFC 4301 6.2: the router cannot know that it should speak IPsec.
TEST_F(TooBig, PMT_about_permitted_traffic_it_reaches_the_stack_whatever_is_demanded_of_the_router) {
  FilterPair web = mirrored(300, between("10.77.0.1", "198.51.100.7", kProtocolTcp), Action::kPermit);
  const FilterPair all = mirrored(kFilter, between("10.77.0.1", "0.0.0.0/0"), Action::kNegotiate);
  pair.host.set_filters({web.outbound, web.inbound, all.outbound, all.inbound});
  const Bytes permitted = tcp_packet({pair.host.own(), address("198.51.100.7")}, {}, pattern(1400));
  EXPECT_EQ(hear(permitted, 1300).to_host.size(), 1U);
  EXPECT_EQ(pair.host.count(Verdict::kInboundPathMtuPassed), 1U);
  // Other ICMP of that router is refused as before.
  Bytes other = too_big(pair.host.own(), permitted, 1300);
  other[21] = 1;
  EXPECT_THAT(pair.host.receive(other).to_host, testing::IsEmpty());
  EXPECT_EQ(pair.host.count(Verdict::kInboundClearRefused), 1U);
}

TEST_F(TooBig, PMT_about_blocked_traffic_it_is_made_up) {
  FilterPair telnet = mirrored(300, between("10.77.0.1", "0.0.0.0/0", kProtocolTcp), Action::kBlock);
  pair.host.set_filters({telnet.outbound, telnet.inbound});
  EXPECT_THAT(hear(pair.segment(1000, 1000), 1300).to_host, testing::IsEmpty());
}

TEST_F(TooBig, PMT_every_truncation_is_safe) {
  const Bytes packet = esp();
  for (std::size_t quoted = 0; quoted < 40; ++quoted) hear(packet, 1300, quoted);
  EXPECT_EQ(path_mtu(), 1300);
}

TEST_F(TooBig, PMT_what_is_shown_is_what_fits) {
  const SaStatus status = pair.outbound();
  EXPECT_EQ(status.path_mtu, 1500);
  EXPECT_EQ(status.path_mtu_source, PathMtuSource::kLink);
  EXPECT_EQ(status.inner_mtu, 1466);
  EXPECT_EQ(pair.host.send(pair.segment(1, 1466 - 40)).to_wire.size(), 1U);
  EXPECT_EQ(pair.host.send(pair.segment(1, 1466 - 39)).to_wire.size(), 0U);
}

}  // namespace
}  // namespace ipsec::driver::tests

// Manual SAs: keys from the administrator instead of IKE (ARC-09).
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/control.h"
#include "services/driver/core/limits.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

using std::chrono::seconds;
using testing::IsEmpty;

constexpr std::uint32_t kForth = 0x1000;
constexpr std::uint32_t kBack = 0x2000;

class ManualSa : public testing::Test {
 protected:
  ManualSa() {
    demand(left, "10.77.0.2");
    demand(right, "10.77.0.1");
  }

  static void demand(TestHost& host, std::string_view peer) {
    const FilterPair pair = mirrored(kFilter, between(host.own().to_string(), peer), Action::kNegotiate);
    host.set_filters({pair.outbound, pair.inbound});
  }
  static SaRecipe forth() {
    SaRecipe recipe;
    recipe.selector = between("10.77.0.1", "10.77.0.2");
    return recipe;
  }
  static SaRecipe back() {
    SaRecipe recipe;
    recipe.selector = between("10.77.0.2", "10.77.0.1");
    return recipe;
  }
  Bytes ping(std::size_t size = 20) const { return icmp_echo({left.own(), right.own()}, size); }
  Bytes answer() const { return icmp_echo({right.own(), left.own()}, 20); }
  static std::uint32_t spi_of(const Stored& packet) { return load_u32(&packet.bytes[20]); }
  static std::uint32_t sequence_of(const Stored& packet) { return load_u32(&packet.bytes[24]); }
  Status install(TestHost& host, const SaRecipe& recipe, std::uint32_t spi, Direction direction) {
    SaParameters sa = parameters_of(left, right, recipe, spi, direction);
    sa.manual = true;
    return host.control().install_sa(std::move(sa), host.now);
  }
  std::vector<DriverEvent> tick_after(TestHost& host, Duration time) {
    host.now = host.now + time;
    return host.control().tick(host.now);
  }

  TestHost left{"10.77.0.1"};
  TestHost right{"10.77.0.2"};
};

TEST_F(ManualSa, ARC_09_traffic_is_protected_both_ways_and_nobody_asks_ike) {
  SaRecipe bundle = forth();
  bundle.cipher = Cipher::kAes128Cbc;
  bundle.integrity = Integrity::kSha256;
  bundle.around = Integrity::kSha1;
  SaRecipe header = forth();
  header.protocol = SecurityProtocol::kAh;
  header.cipher = Cipher::kNull;
  header.integrity = Integrity::kAes128Gmac;
  std::uint32_t spi = kForth;
  for (const SaRecipe& recipe : {forth(), bundle, header}) {
    connect_manually(left, right, recipe, spi);
    connect_manually(right, left, back(), spi + kBack);
    const auto sent = left.send(ping());
    EXPECT_THAT(sent.events, IsEmpty());
    ASSERT_EQ(sent.to_wire.size(), 1U);
    EXPECT_NE(sent.to_wire[0].bytes, ping());
    const auto received = right.receive(sent.to_wire);
    ASSERT_EQ(received.to_host.size(), 1U);
    EXPECT_EQ(received.to_host[0].bytes, ping());
    EXPECT_EQ(left.receive(right.send(answer()).to_wire).to_host.at(0).bytes, answer());
    spi += 0x10;
  }
}

TEST_F(ManualSa, ARC_09_it_comes_before_a_negotiated_one_and_gives_way_when_it_is_deleted) {
  SaRecipe negotiated = forth();
  negotiated.outbound_filter = kFilter;
  const std::uint32_t spi = connect(left, right, negotiated);
  EXPECT_EQ(spi_of(left.send(ping()).to_wire.at(0)), spi);
  connect_manually(left, right, forth(), kForth);
  EXPECT_EQ(spi_of(left.send(ping()).to_wire.at(0)), kForth);
  // What IKE makes meanwhile neither replaces it nor is preferred to it.
  connect(left, right, negotiated);
  EXPECT_EQ(spi_of(left.send(ping()).to_wire.at(0)), kForth);
  EXPECT_TRUE(left.control().delete_sa(kForth, Direction::kOutbound, SecurityProtocol::kEsp, right.own()));
  EXPECT_NE(spi_of(left.send(ping()).to_wire.at(0)), kForth);
}

TEST_F(ManualSa, the_newest_is_used_and_the_older_still_receives) {
  connect_manually(left, right, forth(), kForth);
  const auto on_its_way = left.send(ping());
  connect_manually(left, right, forth(), kForth + 1);
  EXPECT_EQ(spi_of(left.send(ping()).to_wire.at(0)), kForth + 1);
  EXPECT_EQ(right.receive(on_its_way.to_wire).to_host.size(), 1U);
}

TEST_F(ManualSa, only_traffic_of_its_selector_and_mode_uses_it) {
  SaRecipe tcp = forth();
  tcp.selector = between("10.77.0.1", "10.77.0.2", kProtocolTcp);
  connect_manually(left, right, tcp, kForth);
  EXPECT_EQ(events_of<Acquire>(left.send(ping()).events).size(), 1U);
  SaRecipe tunnel = forth();
  tunnel.encapsulation = Encapsulation::kTunnel;
  connect_manually(left, right, tunnel, kForth + 1);
  EXPECT_THAT(left.send(ping()).to_wire, IsEmpty()) << "the filter asks for transport mode";
  FilterPair through = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  through.outbound.tunnel_source = left.own();
  through.outbound.tunnel_destination = right.own();
  left.set_filters({through.outbound});
  FilterPair back = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
  back.inbound.tunnel_source = left.own();
  back.inbound.tunnel_destination = right.own();
  right.set_filters({back.inbound});
  const auto sent = left.send(ping());
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(spi_of(sent.to_wire[0]), kForth + 1);
  EXPECT_EQ(right.receive(sent.to_wire).to_host.at(0).bytes, ping());
}

TEST_F(ManualSa, DRV_23_packets_that_waited_for_ike_leave_under_it) {
  EXPECT_EQ(events_of<Acquire>(left.send(ping()).events).size(), 1U);
  connect_manually(left, right, forth(), kForth);
  ASSERT_TRUE(left.control().has_released_packets());
  EXPECT_EQ(right.receive(left.send_released().to_wire).to_host.at(0).bytes, ping());
  EXPECT_THAT(left.control().pending_acquires(), IsEmpty());
}

TEST_F(ManualSa, PA_26_neither_policy_nor_idleness_ends_it) {
  connect_manually(left, right, forth(), kForth);
  EXPECT_THAT(tick_after(left, 10 * limits::kSaIdleTime), IsEmpty());
  ASSERT_TRUE(left.control().set_policy({}).ok());
  EXPECT_EQ(left.control().list_sas(left.now).size(), 1U);
  demand(left, "10.77.0.2");
  EXPECT_EQ(spi_of(left.send(ping()).to_wire.at(0)), kForth);
  // A filter that permits or blocks has no use for it.
  left.set_filters({mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kBlock).outbound});
  EXPECT_THAT(left.send(ping()).to_wire, IsEmpty());
}

TEST_F(ManualSa, IN_14_clear_beside_it_is_refused_even_with_inbound_passthrough) {
  FilterPair pair = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
  pair.inbound.inbound_passthrough = true;
  right.set_filters({pair.outbound, pair.inbound});
  EXPECT_EQ(right.receive(ping()).to_host.size(), 1U);
  connect_manually(right, left, back(), kBack);
  EXPECT_THAT(right.receive(ping()).to_host, IsEmpty());
  EXPECT_EQ(right.count(Verdict::kInboundClearRefused), 1U);
}

TEST_F(ManualSa, an_spi_in_use_is_refused_by_its_owner) {
  const auto reserved = right.control().reserve_spi(SecurityProtocol::kEsp, right.own(), left.own(), right.now);
  Status status = install(right, forth(), *reserved, Direction::kInbound);
  EXPECT_EQ(status.code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(status.message(), testing::HasSubstr("reserved for a negotiation"));
  connect_manually(left, right, forth(), kForth);
  status = install(right, forth(), kForth, Direction::kInbound);
  EXPECT_EQ(status.code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(status.message(), testing::HasSubstr("inbound SA from 10.77.0.1"));
  EXPECT_EQ(install(left, forth(), kForth, Direction::kOutbound).code(), ErrorCode::kAlreadyExists);
  // Nor does a negotiation get it.
  right.random().next_u32(kForth);
  EXPECT_NE(*right.control().reserve_spi(SecurityProtocol::kEsp, right.own(), left.own(), right.now), kForth);
}

TEST_F(ManualSa, what_contradicts_itself_is_refused) {
  SaRecipe soft = forth();
  soft.soft = true;
  EXPECT_EQ(install(left, soft, kForth, Direction::kOutbound).code(), ErrorCode::kInvalid);
  SaRecipe of_a_filter = forth();
  of_a_filter.outbound_filter = kFilter;
  EXPECT_EQ(install(left, of_a_filter, kForth, Direction::kOutbound).code(), ErrorCode::kInvalid);
  SaRecipe used_up = forth();
  used_up.last_sequence = limits::kSequenceHardLimit;
  EXPECT_THAT(install(left, used_up, kForth, Direction::kOutbound).message(), testing::HasSubstr("no sequence number"));
}

TEST_F(ManualSa, KEY_01_KEY_08_beyond_its_seconds_packets_are_dropped_by_name_and_nothing_is_negotiated) {
  SaRecipe timed = forth();
  timed.lifetime_seconds = 1000;
  connect_manually(left, right, timed, kForth);
  const auto near = events_of<ManualSaLimit>(tick_after(left, seconds(950)));
  const ManualSaLimit limit{kForth,      Direction::kOutbound,  SecurityProtocol::kEsp,
                            right.own(), RekeyReason::kSeconds, false};
  EXPECT_EQ(near, std::vector{limit});
  EXPECT_THAT(tick_after(left, seconds(1)), IsEmpty()) << "said once";
  const auto last = left.send(ping());
  EXPECT_EQ(last.to_wire.size(), 1U);
  const auto reached = tick_after(left, seconds(49));
  ASSERT_EQ(events_of<ManualSaLimit>(reached).size(), 1U);
  EXPECT_TRUE(events_of<ManualSaLimit>(reached)[0].reached);
  EXPECT_EQ(reached.size(), 1U) << "IKE hears of none of it";
  const auto refused = left.send(ping());
  EXPECT_THAT(refused.to_wire, IsEmpty());
  EXPECT_THAT(events_of<Acquire>(refused.events), IsEmpty());
  EXPECT_EQ(left.count(Verdict::kOutboundSaExpired), 1U);
  EXPECT_TRUE(left.control().list_sas(left.now).at(0).ended);

  tick_after(right, seconds(1000));
  EXPECT_THAT(right.receive(last.to_wire).to_host, IsEmpty());
  EXPECT_EQ(right.count(Verdict::kInboundSaExpired), 1U);
}

TEST_F(ManualSa, KEY_01_DRV_06_beyond_its_kilobytes_too) {
  SaRecipe counted = forth();
  counted.lifetime_kilobytes = 1;
  connect_manually(left, right, counted, kForth);
  EXPECT_EQ(left.send(ping(1100)).to_wire.size(), 1U);
  const auto refused = left.send(ping());
  EXPECT_THAT(refused.to_wire, IsEmpty());
  EXPECT_THAT(events_of<RekeyNeeded>(refused.events), IsEmpty());
  EXPECT_EQ(left.count(Verdict::kOutboundSaExpired), 1U);
  const auto limits = events_of<ManualSaLimit>(tick_after(left, seconds(1)));
  ASSERT_EQ(limits.size(), 1U);
  EXPECT_EQ(limits[0].reason, RekeyReason::kKilobytes);
  EXPECT_TRUE(limits[0].reached);
}

TEST_F(ManualSa, HDR_05_sequence_numbers_never_wrap) {
  for (const bool ah : {false, true}) {
    SaRecipe nearly = forth();
    nearly.last_sequence = limits::kSequenceHardLimit - 3;
    if (ah) {
      nearly.protocol = SecurityProtocol::kAh;
      nearly.cipher = Cipher::kNull;
      nearly.integrity = Integrity::kSha1;
    }
    const std::uint32_t spi = kForth + (ah ? 1 : 0);
    connect_manually(left, right, nearly, spi);
    for (const std::uint32_t expected : {0xFFFF'FFFDU, 0xFFFF'FFFEU, 0xFFFF'FFFFU}) {
      const auto sent = left.send(ping());
      ASSERT_EQ(sent.to_wire.size(), 1U);
      EXPECT_EQ(load_u32(&sent.to_wire[0].bytes[ah ? 28 : 24]), expected);
      EXPECT_EQ(right.receive(sent.to_wire).to_host.size(), 1U);
    }
    const std::uint64_t before = left.count(Verdict::kOutboundSequenceExhausted);
    for (int i = 0; i < 3; ++i) {
      const auto refused = left.send(ping());
      EXPECT_THAT(refused.to_wire, IsEmpty());
      EXPECT_THAT(events_of<Acquire>(refused.events), IsEmpty());
    }
    EXPECT_EQ(left.count(Verdict::kOutboundSequenceExhausted), before + 3);
    const auto limits = events_of<ManualSaLimit>(tick_after(left, seconds(1)));
    ASSERT_EQ(limits.size(), 1U);
    EXPECT_EQ(limits[0].reason, RekeyReason::kSequence);
    EXPECT_TRUE(limits[0].reached);
  }
}

// The same key again, with numbers that begin anew, must not give an IV again (RFC 4106 section 3.1).
TEST_F(ManualSa, ivs_of_counter_modes_differ_between_two_lives_of_one_key) {
  SaRecipe gmac = forth();
  gmac.protocol = SecurityProtocol::kAh;
  gmac.cipher = Cipher::kNull;
  gmac.integrity = Integrity::kAes128Gmac;
  SaRecipe chacha = forth();
  chacha.cipher = Cipher::kChacha20Poly1305;
  std::uint32_t spi = kForth;
  for (const SaRecipe& recipe : {forth(), chacha, gmac}) {
    const bool ah = recipe.protocol == SecurityProtocol::kAh;
    std::set<std::uint64_t> ivs;
    for (int life = 0; life < 3; ++life) {
      connect_manually(left, right, recipe, ++spi);
      for (int i = 0; i < 5; ++i) {
        const auto sent = left.send(ping());
        ASSERT_EQ(sent.to_wire.size(), 1U);
        EXPECT_TRUE(ivs.insert(load_u64(&sent.to_wire[0].bytes[ah ? 32 : 28])).second);
        EXPECT_EQ(right.receive(sent.to_wire).to_host.size(), 1U);
      }
      left.control().delete_sa(spi, Direction::kOutbound, recipe.protocol, right.own());
    }
    EXPECT_EQ(ivs.size(), 15U);
  }
}

// In another process of the driver: what was received before is refused, what comes next is not.
TEST_F(ManualSa, HDR_06_it_goes_on_after_the_numbers_it_is_given) {
  for (const std::uint32_t window : {64U, 1000U, 65536U}) {
    SaRecipe recipe = forth();
    recipe.replay_window = window;
    const std::uint32_t spi = kForth + window;
    recipe.last_sequence = 70'000;
    connect_manually(left, right, recipe, spi);
    std::vector<Stored> packets;
    for (int i = 0; i < 40; ++i) packets.push_back(left.send(ping()).to_wire.at(0));
    EXPECT_EQ(sequence_of(packets.front()), 70'001U);
    ASSERT_TRUE(right.control().delete_sa(spi, Direction::kInbound, SecurityProtocol::kEsp, left.own()));
    recipe.last_sequence = 70'035;
    ASSERT_TRUE(install(right, recipe, spi, Direction::kInbound).ok());
    for (const Stored& packet : packets) {
      const bool is_new = sequence_of(packet) > 70'035;
      EXPECT_EQ(right.receive({packet}).to_host.size(), is_new ? 1U : 0U) << window << ": " << sequence_of(packet);
    }
    EXPECT_EQ(right.control().list_sas(right.now).back().last_sequence, 70'040U);
  }
}

}  // namespace
}  // namespace ipsec::driver::tests

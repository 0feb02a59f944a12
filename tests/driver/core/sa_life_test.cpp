// The life of an SA on the wire: sequence numbers, windows, limits, successors. With real packets and virtual time.
#include <deque>
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

class SaLife : public testing::Test {
 protected:
  SaLife() {
    const FilterPair near = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
    left.set_filters({near.outbound, near.inbound});
    const FilterPair far = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
    right.set_filters({far.outbound, far.inbound});
  }

  static SaRecipe recipe() {
    SaRecipe recipe;
    recipe.selector = between("10.77.0.1", "10.77.0.2");
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    return recipe;
  }
  Bytes ping(std::uint16_t mark = 0) const { return udp_packet({left.own(), right.own()}, mark, 7, pattern(20)); }
  static std::uint32_t spi_of(const Stored& packet) { return load_u32(&packet.bytes[20]); }
  static std::uint32_t sequence_of(const Stored& packet) { return load_u32(&packet.bytes[24]); }
  Stored sent() { return left.send(ping()).to_wire.at(0); }
  bool is_accepted(const Stored& packet) { return !right.receive({packet}).to_host.empty(); }

  TestHost left{"10.77.0.1"};
  TestHost right{"10.77.0.2"};
};

TEST_F(SaLife, HDR_06_a_window_of_every_size_takes_what_is_just_inside_and_nothing_else) {
  for (const std::uint32_t window : {64U, 65U, 100U, 1024U, 65536U}) {
    SaRecipe wide = recipe();
    wide.replay_window = window;
    wide.last_sequence = 1'000'000;
    connect(left, right, wide);
    const Stored outside = sent();
    const Stored inside = sent();
    Stored last;
    for (std::uint32_t i = 0; i + 1 < window; ++i) last = sent();
    EXPECT_TRUE(is_accepted(last));
    const std::uint64_t too_old = right.count(Verdict::kInboundTooOld);
    EXPECT_FALSE(is_accepted(outside)) << window;
    EXPECT_EQ(right.count(Verdict::kInboundTooOld), too_old + 1);
    EXPECT_TRUE(is_accepted(inside)) << window;
    const std::uint64_t replayed = right.count(Verdict::kInboundReplayed);
    EXPECT_FALSE(is_accepted(inside)) << window;
    EXPECT_FALSE(is_accepted(last)) << window;
    EXPECT_EQ(right.count(Verdict::kInboundReplayed), replayed + 2);
  }
}

// Only the low half travels; the high half is in the ICV, so that a receiver with the wrong one refuses.
TEST_F(SaLife, HDR_05_extended_numbers_go_on_where_the_low_half_wraps) {
  SaRecipe gcm = recipe();
  SaRecipe cbc = recipe();
  cbc.cipher = Cipher::kAes128Cbc;
  cbc.integrity = Integrity::kSha256;
  SaRecipe ah = recipe();
  ah.protocol = SecurityProtocol::kAh;
  ah.cipher = Cipher::kNull;
  ah.integrity = Integrity::kSha1;
  for (SaRecipe extended : {gcm, cbc, ah}) {
    const std::size_t at = extended.protocol == SecurityProtocol::kAh ? 28 : 24;
    extended.extended_sequence = true;
    extended.last_sequence = 0xFFFF'FFFD;
    connect(left, right, extended);
    std::vector<Stored> packets;
    for (const std::uint32_t low : {0xFFFF'FFFEU, 0xFFFF'FFFFU, 0U, 1U, 2U}) {
      packets.push_back(sent());
      EXPECT_EQ(load_u32(&packets.back().bytes[at]), low);
    }
    // In another order: the receiver tells the high half of each by its window.
    for (const std::size_t i : {2U, 0U, 4U, 1U, 3U}) EXPECT_TRUE(is_accepted(packets[i])) << i;
    for (const Stored& packet : packets) EXPECT_FALSE(is_accepted(packet));
  }
}

TEST_F(SaLife, HDR_05_a_high_half_that_is_another_is_not_authentic) {
  SaRecipe extended = recipe();
  extended.extended_sequence = true;
  extended.last_sequence = 0x1'0000'0000;
  const std::uint32_t spi = connect(left, right, extended);
  const Stored packet = sent();
  ASSERT_TRUE(right.control().delete_sa(spi, Direction::kInbound, SecurityProtocol::kEsp, left.own()));
  ASSERT_TRUE(left.control().delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, right.own()));
  right.random().next_u32(spi);
  extended.last_sequence = 0x2'0000'0000;
  ASSERT_EQ(connect(left, right, extended), spi);
  EXPECT_FALSE(is_accepted(packet));
  EXPECT_EQ(right.count(Verdict::kInboundNotAuthentic), 1U);
}

TEST_F(SaLife, HDR_05_OUT_10_OUT_11_used_up_sequence_numbers_force_a_rekey_and_never_wrap) {
  SaRecipe nearly = recipe();
  nearly.last_sequence = limits::kSequenceSoftLimit - 2;
  const std::uint32_t spi = connect(left, right, nearly);
  EXPECT_THAT(left.send(ping()).events, IsEmpty());
  const std::vector asked{RekeyNeeded{spi, right.own(), kFilter, RekeyReason::kSequence}};
  EXPECT_EQ(events_of<RekeyNeeded>(left.send(ping()).events), asked);
  EXPECT_THAT(left.send(ping()).events, IsEmpty()) << "asked once";

  nearly.last_sequence = limits::kSequenceHardLimit - 1;
  const std::uint32_t used_up = connect(left, right, nearly);
  EXPECT_EQ(sequence_of(sent()), 0xFFFF'FFFFU);
  const auto waits = left.send(ping());
  EXPECT_THAT(waits.to_wire, IsEmpty());
  EXPECT_EQ(events_of<Acquire>(waits.events).size(), 1U);
  SaRecipe successor = recipe();
  successor.replaces = used_up;
  connect(left, right, successor);
  const auto released = left.send_released();
  ASSERT_EQ(released.to_wire.size(), 1U);
  EXPECT_EQ(sequence_of(released.to_wire[0]), 1U);
}

// Make before break: packets of the old SA are under way while the new one is installed in IKE's order, the receiver's
// inbound half first. Not one is lost, none comes twice.
TEST_F(SaLife, KEY_07_a_rekey_under_load_loses_no_packet) {
  std::uint32_t spi = connect(left, right, recipe());
  std::deque<Stored> wire;
  std::set<std::uint16_t> arrived;
  constexpr std::uint16_t kFirst = 10000;  // source ports that are not IKE's
  std::uint16_t next = kFirst;
  const auto run = [&](int packets) {
    for (int i = 0; i < packets; ++i) {
      const auto out = left.send(ping(++next));
      ASSERT_EQ(out.to_wire.size(), 1U) << "packet " << next;
      ASSERT_THAT(events_of<Acquire>(out.events), IsEmpty());
      wire.push_back(out.to_wire[0]);
      if (wire.size() <= 30) continue;
      for (const Stored& packet : right.receive({wire.front()}).to_host) {
        EXPECT_TRUE(arrived.insert(load_u16(&packet.bytes[20])).second);
      }
      wire.pop_front();
    }
  };
  for (int rekey = 0; rekey < 20; ++rekey) {
    run(50);
    const auto successor = right.control().reserve_spi(SecurityProtocol::kEsp, right.own(), left.own(), right.now);
    ASSERT_TRUE(successor.ok());
    SaRecipe recipe_of_successor = recipe();
    recipe_of_successor.replaces = spi;
    run(7);
    const auto parameters = [&](Direction direction) {
      return parameters_of(left, right, recipe_of_successor, *successor, direction);
    };
    ASSERT_TRUE(right.control().install_sa(parameters(Direction::kInbound), right.now).ok());
    run(7);
    ASSERT_TRUE(left.control().install_sa(parameters(Direction::kOutbound), left.now).ok());
    spi = *successor;
    run(7);
    EXPECT_EQ(spi_of(wire.back()), spi);
    left.now = right.now = left.now + seconds(10);
    left.control().tick(left.now);
    right.control().tick(right.now);
  }
  for (const Stored& packet : wire) {
    for (const Stored& opened : right.receive({packet}).to_host) arrived.insert(load_u16(&opened.bytes[20]));
  }
  EXPECT_EQ(arrived.size(), std::size_t{next} - kFirst);
}

TEST_F(SaLife, IN_17_a_flood_of_unknown_spis_is_a_few_events_with_the_senders_address) {
  connect(left, right, recipe());
  Stored unknown = sent();
  std::vector<AuditEvent> events;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    store_u32(&unknown.bytes[20], 0x7000'0000 + i);
    for (const AuditEvent& event : events_of<AuditEvent>(right.receive({unknown}).events)) events.push_back(event);
  }
  ASSERT_EQ(events.size(), limits::kEventBurst);
  EXPECT_EQ(events[0].verdict, Verdict::kInboundBadSpi);
  EXPECT_EQ(events[0].packet.source, left.own());
  EXPECT_EQ(events[0].spi, 0x7000'0000U);
  right.now = right.now + limits::kEventInterval;
  const auto later = events_of<AuditEvent>(right.receive({unknown}).events);
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].suppressed, 1000U - limits::kEventBurst);
  EXPECT_EQ(right.count(Verdict::kInboundBadSpi), 1001U);
}

TEST_F(SaLife, DRV_14_a_larval_sa_that_does_not_grow_up_is_forgotten) {
  const auto spi = right.control().reserve_spi(SecurityProtocol::kEsp, right.own(), left.own(), right.now);
  right.now = right.now + limits::kLarvalLifetime;
  right.control().tick(right.now);
  EXPECT_EQ(right.control().statistics().pending_keys, 0U);
  const Status late =
      right.control().install_sa(parameters_of(left, right, recipe(), *spi, Direction::kInbound), right.now);
  EXPECT_EQ(late.code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ipsec::driver::tests

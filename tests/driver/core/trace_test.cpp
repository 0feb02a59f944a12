// The steps of the documented sequences, as a trace and as an explanation tell them.
#include <gtest/gtest.h>

#include "services/driver/core/probe.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

using Steps = std::vector<std::string>;

Steps rows(const PacketTrace& trace) {
  Steps found;
  for (const auto& entry : trace.steps) {
    if (!info(entry.step).row.empty()) found.emplace_back(info(entry.step).row);
  }
  return found;
}

struct Traced {
  explicit Traced(Action action) : left("10.77.0.1"), right("10.77.0.2") {
    const FilterPair near = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), action);
    left.set_filters({near.outbound, near.inbound});
    const FilterPair far = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), action);
    right.set_filters({far.outbound, far.inbound});
    recipe.selector = near.outbound.selector;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
  }
  void trace(std::uint32_t count = 10, std::optional<IpAddress> source = {}) {
    for (TestHost* host : {&left, &right}) {
      host->control().set_trace(std::make_shared<TraceRequest>(source, std::nullopt, count));
    }
  }
  Bytes packet() const { return udp_packet({left.own(), right.own()}, 1025, 445, pattern(20)); }
  PacketTrace explain(TestHost& host, Direction direction, const FiveTuple& tuple) {
    Bytes probe = make_probe(tuple);
    return host.worker().explain(direction, {probe, {}}, *host.control().tables(), host.now);
  }

  TestHost left;
  TestHost right;
  SaRecipe recipe;
};

TEST(Trace, OUT_01_OUT_02_OUT_03_OUT_08_permit_block_and_no_filter) {
  Traced permit(Action::kPermit);
  permit.trace();
  auto traces = events_of<PacketTrace>(permit.left.send(permit.packet()).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-08", "OUT-19"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kOutboundPermitted);
  EXPECT_EQ(traces[0].filter_id, kFilter);
  EXPECT_EQ(traces[0].size, 48U);

  Traced block(Action::kBlock);
  block.trace();
  traces = events_of<PacketTrace>(block.left.send(block.packet()).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-08"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kOutboundBlocked);

  traces =
      events_of<PacketTrace>(block.left.send(udp_packet({block.left.own(), address("10.9.9.9")}, 1, 2, {})).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-19"}));
}

TEST(Trace, OUT_04_OUT_05_OUT_06_held_and_sent_when_the_sa_is_there) {
  Traced pair(Action::kNegotiate);
  pair.trace();
  auto traces = events_of<PacketTrace>(pair.left.send(pair.packet()).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-04", "OUT-05"}));
  EXPECT_FALSE(traces[0].verdict);
  const std::uint32_t spi = connect(pair.left, pair.right, pair.recipe);
  const auto released = pair.left.send_released();
  traces = events_of<PacketTrace>(released.events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-06", "OUT-02", "OUT-03", "OUT-04", "OUT-11", "OUT-12", "OUT-09", "OUT-14",
                                    "OUT-15", "OUT-18", "OUT-19"}));
  EXPECT_EQ(traces[0].spi, spi);
  EXPECT_EQ(traces[0].verdict, Verdict::kOutboundSecured);

  traces = events_of<PacketTrace>(pair.right.receive(released.to_wire).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]),
            (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16", "IN-19", "IN-20", "IN-22", "IN-18", "IN-24"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kInboundOpened);
  EXPECT_EQ(traces[0].spi, spi);
}

TEST(Trace, IN_06_IN_07_IN_09_IN_10_IN_11_permit_block_and_no_filter) {
  const std::pair<Action, Steps> actions[] = {
      {Action::kPermit, {"IN-01", "IN-02", "IN-03", "IN-05", "IN-06", "IN-09", "IN-10", "IN-24"}},
      {Action::kBlock, {"IN-01", "IN-02", "IN-03", "IN-05", "IN-06", "IN-09", "IN-11"}}};
  for (const auto& [action, expected] : actions) {
    Traced pair(action);
    pair.trace();
    auto traces = events_of<PacketTrace>(
        pair.left.receive(udp_packet({pair.right.own(), pair.left.own()}, 445, 1025, {})).events);
    ASSERT_EQ(traces.size(), 1U);
    EXPECT_EQ(rows(traces[0]), expected);
    traces = events_of<PacketTrace>(
        pair.left.receive(udp_packet({address("10.9.9.9"), pair.left.own()}, 445, 1025, {})).events);
    ASSERT_EQ(traces.size(), 1U);
    EXPECT_EQ(rows(traces[0]), (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-06", "IN-07", "IN-24"}));
  }
}

TEST(Trace, OUT_05_OUT_07_a_packet_right_after_a_failed_negotiation) {
  Traced pair(Action::kNegotiate);
  const auto acquires = events_of<Acquire>(pair.left.send(pair.packet()).events);
  ASSERT_EQ(acquires.size(), 1U);
  pair.left.control().acquire_failed(acquires[0].acquire_id, pair.left.now);
  pair.trace();
  const auto traces = events_of<PacketTrace>(pair.left.send(pair.packet()).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-04", "OUT-05", "OUT-07"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kOutboundBackOff);
}

TEST(Trace, IN_17_IN_21_unknown_spi_and_forgery) {
  Traced pair(Action::kNegotiate);
  connect(pair.left, pair.right, pair.recipe);
  pair.trace();
  Bytes wire = pair.left.send(pair.packet()).to_wire.at(0).bytes;
  wire.back() ^= 1;
  auto traces = events_of<PacketTrace>(pair.right.receive(wire).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16", "IN-19", "IN-21"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kInboundNotAuthentic);
  wire[20] ^= 1;
  traces = events_of<PacketTrace>(pair.right.receive(wire).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16", "IN-17"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kInboundBadSpi);
}

TEST(Trace, IN_06_IN_08_IN_09_IN_12_clear_packets) {
  Traced pair(Action::kNegotiate);
  pair.trace();
  const Bytes clear = udp_packet({pair.right.own(), pair.left.own()}, 445, 1025, pattern(20));
  auto traces = events_of<PacketTrace>(pair.left.receive(clear).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-06", "IN-08", "IN-09", "IN-11"}));
  EXPECT_EQ(traces[0].verdict, Verdict::kInboundClearRefused);
  connect(pair.left, pair.right, pair.recipe);
  traces = events_of<PacketTrace>(pair.left.receive(clear).events);
  ASSERT_EQ(traces.size(), 1U);
  EXPECT_EQ(rows(traces[0]), (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-06", "IN-08", "IN-12", "IN-14"}));
}

TEST(Trace, only_what_was_asked_for_and_only_so_often) {
  Traced pair(Action::kPermit);
  pair.trace(2, address("10.77.0.1"));
  std::size_t traced = 0;
  for (int i = 0; i < 5; ++i) {
    traced +=
        events_of<PacketTrace>(pair.left.send(udp_packet({address("10.1.1.1"), pair.right.own()}, 1, 2, {})).events)
            .size();
    traced += events_of<PacketTrace>(pair.left.send(pair.packet()).events).size();
  }
  EXPECT_EQ(traced, 2U);
  pair.left.control().set_trace(nullptr);
  EXPECT_TRUE(pair.left.send(pair.packet()).events.empty());
}

TEST(Trace, explaining_a_packet_changes_nothing) {
  Traced pair(Action::kNegotiate);
  const FiveTuple out{pair.left.own(), pair.right.own(), kProtocolTcp, 40000, 445};
  PacketTrace told = pair.explain(pair.left, Direction::kOutbound, out);
  EXPECT_EQ(rows(told), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-04", "OUT-05"}));
  EXPECT_FALSE(told.verdict);
  EXPECT_TRUE(pair.left.control().pending_acquires().empty());
  connect(pair.left, pair.right, pair.recipe);
  told = pair.explain(pair.left, Direction::kOutbound, out);
  EXPECT_EQ(rows(told), (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-04", "OUT-11", "OUT-12"}));
  EXPECT_EQ(told.verdict, Verdict::kOutboundSecured);
  told = pair.explain(pair.left, Direction::kInbound, out.reversed());
  EXPECT_EQ(told.verdict, Verdict::kInboundClearRefused);
  const Statistics after = pair.left.control().statistics();
  for (const std::uint64_t verdict : after.verdicts) EXPECT_EQ(verdict, 0U);
  for (const FilterStatistics& filter : after.filters) EXPECT_EQ(filter.packets, 0U);
  for (const SaStatus& sa : pair.left.control().list_sas(pair.left.now)) EXPECT_EQ(sa.packets, 0U);
  // The next packet has the first number: none was taken.
  EXPECT_EQ(load_u32(&pair.left.send(pair.packet()).to_wire.at(0).bytes[24]), 1U);
}

TEST(Trace, every_packet_has_exactly_one_trace_and_its_verdict) {
  Traced pair(Action::kNegotiate);
  connect(pair.left, pair.right, pair.recipe);
  pair.trace(100);
  std::vector<Stored> packets(70, Stored{pair.packet(), {}});
  const auto sent = pair.left.send(packets);
  EXPECT_EQ(events_of<PacketTrace>(sent.events).size(), 70U);
  const auto traces = events_of<PacketTrace>(pair.right.receive(sent.to_wire).events);
  ASSERT_EQ(traces.size(), 70U);
  for (const PacketTrace& trace : traces) EXPECT_EQ(trace.verdict, Verdict::kInboundOpened);
}

}  // namespace
}  // namespace ipsec::driver::tests

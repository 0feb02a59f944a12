// The documented steps as a packet meets them: each with real octets, and the trace that tells of it. Steps whose tests
// stand elsewhere: inbound_test.cpp, outbound_test.cpp, clear_test.cpp, trace_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/protection_room.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// What the trace says was found at this step; "-" where the packet did not meet it.
std::string found_at(const PacketTrace& trace, Step step) {
  for (const auto& entry : trace.steps) {
    if (entry.step == step) return entry.found;
  }
  return "-";
}

class Steps : public testing::Test {
 protected:
  Steps() { protect(); }

  // Both hosts negotiate for what they send each other, whatever it is inside.
  void protect(const SaRecipe& recipe = {}, Action action = Action::kNegotiate) {
    const bool tunnel = recipe.encapsulation == Encapsulation::kTunnel;
    const char* const here = tunnel ? "192.168.1.0/24" : "10.77.0.1";
    const char* const there = tunnel ? "192.168.2.0/24" : "10.77.0.2";
    FilterPair near = mirrored(kFilter, between(here, there), action);
    FilterPair far = mirrored(kFilter, between(there, here), action);
    if (tunnel) {
      near.outbound.tunnel_destination = right.own();
      far.inbound.tunnel_destination = right.own();
    }
    left.set_filters({near.outbound, near.inbound});
    right.set_filters({far.outbound, far.inbound});
    for (TestHost* host : {&left, &right}) {
      host->control().set_trace(std::make_shared<TraceRequest>(std::nullopt, std::nullopt, 1000));
    }
  }
  // An SA from left to right.
  std::uint32_t secure(SaRecipe recipe = {}) {
    const bool tunnel = recipe.encapsulation == Encapsulation::kTunnel;
    recipe.selector = tunnel ? between("192.168.1.0/24", "192.168.2.0/24") : between("10.77.0.1", "10.77.0.2");
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    return connect(left, right, recipe);
  }
  Bytes packet(std::size_t size = 20) const { return udp_packet({left.own(), right.own()}, 1025, 445, pattern(size)); }
  static PacketTrace the_trace(const TestHost::Result& result) {
    const auto traces = events_of<PacketTrace>(result.events);
    EXPECT_EQ(traces.size(), 1U);
    return traces.empty() ? PacketTrace{} : traces[0];
  }

  TestHost left{"10.77.0.1"};
  TestHost right{"10.77.0.2"};
};

TEST_F(Steps, IN_05_ah_esp_both_in_udp_or_neither) {
  SaRecipe ah;
  ah.protocol = SecurityProtocol::kAh;
  ah.cipher = Cipher::kNull;
  ah.integrity = Integrity::kSha256;
  SaRecipe both;
  both.around = Integrity::kSha256;
  SaRecipe in_udp;
  in_udp.udp = UdpEncapsulation{4500, 4500, std::nullopt, std::nullopt};
  struct Case {
    SaRecipe recipe;
    std::uint8_t protocol;  // on the wire
    const char* found;
  };
  const Case cases[] = {{{}, kProtocolEsp, "ESP"},
                        {ah, kProtocolAh, "AH"},
                        {both, kProtocolAh, "AH"},
                        {in_udp, kProtocolUdp, "ESP in UDP"}};
  for (const Case& one : cases) {
    protect();
    secure(one.recipe);
    const auto wire = left.send(packet()).to_wire;
    ASSERT_EQ(wire.size(), 1U) << one.found;
    EXPECT_EQ(wire[0].bytes[9], one.protocol);
    const auto received = right.receive(wire);
    EXPECT_EQ(found_at(the_trace(received), Step::kInParse), one.found);
    ASSERT_EQ(received.to_host.size(), 1U) << one.found;
    EXPECT_EQ(received.to_host[0].bytes, packet());
  }
  const auto clear = right.receive(packet());
  EXPECT_EQ(found_at(the_trace(clear), Step::kInParse), "neither");
  EXPECT_TRUE(clear.to_host.empty());
}

// By what is in the packet: an SA for TCP is none for UDP.
TEST_F(Steps, IN_08_the_sa_of_a_clear_packet_is_found_by_its_content) {
  SaRecipe recipe;
  recipe.selector = between("10.77.0.1", "10.77.0.2", kProtocolTcp);
  recipe.outbound_filter = kFilter;
  connect(left, right, recipe);
  const auto tcp = left.receive(tcp_packet({right.own(), left.own()}, {}, {}));
  EXPECT_THAT(found_at(the_trace(tcp), Step::kInClearSa), testing::HasSubstr("ESP"));
  const auto udp = left.receive(udp_packet({right.own(), left.own()}, 445, 1025, {}));
  EXPECT_EQ(found_at(the_trace(udp), Step::kInClearSa), "none");
  EXPECT_TRUE(tcp.to_host.empty());
  EXPECT_TRUE(udp.to_host.empty());
}

TEST_F(Steps, IN_12_IN_13_a_soft_sa_lets_it_pass_and_the_trace_says_so) {
  FilterPair filters = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  filters.outbound.allow_soft = filters.inbound.allow_soft = true;
  left.set_filters({filters.outbound, filters.inbound});
  SaRecipe recipe;
  recipe.soft = true;
  recipe.outbound_filter = kFilter;
  recipe.selector = filters.outbound.selector;
  ASSERT_TRUE(
      left.control().install_sa(parameters_of(left, right, recipe, 0x1234, Direction::kOutbound), left.now).ok());
  const Bytes clear = udp_packet({right.own(), left.own()}, 445, 1025, pattern(9));
  const auto received = left.receive(clear);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, clear);
  const PacketTrace trace = the_trace(received);
  EXPECT_EQ(found_at(trace, Step::kInSoft), "yes");
  EXPECT_NE(found_at(trace, Step::kInSoftPasses), "-");
  EXPECT_EQ(trace.verdict, Verdict::kInboundSoft);
}

TEST_F(Steps, IN_15_IN_16_the_spi_on_the_wire_is_taken_and_its_sa_found) {
  const std::uint32_t first = secure();
  SaRecipe second;
  second.replaces = first;
  const auto before = left.send(packet()).to_wire;
  const std::uint32_t later = secure(second);
  const auto after = left.send(packet()).to_wire;
  for (const auto& [wire, spi] : {std::pair(before, first), std::pair(after, later)}) {
    ASSERT_EQ(load_u32(&wire.at(0).bytes[20]), spi);
    const auto received = right.receive(wire);
    const PacketTrace trace = the_trace(received);
    EXPECT_EQ(found_at(trace, Step::kInSpi), fmt::format("{:#010x}", spi));
    EXPECT_THAT(found_at(trace, Step::kInLookUp), testing::HasSubstr(fmt::format("{:#010x}", spi)));
    EXPECT_EQ(trace.spi, spi);
    EXPECT_EQ(received.to_host.size(), 1U);
  }
}

// A tunnel inside a tunnel, as transport inside tunnel: what comes out is taken as if it had just arrived.
TEST_F(Steps, IN_23_the_inner_packet_makes_a_second_pass) {
  secure();
  const auto inner = left.send(packet()).to_wire.at(0).bytes;
  // The outer SA is for what the inner one has made; a third host stands for the gateway that adds it.
  TestHost gateway("10.77.0.9");
  const FilterPair carry = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  FilterPair tunnel = carry;
  tunnel.outbound.tunnel_destination = right.own();
  gateway.set_filters({tunnel.outbound});
  SaRecipe recipe;
  recipe.encapsulation = Encapsulation::kTunnel;
  recipe.selector = between("10.77.0.1", "10.77.0.2");
  recipe.outbound_filter = kFilter;
  connect(gateway, right, recipe);
  const auto received = right.receive(gateway.send(inner).to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, packet());
  const PacketTrace trace = the_trace(received);
  std::vector<std::string_view> rows;
  for (const auto& entry : trace.steps) rows.push_back(info(entry.step).row);
  const std::vector<std::string_view> expected = {"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16",
                                                  "IN-19", "IN-20", "IN-22", "IN-18", "IN-23", "IN-15",
                                                  "IN-16", "IN-19", "IN-20", "IN-22", "IN-18", "IN-24"};
  EXPECT_EQ(rows, expected);
}

// IN-23: the inner packet meets the filters again. An SA may carry more than the policy lets in.
TEST_F(Steps, IN_23_what_a_block_filter_forbids_does_not_come_in_under_an_sa) {
  for (const auto encapsulation : {Encapsulation::kTransport, Encapsulation::kTunnel}) {
    SaRecipe recipe;
    recipe.encapsulation = encapsulation;
    protect(recipe);
    const bool tunnel = encapsulation == Encapsulation::kTunnel;
    const char* const from = tunnel ? "192.168.1.7" : "10.77.0.1";
    const char* const to = tunnel ? "192.168.2.7" : "10.77.0.2";
    // Left does not know of the block.
    const FilterPair wide = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
    const FilterPair shut = mirrored(kFilter + 10, between("0.0.0.0/0", "0.0.0.0/0", kProtocolTcp), Action::kBlock);
    right.set_filters({shut.outbound, shut.inbound, wide.outbound, wide.inbound});
    secure(recipe);
    const std::uint64_t before = right.count(Verdict::kInboundBlocked);
    const auto tcp = right.receive(left.send(tcp_packet({address(from), address(to)}, {}, pattern(5))).to_wire);
    EXPECT_TRUE(tcp.to_host.empty());
    EXPECT_EQ(right.count(Verdict::kInboundBlocked), before + 1);
    const auto udp = right.receive(left.send(udp_packet({address(from), address(to)}, 1, 2, pattern(5))).to_wire);
    EXPECT_EQ(udp.to_host.size(), 1U);
  }
}

// The headers as the SA wants them, before any cryptography: sizes, addresses, numbers.
TEST_F(Steps, OUT_14_headers_are_built_for_the_sa) {
  struct Case {
    const char* name;
    SaRecipe recipe;
    std::size_t first_header;  // size of what stands before ESP or AH
  };
  SaRecipe transport;
  SaRecipe tunnel;
  tunnel.encapsulation = Encapsulation::kTunnel;
  SaRecipe ah;
  ah.protocol = SecurityProtocol::kAh;
  ah.cipher = Cipher::kNull;
  ah.integrity = Integrity::kSha256;
  SaRecipe cbc;
  cbc.cipher = Cipher::kAes128Cbc;
  cbc.integrity = Integrity::kSha1;
  for (const Case& one : {Case{"ESP transport", transport, 20}, Case{"ESP tunnel", tunnel, 20},
                          Case{"AH transport", ah, 20}, Case{"ESP CBC", cbc, 20}}) {
    protect(one.recipe);
    const std::uint32_t spi = secure(one.recipe);
    const bool in_tunnel = one.recipe.encapsulation == Encapsulation::kTunnel;
    const bool is_ah = one.recipe.protocol == SecurityProtocol::kAh;
    const Bytes inner =
        udp_packet({address(in_tunnel ? "192.168.1.7" : "10.77.0.1"), address(in_tunnel ? "192.168.2.7" : "10.77.0.2")},
                   1025, 445, pattern(20));
    const auto sent = left.send(inner);
    ASSERT_EQ(sent.to_wire.size(), 1U) << one.name;
    Bytes wire = sent.to_wire[0].bytes;
    const PacketTrace trace = the_trace(sent);
    EXPECT_EQ(found_at(trace, Step::kOutHeaders), fmt::format("{} octets", wire.size())) << one.name;
    EXPECT_EQ(wire[9], is_ah ? kProtocolAh : kProtocolEsp) << one.name;
    EXPECT_EQ(load_u16(&wire[2]), wire.size()) << one.name;
    EXPECT_EQ(load_u32(&wire[one.first_header + (is_ah ? 4 : 0)]), spi) << one.name;
    EXPECT_EQ(load_u32(&wire[one.first_header + (is_ah ? 8 : 4)]), 1U) << one.name;
    const auto outer = parse_ip(wire);
    ASSERT_TRUE(outer) << one.name;
    EXPECT_EQ(outer->tuple.source, left.own()) << one.name;
    EXPECT_EQ(outer->tuple.destination, right.own()) << one.name;
    // Room for what the SA adds, and for nothing else.
    const Sa& sa = *left.control().tables()->sas.find_outbound(spi, one.recipe.protocol, right.own());
    Bytes copy = inner;
    const PacketView view = *parse_ip(copy);
    const ProtectionRoom room = protection_room(sa, view.protect_offset, 1500);
    EXPECT_EQ(wire.size(), room.carrier_size(sa, inner.size() - (in_tunnel ? 0 : view.protect_offset))) << one.name;
    EXPECT_EQ(right.receive(sent.to_wire).to_host.size(), 1U) << one.name;
  }
}

TEST_F(Steps, OUT_19_the_changed_packet_leaves_and_the_original_does_not) {
  secure();
  const Bytes original = packet(200);
  const auto sent = left.send(original);
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_TRUE(sent.to_host.empty());
  EXPECT_NE(found_at(the_trace(sent), Step::kOutSent), "-");
  const Bytes& wire = sent.to_wire[0].bytes;
  const Bytes payload = pattern(200);
  EXPECT_EQ(std::search(wire.begin(), wire.end(), payload.begin(), payload.begin() + 16), wire.end());
}

// OUT-05 to OUT-07 from one end to the other: nothing leaves until the SA is there; then the very packet does, framed.
TEST_F(Steps, OUT_20_a_packet_is_held_until_the_sa_exists_and_then_framed) {
  const Bytes first = packet(33);
  const auto held = left.send(first);
  EXPECT_TRUE(held.to_wire.empty());
  EXPECT_EQ(events_of<Acquire>(held.events).size(), 1U);
  EXPECT_EQ(left.control().statistics().held_packets, 1U);
  EXPECT_FALSE(the_trace(held).verdict) << "it has none yet";
  EXPECT_TRUE(left.send_released().to_wire.empty());
  const std::uint32_t spi = secure();
  const auto released = left.send_released();
  ASSERT_EQ(released.to_wire.size(), 1U);
  EXPECT_EQ(released.to_wire[0].bytes[9], kProtocolEsp);
  EXPECT_EQ(load_u32(&released.to_wire[0].bytes[20]), spi);
  EXPECT_EQ(load_u32(&released.to_wire[0].bytes[24]), 1U);
  EXPECT_EQ(left.control().statistics().held_packets, 0U);
  const auto received = right.receive(released.to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, first);
}

}  // namespace
}  // namespace ipsec::driver::tests

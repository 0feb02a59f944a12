// Packets in clear: exemptions, boot modes, soft SAs, and clear packets beside an SA.
#include <gtest/gtest.h>

#include "services/driver/core/last_look.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

const char* const kOwn = "10.77.0.1";
const char* const kPeer = "10.77.0.2";

Policy policy_of(std::vector<Filter> filters) {
  Policy policy;
  policy.version = 1;
  policy.active = true;
  policy.filters = std::move(filters);
  policy.local_addresses = {address(kOwn)};
  return policy;
}

std::vector<Filter> block_all() {
  const FilterPair all =
      mirrored(kFilter, between("0.0.0.0-255.255.255.255", "0.0.0.0-255.255.255.255"), Action::kBlock);
  return {all.outbound, all.inbound};
}

Bytes udp(const char* from, const char* to, std::uint16_t source, std::uint16_t destination) {
  return udp_packet({address(from), address(to)}, source, destination, pattern(20, 1));
}

struct Kind {
  const char* name;
  Bytes out;
  Bytes in;
  bool group;
};

std::vector<Kind> kinds() {
  IpFields rsvp_out{address(kOwn), address(kPeer), kProtocolRsvp},
      rsvp_in{address(kPeer), address(kOwn), kProtocolRsvp};
  TcpFields kerberos;
  kerberos.destination_port = kKerberosPort;
  TcpFields from_kerberos;
  from_kerberos.source_port = kKerberosPort;
  return {{"multicast", udp(kOwn, "224.0.0.251", 5353, 5353), udp(kPeer, "239.255.255.250", 5353, 5353), true},
          {"broadcast", udp(kOwn, "255.255.255.255", 68, 67), udp(kPeer, "255.255.255.255", 67, 68), true},
          {"RSVP", ip_packet(rsvp_out, pattern(16)), ip_packet(rsvp_in, pattern(16)), false},
          {"Kerberos TCP", tcp_packet({address(kOwn), address(kPeer)}, kerberos, {}),
           tcp_packet({address(kPeer), address(kOwn)}, from_kerberos, {}), false},
          {"Kerberos UDP", udp(kOwn, kPeer, 1025, 88), udp(kPeer, kOwn, 88, 1025), false}};
}

class EachExemption : public testing::TestWithParam<int> {};

TEST_P(EachExemption, EX_01_EX_02_EX_03_EX_04_EX_16_under_block_all) {
  const auto level = static_cast<Exemptions>(GetParam());
  TestHost host(kOwn);
  Policy policy = policy_of(block_all());
  policy.exemptions = level;
  ASSERT_TRUE(host.control().set_policy(std::move(policy)).ok());
  for (const Kind& kind : kinds()) {
    const bool exempt = kind.group ? GetParam() <= 1 : GetParam() == 0 || GetParam() == 2;
    EXPECT_EQ(host.send(kind.out).to_wire.size(), exempt ? 1U : 0U) << kind.name;
    EXPECT_EQ(host.receive(kind.in).to_host.size(), exempt ? 1U : 0U) << kind.name;
  }
  // ISAKMP always; everything else never. 223.255.255.255 and 240.0.0.0 are no multicast (EX-10).
  EXPECT_EQ(host.send(udp(kOwn, kPeer, 500, 500)).to_wire.size(), 1U);
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 500, 500)).to_host.size(), 1U);
  for (const char* to : {kPeer, "223.255.255.255", "240.0.0.0"}) {
    EXPECT_TRUE(host.send(udp(kOwn, to, 1025, 53)).to_wire.empty()) << to;
  }
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 53, 1025)).to_host.empty());
}

INSTANTIATE_TEST_SUITE_P(Clear, EachExemption, testing::Values(0, 1, 2, 3));

TEST(Clear, EX_08_source_port_88_is_the_documented_hole) {
  TestHost host(kOwn);
  Policy policy = policy_of(block_all());
  policy.exemptions = Exemptions::kServices;
  ASSERT_TRUE(host.control().set_policy(std::move(policy)).ok());
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 88, 445)).to_host.size(), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundExempt), 1U);
}

// The 19 documented filters, with those for ISAKMP behind a NAT as packets that carry the non-ESP marker.
TEST(Clear, EX_09_at_value_0_each_of_the_equivalent_filters_lets_its_packets_pass) {
  TestHost host(kOwn);
  Policy policy = policy_of(block_all());
  policy.exemptions = Exemptions::kAll;
  policy.profile = Profile::kWindows2003;
  ASSERT_TRUE(host.control().set_policy(std::move(policy)).ok());
  const auto tcp = [](const char* from, const char* to, std::uint16_t source, std::uint16_t destination) {
    TcpFields fields;
    fields.source_port = source;
    fields.destination_port = destination;
    return tcp_packet({address(from), address(to)}, fields, {});
  };
  const auto passes_out = [&](const Bytes& packet) { return host.send(packet).to_wire.size() == 1; };
  const auto passes_in = [&](const Bytes& packet) { return host.receive(packet).to_host.size() == 1; };
  const Bytes marked = udp_packet({address(kOwn), address(kPeer)}, 4500, 4500, Bytes(40));
  const Bytes marked_in = udp_packet({address(kPeer), address(kOwn)}, 4500, 4500, Bytes(40));
  for (const auto& [source, destination] : {std::pair<std::uint16_t, std::uint16_t>{88, 1025}, {1025, 88}}) {
    EXPECT_TRUE(passes_out(tcp(kOwn, kPeer, source, destination)));
    EXPECT_TRUE(passes_out(udp(kOwn, kPeer, source, destination)));
    EXPECT_TRUE(passes_in(tcp(kPeer, kOwn, source, destination)));
    EXPECT_TRUE(passes_in(udp(kPeer, kOwn, source, destination)));
  }
  EXPECT_TRUE(passes_out(udp(kOwn, kPeer, 500, 500)));
  EXPECT_TRUE(passes_in(udp(kPeer, kOwn, 500, 500)));
  EXPECT_TRUE(passes_out(marked));
  EXPECT_TRUE(passes_in(marked_in));
  EXPECT_TRUE(passes_out(ip_packet({address(kOwn), address(kPeer), kProtocolRsvp}, pattern(16))));
  EXPECT_TRUE(passes_in(ip_packet({address(kPeer), address(kOwn), kProtocolRsvp}, pattern(16))));
  EXPECT_TRUE(passes_out(udp(kOwn, "224.0.0.251", 5353, 5353)));
  EXPECT_TRUE(passes_in(udp(kPeer, "224.0.0.251", 5353, 5353)));
  EXPECT_TRUE(passes_out(udp(kOwn, "255.255.255.255", 68, 67)));
  EXPECT_TRUE(passes_in(udp(kPeer, "255.255.255.255", 67, 68)));
  EXPECT_TRUE(passes_out(udp("fd77::1", "fd77::2", 1025, 53)));
  EXPECT_TRUE(passes_in(udp("fd77::2", "fd77::1", 53, 1025)));
  EXPECT_FALSE(passes_out(tcp(kOwn, kPeer, 1025, 53)));
  EXPECT_FALSE(passes_in(tcp(kPeer, kOwn, 53, 1025)));
}

// Of port 4500 only what IKE would take; it is so from the start, not only once a NAT was seen.
TEST(Clear, EX_14_isakmp_on_port_4500_is_exempt_and_nothing_else_there) {
  TestHost host(kOwn);
  ASSERT_TRUE(host.control().set_policy(policy_of(block_all())).ok());
  EXPECT_EQ(host.send(udp_packet({address(kOwn), address(kPeer)}, 4500, 4500, Bytes(40))).to_wire.size(), 1U);
  EXPECT_EQ(host.receive(udp_packet({address(kPeer), address(kOwn)}, 4500, 4500, Bytes(40))).to_host.size(), 1U);
  EXPECT_TRUE(host.send(udp(kOwn, kPeer, 4500, 4500)).to_wire.empty()) << "no non-ESP marker";
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 4500, 4500)).to_host.empty());
}

// So a transport negotiation cannot run inside the tunnel: its ISAKMP is exempt from the tunnel's filter, too.
TEST(Clear, EX_13_isakmp_goes_beside_a_tunnel_for_the_same_hosts) {
  TestHost host(kOwn);
  FilterPair filters = mirrored(kFilter, between(kOwn, kPeer), Action::kNegotiate);
  filters.outbound.tunnel_destination = address("10.77.0.254");
  ASSERT_TRUE(host.control().set_policy(policy_of({filters.outbound})).ok());
  const Bytes isakmp = udp(kOwn, kPeer, 500, 500);
  const auto sent = host.send(isakmp);
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(sent.to_wire[0].bytes, isakmp);
  EXPECT_TRUE(host.send(udp(kOwn, kPeer, 501, 500)).to_wire.empty()) << "the tunnel's filter has the rest";
}

TEST(Clear, EX_17_outbound_groups_match_filters_from_this_host_to_any_at_2_and_3) {
  for (const int value : {0, 1, 2, 3}) {
    TestHost host(kOwn);
    const FilterPair all = mirrored(kFilter, between(kOwn, "0.0.0.0-255.255.255.255"), Action::kBlock);
    Policy policy = policy_of({all.outbound, all.inbound});
    policy.exemptions = static_cast<Exemptions>(value);
    ASSERT_TRUE(host.control().set_policy(std::move(policy)).ok());
    EXPECT_EQ(host.send(udp(kOwn, "224.0.0.251", 5353, 5353)).to_wire.size(), value <= 1 ? 1U : 0U) << value;
    EXPECT_EQ(host.count(Verdict::kOutboundBlocked), value <= 1 ? 0U : 1U) << value;
  }
}

TEST(Clear, EX_15_groups_under_a_negotiate_filter_go_out_never_and_come_in_always) {
  TestHost host(kOwn);
  const FilterPair all =
      mirrored(kFilter, between("0.0.0.0-255.255.255.255", "0.0.0.0-255.255.255.255"), Action::kNegotiate);
  ASSERT_TRUE(host.control().set_policy(policy_of({all.outbound, all.inbound})).ok());
  EXPECT_TRUE(host.send(udp(kOwn, "224.0.0.251", 5353, 5353)).to_wire.empty());
  EXPECT_EQ(host.count(Verdict::kOutboundMulticast), 1U);
  EXPECT_EQ(host.receive(udp(kPeer, "224.0.0.251", 5353, 5353)).to_host.size(), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundMulticast), 1U);
}

// ---- boot modes ----

TestHost& booting(TestHost& host, BootMode mode, std::vector<BootExemption> exemptions = {}) {
  Policy policy = policy_of({});
  policy.boot = {mode, std::move(exemptions)};
  EXPECT_TRUE(host.control().set_policy(std::move(policy)).ok());
  return host;
}

TEST(BootMode, permit_and_block) {
  TestHost host(kOwn);
  booting(host, BootMode::kPermit);
  EXPECT_EQ(host.send(udp(kOwn, kPeer, 1025, 53)).to_wire.size(), 1U);
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 9, 9)).to_host.size(), 1U);
  booting(host, BootMode::kBlock, {{Direction::kInbound, kProtocolTcp, 0, 3389}});
  EXPECT_TRUE(host.send(udp(kOwn, kPeer, 1025, 53)).to_wire.empty());
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 53, 1025)).to_host.empty());
  EXPECT_EQ(host.count(Verdict::kOutboundBootBlocked) + host.count(Verdict::kInboundBootBlocked), 2U);
  TcpFields remote;
  remote.destination_port = 3389;
  EXPECT_EQ(host.receive(tcp_packet({address(kPeer), address(kOwn)}, remote, {})).to_host.size(), 1U);
  remote.destination_port = 3390;
  EXPECT_TRUE(host.receive(tcp_packet({address(kPeer), address(kOwn)}, remote, {})).to_host.empty());
}

TEST(BootMode, stateful_lets_answers_in_and_nothing_else) {
  TestHost host(kOwn);
  booting(host, BootMode::kStateful);
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 53, 1025)).to_host.empty());
  EXPECT_EQ(host.send(udp(kOwn, kPeer, 1025, 53)).to_wire.size(), 1U);
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 53, 1025)).to_host.size(), 1U);
  EXPECT_TRUE(host.receive(udp("10.77.0.3", kOwn, 53, 1025)).to_host.empty());
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 54, 1025)).to_host.empty());
  // The answer to a DHCP request comes from the server's own address.
  EXPECT_EQ(host.send(udp(kOwn, "255.255.255.255", 68, 67)).to_wire.size(), 1U);
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 67, 68)).to_host.size(), 1U);
  host.now = host.now + limits::kBootFlowLifetime;
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 53, 1025)).to_host.empty());
}

// ---- soft SAs ----

struct Fallback {
  explicit Fallback(std::uint32_t lifetime = 0) : host(kOwn), peer(kPeer), filters(allowing()) {
    host.set_filters({filters.outbound, filters.inbound});
    SaRecipe recipe;
    recipe.soft = true;
    recipe.lifetime_seconds = lifetime;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    spi = *host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), peer.own(), host.now);
    recipe.selector = between(kPeer, kOwn);
    SaParameters inbound = parameters_of(peer, host, recipe, spi, Direction::kInbound);
    inbound.pair_spi = spi;
    EXPECT_TRUE(host.control().install_sa(inbound, host.now).ok());
    recipe.selector = between(kOwn, kPeer);
    SaParameters outbound = parameters_of(host, peer, recipe, spi, Direction::kOutbound);
    outbound.pair_spi = spi;
    EXPECT_TRUE(host.control().install_sa(outbound, host.now).ok());
  }
  static FilterPair allowing() {
    FilterPair pair = mirrored(kFilter, between(kOwn, kPeer), Action::kNegotiate);
    pair.outbound.allow_soft = pair.inbound.allow_soft = true;
    return pair;
  }
  TestHost host;
  TestHost peer;
  FilterPair filters;
  std::uint32_t spi = 0;
};

TEST(SoftSa, SFT_01_SFT_07_IN_12_IN_13_clear_both_ways_with_counters_of_its_own) {
  Fallback soft;
  const Bytes packet = udp(kOwn, kPeer, 1025, 445);
  const auto sent = soft.host.send(packet);
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(sent.to_wire[0].bytes, packet);
  EXPECT_EQ(soft.host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.size(), 1U);
  EXPECT_EQ(soft.host.count(Verdict::kOutboundSoft), 1U);
  EXPECT_EQ(soft.host.count(Verdict::kInboundSoft), 1U);
  EXPECT_EQ(soft.host.count(Verdict::kOutboundAgainstPolicy), 0U);
  for (const SaStatus& status : soft.host.control().list_sas(soft.host.now)) {
    EXPECT_TRUE(status.sa.soft);
    EXPECT_EQ(status.packets, 1U);
    EXPECT_EQ(status.bytes, packet.size());
  }
}

TEST(SoftSa, IN_17_nobody_can_send_esp_under_it) {
  Fallback soft;
  Bytes esp(60);
  store_u32(esp.data(), soft.spi);
  store_u32(&esp[4], 1);
  EXPECT_TRUE(soft.host.receive(ip_packet({address(kPeer), address(kOwn), kProtocolEsp}, esp)).to_host.empty());
  EXPECT_EQ(soft.host.count(Verdict::kInboundBadSpi), 1U);
}

TEST(SoftSa, SFT_05_SFT_06_ends_by_idleness_and_by_lifetime_and_then_security_is_tried_again) {
  for (const bool idle : {true, false}) {
    Fallback soft(idle ? 0 : 600);
    for (int i = 0; i < (idle ? 1 : 10); ++i) {
      EXPECT_EQ(soft.host.send(udp(kOwn, kPeer, 1025, 445)).to_wire.size(), 1U);
      soft.host.now = soft.host.now + std::chrono::seconds(60);
      const auto events = soft.host.control().tick(soft.host.now);
      EXPECT_TRUE(events_of<RekeyNeeded>(events).empty());
    }
    soft.host.now = soft.host.now + limits::kSaIdleTime;
    soft.host.control().tick(soft.host.now);
    EXPECT_TRUE(soft.host.control().list_sas(soft.host.now).empty());
    const auto sent = soft.host.send(udp(kOwn, kPeer, 1025, 445));
    EXPECT_TRUE(sent.to_wire.empty());
    EXPECT_EQ(events_of<Acquire>(sent.events).size(), 1U);
  }
}

TEST(Clear, IN_09_IN_10_IN_14_passthrough_ends_where_there_is_an_sa) {
  TestHost host(kOwn), peer(kPeer);
  FilterPair filters = mirrored(kFilter, between(kOwn, kPeer), Action::kNegotiate);
  filters.inbound.inbound_passthrough = true;
  host.set_filters({filters.outbound, filters.inbound});
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.size(), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundPassthrough), 1U);
  SaRecipe recipe;
  recipe.selector = filters.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(host, peer, recipe);
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.empty());
  EXPECT_EQ(host.count(Verdict::kInboundClearRefused), 1U);
}

// The first packet of a peer that cannot ask for security; the answer to it does (IN-09, IN-10).
TEST(SoftSa, DRV_09_fall_back_makes_an_inbound_permit_filter_until_there_is_an_sa) {
  TestHost host(kOwn), peer(kPeer);
  const FilterPair filters = Fallback::allowing();
  host.set_filters({filters.outbound, filters.inbound});
  EXPECT_EQ(host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.size(), 1U);
  EXPECT_EQ(host.count(Verdict::kInboundPassthrough), 1U);
  const auto answer = host.send(udp(kOwn, kPeer, 1025, 445));
  EXPECT_TRUE(answer.to_wire.empty());
  EXPECT_EQ(events_of<Acquire>(answer.events).size(), 1U);
  SaRecipe recipe;
  recipe.selector = filters.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(host, peer, recipe);
  EXPECT_TRUE(host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.empty());
  EXPECT_EQ(host.count(Verdict::kInboundClearRefused), 1U);
}

TEST(SoftSa, SFT_02_none_is_installed_that_its_filter_does_not_allow) {
  struct Wrong {
    const char* name;
    void (*spoil)(FilterPair&, SaParameters&);
  };
  const Wrong wrongs[] = {
      {"not allowed", [](FilterPair& filters, SaParameters&) { filters.outbound.allow_soft = false; }},
      {"permits", [](FilterPair& filters, SaParameters&) { filters.outbound.action = Action::kPermit; }},
      {"tunnel", [](FilterPair& filters, SaParameters&) { filters.outbound.tunnel_destination = address(kPeer); }},
      {"no filter", [](FilterPair&, SaParameters& sa) { sa.filter_id = 77; }},
      {"filter 0", [](FilterPair&, SaParameters& sa) { sa.filter_id = 0; }},
      {"the inbound filter", [](FilterPair&, SaParameters& sa) { sa.filter_id = kFilter + 1; }},
      {"more traffic", [](FilterPair&, SaParameters& sa) { sa.selector = between(kOwn, "10.77.0.0/24"); }},
  };
  for (const Wrong& wrong : wrongs) {
    TestHost host(kOwn), peer(kPeer);
    FilterPair filters = Fallback::allowing();
    SaRecipe recipe;
    recipe.soft = true;
    recipe.outbound_filter = kFilter;
    recipe.selector = between(kOwn, kPeer);
    SaParameters outbound = parameters_of(host, peer, recipe, 0x1234, Direction::kOutbound);
    wrong.spoil(filters, outbound);
    host.set_filters({filters.outbound, filters.inbound});
    const Status status = host.control().install_sa(outbound, host.now);
    EXPECT_EQ(status.code(), ErrorCode::kInvalid) << wrong.name;
    EXPECT_TRUE(host.control().list_sas(host.now).empty()) << wrong.name;
  }
}

TEST(SoftSa, SFT_02_none_is_installed_beside_an_sa_with_keys) {
  Fallback soft;
  SaRecipe recipe;
  recipe.selector = between(kOwn, kPeer);
  recipe.outbound_filter = kFilter;
  soft.peer.random().next_u32(soft.spi + 1);
  connect(soft.host, soft.peer, recipe);
  recipe.soft = true;
  const SaParameters again = parameters_of(soft.host, soft.peer, recipe, soft.spi + 2, Direction::kOutbound);
  EXPECT_EQ(soft.host.control().install_sa(again, soft.host.now).code(), ErrorCode::kAlreadyExists);
  const auto sent = soft.host.send(udp(kOwn, kPeer, 1025, 445));
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(sent.to_wire[0].bytes[9], kProtocolEsp);
}

TEST(SoftSa, SFT_02_ends_with_the_policy_that_allowed_it) {
  Fallback soft;
  soft.filters.outbound.allow_soft = soft.filters.inbound.allow_soft = false;
  soft.host.set_filters({soft.filters.outbound, soft.filters.inbound});
  EXPECT_TRUE(soft.host.send(udp(kOwn, kPeer, 1025, 445)).to_wire.empty());
  EXPECT_TRUE(soft.host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.empty());
  EXPECT_EQ(soft.host.count(Verdict::kInboundClearRefused), 1U);
  EXPECT_EQ(soft.host.count(Verdict::kOutboundAgainstPolicy), 0U) << "it was the SA that ended";
}

TEST(SoftSa, IN_14_gives_way_to_a_real_one) {
  Fallback soft;
  SaRecipe recipe;
  recipe.selector = between(kOwn, kPeer);
  recipe.outbound_filter = kFilter;
  soft.peer.random().next_u32(soft.spi + 1);
  connect(soft.host, soft.peer, recipe);
  const auto sent = soft.host.send(udp(kOwn, kPeer, 1025, 445));
  ASSERT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(sent.to_wire[0].bytes[9], kProtocolEsp);
  EXPECT_TRUE(soft.host.receive(udp(kPeer, kOwn, 445, 1025)).to_host.empty());
}

// ---- the last look ----

struct LastLookTest : testing::Test {
  LastLookTest() { tables.exemptions = Exemptions::kIsakmpOnly; }
  bool agrees(Direction direction, Verdict verdict, const Filter* filter) {
    Bytes bytes = direction == Direction::kOutbound ? udp(kOwn, kPeer, 1025, 445) : udp(kPeer, kOwn, 445, 1025);
    LastLook look;
    // The first packet of a look is looked up in the filters.
    return look.agrees({direction, verdict, filter}, *parse_ip(bytes), tables);
  }
  // With this filter in force for both directions; what is given is that filter of the table.
  bool agrees_in_force(Direction direction, Verdict verdict, Filter outbound) {
    FilterPair filters = mirrored(kFilter, outbound.selector, outbound.action);
    for (Filter* filter : {&filters.outbound, &filters.inbound}) {
      filter->allow_soft = outbound.allow_soft;
      filter->inbound_passthrough = outbound.inbound_passthrough;
      filter->tunnel_destination = outbound.tunnel_destination;
    }
    tables.filters = *FilterTable::make({filters.outbound, filters.inbound}, nullptr);
    const std::uint64_t id = direction == Direction::kOutbound ? kFilter : kFilter + 1;
    return agrees(direction, verdict, &tables.filters->find(id)->filter);
  }
  Tables tables;
};

TEST_F(LastLookTest, DRV_11_each_verdict_needs_a_filter_that_allows_it) {
  Filter permit, block, negotiate, soft, passthrough, tunnel;
  for (Filter* filter : {&permit, &block, &negotiate, &soft, &passthrough, &tunnel}) {
    filter->selector = between(kOwn, kPeer);
    filter->action = Action::kNegotiate;
  }
  permit.action = Action::kPermit;
  block.action = Action::kBlock;
  soft.allow_soft = tunnel.allow_soft = true;
  passthrough.inbound_passthrough = true;
  tunnel.tunnel_destination = address("10.77.0.9");
  struct Row {
    Direction direction;
    Verdict verdict;
    const Filter* allows;  // the only one
    const Filter* also = nullptr;
  };
  const Row rows[] = {{Direction::kOutbound, Verdict::kOutboundPermitted, &permit},
                      {Direction::kInbound, Verdict::kInboundPermitted, &permit},
                      {Direction::kOutbound, Verdict::kOutboundSoft, &soft},
                      {Direction::kInbound, Verdict::kInboundSoft, &soft},
                      {Direction::kInbound, Verdict::kInboundPassthrough, &passthrough, &soft},
                      {Direction::kOutbound, Verdict::kOutboundNoFilter, nullptr},
                      {Direction::kInbound, Verdict::kInboundNoFilter, nullptr},
                      {Direction::kOutbound, Verdict::kOutboundExempt, nullptr},
                      {Direction::kOutbound, Verdict::kOutboundSecured, nullptr}};
  for (const Row& row : rows) {
    for (const Filter* filter : {&permit, &block, &negotiate, &soft, &passthrough, &tunnel}) {
      EXPECT_EQ(agrees_in_force(row.direction, row.verdict, *filter), filter == row.allows || filter == row.also)
          << info(row.verdict).name << " under " << static_cast<int>(filter->action);
    }
  }
  EXPECT_FALSE(agrees_in_force(Direction::kInbound, Verdict::kInboundMulticast, block));
  EXPECT_TRUE(agrees_in_force(Direction::kInbound, Verdict::kInboundMulticast, negotiate));
}

// What a fault of the flow cache would look like: the word of the path and the policy differ.
TEST_F(LastLookTest, DRV_11_a_filter_that_is_not_the_one_of_the_packet_is_found_out) {
  const FilterPair other = mirrored(kFilter, between(kOwn, "10.77.0.3"), Action::kPermit);
  const FilterPair wide = mirrored(kFilter + 2, between(kOwn, "10.77.0.0/24"), Action::kPermit);
  const FilterPair blocked = mirrored(kFilter + 4, between(kOwn, kPeer), Action::kBlock);
  tables.filters = *FilterTable::make(
      {blocked.outbound, blocked.inbound, other.outbound, other.inbound, wide.outbound, wide.inbound}, nullptr);
  const auto filter = [&](std::uint64_t id) { return &tables.filters->find(id)->filter; };
  EXPECT_FALSE(agrees(Direction::kOutbound, Verdict::kOutboundPermitted, filter(kFilter))) << "of another peer";
  EXPECT_FALSE(agrees(Direction::kOutbound, Verdict::kOutboundPermitted, filter(kFilter + 3))) << "of the other way";
  EXPECT_FALSE(agrees(Direction::kOutbound, Verdict::kOutboundPermitted, filter(kFilter + 2))) << "behind a block";
  EXPECT_FALSE(agrees(Direction::kOutbound, Verdict::kOutboundNoFilter, nullptr)) << "there is one";
}

TEST_F(LastLookTest, one_of_64_packets_is_looked_up_past_the_flow_cache) {
  const FilterPair blocked = mirrored(kFilter, between(kOwn, kPeer), Action::kBlock);
  tables.filters = *FilterTable::make({blocked.outbound, blocked.inbound}, nullptr);
  Bytes bytes = udp(kOwn, kPeer, 1025, 445);
  LastLook look;
  int found = 0;
  for (std::uint32_t i = 0; i < 10 * limits::kLastLookInterval; ++i) {
    found += look.agrees({Direction::kOutbound, Verdict::kOutboundNoFilter, nullptr}, *parse_ip(bytes), tables) ? 0 : 1;
  }
  EXPECT_EQ(found, 10);
}

}  // namespace
}  // namespace ipsec::driver::tests

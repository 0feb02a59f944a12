#include "services/ike/core/nat_traversal.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

PayloadChain chain_of(std::vector<PayloadContent> payloads) {
  const Bytes octets = write_payloads(payloads);
  return *parse_payloads(type_of(payloads.front()), octets, 0);
}

constexpr const char* kInside = "192.168.0.2";
constexpr const char* kOutside = "10.77.0.1";

// Host a behind a translator, b on the open network.
struct Translated : Pair {
  explicit Translated(PolicyOptions options = {}, bool drivers_can = true) : Pair(1, kInside, "10.77.0.2") {
    translator = Translator{address(kOutside)};
    for (Host* host : {&a, &b}) give(*host, DriverCapable{false, drivers_can});
    PolicyOptions of_b = options;
    std::swap(of_b.local_network, of_b.remote_network);
    set_policies(make_policy(a.endpoint.address, b.endpoint.address, options),
                 make_policy(b.endpoint.address, address(kOutside), of_b));
  }
};

TEST(NatTraversal, NAT_01_a_translator_shows_in_the_hashes_of_the_addresses) {
  const Endpoint inside{address(kInside), 500}, outside{address(kOutside), 20500}, server{address("10.77.0.2"), 500};
  for (const NatTraversal kind : {NatTraversal::kRfc3947, NatTraversal::kDraft}) {
    const NatDetection sender{kind, Integrity::kSha256, 1, 2, inside, server};
    const PayloadChain message = chain_of(nat_detection(sender));
    EXPECT_EQ(message.payloads.front().type(), static_cast<PayloadType>(kind == NatTraversal::kDraft ? 130 : 20));
    EXPECT_EQ(detect_nat(message, {kind, Integrity::kSha256, 1, 2, server, inside}), NatFound{});
    EXPECT_EQ(detect_nat(message, {kind, Integrity::kSha256, 1, 2, server, outside}), (NatFound{false, true}));
    const NatDetection to_outside{kind, Integrity::kSha256, 1, 2, server, outside};
    EXPECT_EQ(detect_nat(chain_of(nat_detection(to_outside)), {kind, Integrity::kSha256, 1, 2, inside, server}),
              (NatFound{true, false}));
    EXPECT_EQ(detect_nat(message, {kind, Integrity::kSha256, 1, 3, server, inside}), (NatFound{true, true}))
        << "of another SA";
  }
  EXPECT_EQ(
      detect_nat(chain_of({VendorIdPayload{Bytes(16)}}), {NatTraversal::kRfc3947, Integrity::kSha1, 1, 2, {}, {}}),
      std::nullopt)
      << "the peer does not take part";
}

TEST(NatTraversal, NAT_02_the_best_common_kind_counts_and_none_over_ipv6) {
  const PayloadChain all = chain_of(announcements(AddressFamily::kIpv4));
  EXPECT_EQ(extensions_of(all, AddressFamily::kIpv4).nat_traversal, NatTraversal::kRfc3947);
  EXPECT_EQ(extensions_of(all, AddressFamily::kIpv6).nat_traversal, NatTraversal::kNone);
  const auto draft = chain_of(confirmations({NatTraversal::kDraft, true, false}));
  EXPECT_EQ(extensions_of(draft, AddressFamily::kIpv4), (Extensions{NatTraversal::kDraft, true, false, true, true}));
  const PayloadChain v6 = chain_of(announcements(AddressFamily::kIpv6));
  EXPECT_EQ(extensions_of(v6, AddressFamily::kIpv4), (Extensions{NatTraversal::kNone, true, true, true, true}));
}

TEST(NatTraversal, the_encapsulation_has_the_numbers_of_the_rfc_and_of_the_drafts) {
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTunnel).number(), 1);
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTransport).number(), 2);
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTunnel, NatTraversal::kRfc3947).number(), 3);
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTransport, NatTraversal::kRfc3947).number(), 4);
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTunnel, NatTraversal::kDraft).number(), 61443);
  EXPECT_EQ(WireEncapsulation(Encapsulation::kTransport, NatTraversal::kDraft).number(), 61444);
}

TEST(NatTraversal, original_addresses_are_read_as_written_and_nothing_else_is) {
  const OriginalAddresses written{address(kInside), address("10.77.0.2")};
  for (const NatTraversal kind : {NatTraversal::kRfc3947, NatTraversal::kDraft}) {
    const auto read = read_original_addresses(chain_of(original_addresses(kind, written)), kind);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->initiator, written.initiator);
    EXPECT_EQ(read->responder, written.responder);
  }
  const auto type = PayloadType::kNatOriginalAddress;
  const auto broken =
      chain_of({OpaquePayload{type, {1, 0, 0, 0, 10, 0}}, OpaquePayload{type, {1, 0, 0, 0, 10, 0, 0, 1}}});
  EXPECT_EQ(read_original_addresses(broken, NatTraversal::kRfc3947), std::nullopt);
}

TEST(NatTraversal, NAT_03_NAT_08_behind_a_translator_everything_moves_to_port_4500_and_esp_into_udp) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.find_event("main_mode_established")->fields.at("nat"), "this host");
  EXPECT_EQ(pair.b.find_event("main_mode_established")->fields.at("nat"), "the peer");
  std::size_t encrypted = 0;
  for (const SentDatagram& sent : pair.sent) {
    const bool is_encrypted = parse_header(sent.datagram.bytes)->encrypted();
    encrypted += is_encrypted ? 1 : 0;
    EXPECT_EQ(sent.datagram.local.port, is_encrypted ? 4500 : 500) << "from message 5 on";
    if (sent.from_a) continue;
    EXPECT_EQ(sent.datagram.peer.port, is_encrypted ? 24500 : 20500);
  }
  EXPECT_EQ(encrypted, 6U);

  const SaParameters& of_a = pair.a.driver.outbound[0];
  const SaParameters& of_b = pair.b.driver.outbound[0];
  EXPECT_EQ(of_a.udp_local_port, 4500);
  EXPECT_EQ(of_a.udp_peer_port, 4500);
  EXPECT_EQ(of_b.udp_local_port, 4500);
  EXPECT_EQ(of_b.udp_peer_port, 24500) << "as the translator made it";
  EXPECT_EQ(of_b.selector.to_string(), "10.77.0.2 -> 10.77.0.1 ANY") << "the addresses on the packets";
  EXPECT_EQ(of_b.original_peer, address(kInside));
  EXPECT_EQ(of_b.original_local, address("10.77.0.2"));
  EXPECT_EQ(of_a.original_local, address(kOutside));
  EXPECT_TRUE(pair.b.driver.inbound.contains(of_a.spi));
  EXPECT_TRUE(
      constant_time_equal(pair.b.driver.inbound.at(of_a.spi).encryption_key.view(), of_a.encryption_key.view()));
}

TEST(NatTraversal, NAT_04_tunnels_keep_the_addresses_inside) {
  PolicyOptions options;
  options.local_network = *AddressRange::parse("192.168.1.0/24");
  options.remote_network = *AddressRange::parse("192.168.2.0/24");
  Translated pair(options);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound[0].selector.destination, *options.local_network);
  EXPECT_EQ(pair.b.driver.outbound[0].udp_peer_port, 24500);
  EXPECT_EQ(pair.b.driver.outbound[0].original_peer, std::nullopt);
}

TEST(NatTraversal, without_translator_nothing_is_in_udp) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(30));
  EXPECT_EQ(pair.a.driver.outbound.at(0).udp_local_port, 0);
  EXPECT_EQ(pair.sent.back().datagram.local.port, 500);
  EXPECT_TRUE(pair.keep_alives.empty());
}

TEST(NatTraversal, a_driver_without_esp_in_udp_is_named_on_its_side) {
  Translated pair({}, false);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kNatUnsupported);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  EXPECT_TRUE(pair.a.driver.installed.empty());
}

TEST(NatTraversal, only_the_host_behind_the_translator_keeps_the_mapping_alive) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(205));
  ASSERT_EQ(pair.keep_alives.size(), 10U) << "every twenty seconds";
  for (const SendKeepAlive& keep_alive : pair.keep_alives) {
    EXPECT_EQ(keep_alive.local, (Endpoint{address(kInside), 4500}));
    EXPECT_EQ(keep_alive.peer, (Endpoint{address("10.77.0.2"), 4500}));
  }
}

TEST(NatTraversal, NAT_08_a_new_mapping_is_followed_by_what_verifies_and_by_nothing_else) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  pair.translator->port_offset = 30000;
  Bytes forged = pair.sent.back().datagram.bytes;
  forged.back() ^= 1;
  pair.give(pair.b, DatagramReceived{{pair.b.endpoint.address, 4500}, {address(kOutside), 34500}, forged});
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now)[0].peer.port, 24500);
  const SaParameters old = pair.a.driver.outbound[0];
  pair.give(pair.a, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(5));
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now)[0].peer.port, 34500);
  EXPECT_EQ(pair.b.driver.outbound.at(0).udp_peer_port, 34500);
}

TEST(NatTraversal, the_next_main_mode_keeps_to_port_4500) {
  PolicyOptions options;
  options.main_mode_lifetime = 1000;
  Translated pair(options);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  const std::size_t before = pair.sent.size();
  pair.run(seconds(960));
  std::size_t first_messages = 0;
  for (std::size_t i = before; i < pair.sent.size(); ++i) {
    EXPECT_EQ(pair.sent[i].datagram.local.port, 4500);
    first_messages += parse_header(pair.sent[i].datagram.bytes)->responder_cookie == 0 ? 1 : 0;
  }
  EXPECT_EQ(first_messages, 1U);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 2U);
}

TEST(NatTraversal, NAT_08_the_driver_tells_ike_of_a_new_mapping) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  pair.translator->port_offset = 30000;
  const SaParameters old = pair.b.driver.outbound.at(0);
  pair.give(pair.b, PeerMoved{old.pair_spi, 24500, 34500});
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now)[0].peer.port, 34500);
  EXPECT_EQ(pair.b.find_event("peer_moved")->fields.at("new_port"), "34500");
  pair.give(pair.b, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(2));
  EXPECT_EQ(pair.b.driver.outbound.at(0).udp_peer_port, 34500);
  EXPECT_NE(pair.b.driver.outbound.at(0).spi, old.spi);
}

TEST(NatTraversal, NAT_08_ike_tells_the_driver_of_a_new_mapping) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  pair.translator->port_offset = 30000;
  pair.run(seconds(60));  // whether the peer lives is asked after thirty
  EXPECT_EQ(pair.b.driver.outbound.at(0).udp_peer_port, 34500);
  EXPECT_EQ(pair.b.driver.inbound.begin()->second.udp_peer_port, 34500);
  EXPECT_FALSE(pair.b.has_event("peer_dead"));
}

// A Delete of what is not known is not remembered, so that a copy of it would verify again.
TEST(NatTraversal, NAT_08_a_copy_of_a_delete_moves_nobody) {
  Translated pair;
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  const SaParameters in = pair.a.driver.inbound.begin()->second;
  pair.wire = [](const SentDatagram&) { return Fate{}; };
  pair.give(pair.a, SaEnded{in.spi, Direction::kInbound, SecurityProtocol::kEsp, in.source, SaEndReason::kIdle});
  const Bytes copy = pair.sent.back().datagram.bytes;
  const SaParameters at_b = pair.b.driver.inbound.begin()->second;
  pair.give(pair.b,
            SaEnded{at_b.spi, Direction::kInbound, SecurityProtocol::kEsp, at_b.source, SaEndReason::kLifetime});
  for (int time = 0; time < 2; ++time) {
    pair.give(pair.b, DatagramReceived{{pair.b.endpoint.address, 4500}, {address(kOutside), 666}, copy});
    EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now)[0].peer.port, 24500);
  }
}

TEST(NatTraversal, NAT_05_ah_is_refused_behind_a_translator_and_named) {
  PolicyOptions options;
  options.quick_mode_offers = {{Integrity::kSha1, std::nullopt, 100000, 3600}};
  Translated pair(options);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kAhBehindNat);
  EXPECT_TRUE(pair.a.has_event("ah_behind_nat"));

  // The other side may be the one that has nothing else.
  PolicyOptions of_a;
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, pair.b.endpoint.address, of_a));
  pair.acquire(pair.a, 2);
  pair.run(seconds(2));
  EXPECT_TRUE(pair.b.has_event("ah_behind_nat"));
  EXPECT_EQ(pair.a.driver.acquire_failures.back().reason, FailureReason::kNoProposalChosen);
  EXPECT_TRUE(pair.b.driver.installed.empty());
}

TEST(NatTraversal, both_hosts_behind_translators) {
  Translated pair;
  const IpAddress public_b = address("198.51.100.7");
  pair.translator_of_b = Translator{public_b, 0};
  pair.set_policies(make_policy(pair.a.endpoint.address, public_b),
                    make_policy(pair.b.endpoint.address, address(kOutside)));
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.find_event("main_mode_established")->fields.at("nat"), "both hosts");
  const SaParameters& of_b = pair.b.driver.outbound[0];
  EXPECT_EQ(of_b.selector.to_string(), "10.77.0.2 -> 10.77.0.1 ANY") << "what is on the packets there";
  EXPECT_EQ(of_b.original_peer, address(kInside));
  EXPECT_EQ(of_b.original_local, public_b) << "what the peer has put into its checksums";
  EXPECT_EQ(pair.a.driver.outbound.at(0).original_peer, pair.b.endpoint.address);
  EXPECT_EQ(compare_sas(pair), "");
}

// Two clients behind one address: the server's peers are not addresses.
struct Office : Translated {
  Office() {
    c = std::make_unique<Host>("c", "192.168.0.3", 77, 0x40001000);
    give(*c, DriverCapable{false, true});
    set_policy(*c, make_policy(c->endpoint.address, b.endpoint.address));
    acquire(a, 1);
    acquire(*c, 1);
    run(seconds(2));
  }
  // The server's outbound SA that leads to this port; none: all zero.
  SaParameters of_port(std::uint16_t port) const {
    for (const SaParameters& sa : b.driver.outbound) {
      if (sa.udp_peer_port == port) return sa;
    }
    return {};
  }
};
constexpr std::uint16_t kPortOfA = 24500;
constexpr std::uint16_t kPortOfC = 34500;

TEST(NatTraversal, clients_behind_one_address_have_sas_of_their_own) {
  Office office;
  EXPECT_EQ(office.b.driver.outbound.size(), 2U);
  EXPECT_TRUE(office.a.driver.inbound.contains(office.of_port(kPortOfA).spi));
  EXPECT_TRUE(office.c->driver.inbound.contains(office.of_port(kPortOfC).spi));
  EXPECT_EQ(office.b.established_main_modes(office.now), 2U);
  for (const MainModeSaStatus& sa : office.b.engine.main_mode_sas(office.now)) {
    EXPECT_EQ(sa.nat, (NatFound{false, true}));
    EXPECT_EQ(sa.peer_identity, sa.peer.port == kPortOfA ? "192.168.0.2" : "192.168.0.3");
  }
}

TEST(NatTraversal, the_server_renews_with_the_client_whose_sa_it_is) {
  Office office;
  for (const std::uint16_t port : {kPortOfA, kPortOfC, kPortOfA}) {
    const SaParameters old = office.of_port(port);
    office.give(office.b, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
    office.run(seconds(2));
    const SaParameters renewed = office.of_port(port);
    EXPECT_NE(renewed.spi, old.spi);
    const Host& client = port == kPortOfA ? office.a : *office.c;
    EXPECT_TRUE(client.driver.inbound.contains(renewed.spi)) << port;
    EXPECT_EQ(office.b.driver.outbound.size(), 2U);
  }
}

TEST(NatTraversal, the_end_of_one_client_is_not_the_end_of_the_other) {
  Office office;
  const std::uint32_t of_a = office.of_port(kPortOfA).spi;
  const Endpoint of_c{office.c->endpoint.address, 4500};
  office.wire = [&](const SentDatagram& sent) {
    const bool is_of_c = sent.datagram.local == of_c || sent.datagram.peer.port == kPortOfC;
    return is_of_c ? Fate{} : Fate{milliseconds(1)};
  };
  office.run(seconds(300));
  EXPECT_TRUE(office.b.has_event("peer_dead"));
  EXPECT_EQ(office.of_port(kPortOfC).spi, 0U);
  EXPECT_EQ(office.of_port(kPortOfA).spi, of_a);
  EXPECT_TRUE(office.a.driver.inbound.contains(of_a));
  EXPECT_EQ(office.b.established_main_modes(office.now), 1U);
}

TEST(NatTraversal, the_main_mode_of_each_client_is_renewed_at_its_port) {
  Office office;
  // The responder is the later of the two to renew, so that only what is with a lost peer comes from here.
  const SaParameters of_c = office.of_port(kPortOfC);
  office.give(office.b, DeleteRequested{std::nullopt, false});
  office.run(seconds(1));
  const std::size_t before = office.sent.size();
  office.give(office.b, RekeyRequested{of_c.spi, of_c.destination, of_c.filter_id, RekeyReason::kSeconds});
  office.run(seconds(2));
  ASSERT_GT(office.sent.size(), before);
  EXPECT_EQ(office.sent[before].datagram.peer.port, kPortOfC);
  EXPECT_EQ(office.sent[before].datagram.local.port, 4500);
  EXPECT_TRUE(office.c->driver.inbound.contains(office.of_port(kPortOfC).spi));
  EXPECT_NE(office.of_port(kPortOfC).spi, of_c.spi);
}

}  // namespace
}  // namespace ipsec::ike::tests

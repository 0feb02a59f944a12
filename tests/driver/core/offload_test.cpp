// Offload: a simulated card that answers late, fails and stalls as the test wants it; then the look-aside provider.
#include <thread>

#include <gtest/gtest.h>

#include "services/driver/core/look_aside.h"
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

bool has_row(const PacketTrace& trace, const std::string& row) {
  const Steps all = rows(trace);
  return std::find(all.begin(), all.end(), row) != all.end();
}

std::string found_at(const PacketTrace& trace, Step step) {
  for (const auto& entry : trace.steps) {
    if (entry.step == step) return entry.found;
  }
  return "no such step";
}

class SimulatedCard : public OffloadProvider {
 public:
  SimulatedCard() {
    offers.provider = "simulated card";
    offers.ciphers = OffloadCapabilities::bit_of(Cipher::kAes128Gcm) | OffloadCapabilities::bit_of(Cipher::kAes128Cbc);
    offers.integrities = OffloadCapabilities::bit_of(Integrity::kNone) | OffloadCapabilities::bit_of(Integrity::kSha1);
  }

  OffloadCapabilities capabilities(std::string_view) override { return offers; }
  void add_sa(const std::shared_ptr<Sa>& sa) override { asked.push_back(sa); }
  bool submit(const OffloadWorkPointer& work) override {
    if (refuses_work) return false;
    EXPECT_TRUE(work->take());
    works.push_back(work);
    return true;
  }

  void answer(OffloadState state) {
    for (const auto& sa : asked) sa->set_offload(state);
  }
  void finish(std::size_t index) {
    works[index]->run(engine_);
    works[index]->finish();
  }
  void finish_all() {
    for (std::size_t i = 0; i < works.size(); ++i) finish(i);
    works.clear();
  }

  OffloadCapabilities offers;
  bool refuses_work = false;
  std::vector<std::shared_ptr<Sa>> asked;
  std::vector<OffloadWorkPointer> works;

 private:
  SeededRandom random_{11};
  EspEngine engine_{kMaxEspWorkers, random_};
};

// Left sends to right under one SA; either may have a card.
struct OffloadPair {
  explicit OffloadPair(OffloadProvider* left_card, OffloadProvider* right_card = nullptr)
      : left("10.77.0.1", {std::nullopt, left_card}), right("10.77.0.2", {std::nullopt, right_card}) {
    const FilterPair near = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
    left.set_filters({near.outbound, near.inbound});
    const FilterPair far = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
    right.set_filters({far.outbound, far.inbound});
    recipe.selector = near.outbound.selector;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    bind(left, left_card);
    bind(right, right_card);
  }
  static void bind(TestHost& host, OffloadProvider* card) {
    if (card == nullptr) return;
    LinkSettings link;
    link.offload = card->capabilities("eth0");
    host.control().set_link(link);
  }
  static void trace(TestHost& host) {
    host.control().set_trace(std::make_shared<TraceRequest>(std::nullopt, std::nullopt, 100));
  }
  Bytes packet(std::size_t size = 40) const { return udp_packet({left.own(), right.own()}, 1025, 445, pattern(size)); }
  // The first packet asks, the card confirms.
  void activate(SimulatedCard& card, TestHost& host) {
    const auto sent = left.send(packet());
    if (&host == &right) right.receive(sent.to_wire);
    ASSERT_EQ(card.asked.size(), 1U);
    card.answer(OffloadState::kActive);
  }
  SaStatus status(TestHost& host) {
    const auto all = host.control().list_sas(host.now);
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }

  TestHost left;
  TestHost right;
  SaRecipe recipe;
};

TEST(Offload, OFF_01_an_sa_uses_what_all_interfaces_have) {
  SimulatedCard card;
  OffloadCapabilities other = card.offers;
  EXPECT_EQ(in_common(card.offers, other), card.offers);
  other.provider = "another card";
  other.ciphers = OffloadCapabilities::bit_of(Cipher::kAes128Gcm);
  other.tunnel = true;
  const OffloadCapabilities both = in_common(card.offers, other);
  EXPECT_EQ(both.provider, "simulated card, another card");
  EXPECT_EQ(both.ciphers, OffloadCapabilities::bit_of(Cipher::kAes128Gcm));
  EXPECT_FALSE(both.tunnel);
  EXPECT_FALSE(in_common(card.offers, {}).any()) << "an interface without offload";
}

TEST(Offload, OFF_05_OUT_17_OUT_18_first_packets_go_through_software_until_the_card_confirms) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  OffloadPair::trace(pair.left);
  const auto first = pair.left.send(pair.packet());
  ASSERT_EQ(first.to_wire.size(), 1U);
  EXPECT_TRUE(card.works.empty());
  ASSERT_EQ(card.asked.size(), 1U);
  const PacketTrace told = events_of<PacketTrace>(first.events).at(0);
  EXPECT_TRUE(has_row(told, "OUT-15") && has_row(told, "OUT-17") && has_row(told, "OUT-18"));
  EXPECT_FALSE(has_row(told, "OUT-16"));

  const auto second = pair.left.send(pair.packet());
  EXPECT_EQ(second.to_wire.size(), 1U);
  EXPECT_EQ(card.asked.size(), 1U) << "asked once";
  EXPECT_FALSE(has_row(events_of<PacketTrace>(second.events).at(0), "OUT-17"));
  EXPECT_EQ(pair.left.control().statistics().offloaded_associations, 0U);

  card.answer(OffloadState::kActive);
  EXPECT_EQ(pair.left.control().statistics().offloaded_associations, 1U);
  EXPECT_TRUE(pair.left.send(pair.packet()).to_wire.empty()) << "it is with the card";
  EXPECT_EQ(card.works.size(), 1U);
  const SaStatus status = pair.status(pair.left);
  EXPECT_EQ(status.packets, 3U);
  EXPECT_EQ(status.offloaded_packets, 1U);
  EXPECT_EQ(status.offload, OffloadState::kActive);
  EXPECT_GT(pair.left.control().statistics().offloaded_bytes_sent, 0U);
}

TEST(Offload, OUT_15_OUT_16_a_packet_with_blank_fields_goes_to_the_card_and_to_the_wire_when_they_are_filled) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  OffloadPair::trace(pair.left);
  const Bytes packet = pair.packet();
  const auto sent = pair.left.send(packet);
  ASSERT_EQ(card.works.size(), 1U);
  ASSERT_EQ(card.works[0]->jobs.size(), 1U);
  const EspJob& job = card.works[0]->jobs[0];
  EXPECT_TRUE(std::ranges::equal(job.clear_part().first(packet.size() - 20), ByteView(packet).subspan(20)));
  EXPECT_TRUE(pair.left.take_offloaded().to_wire.empty());
  EXPECT_EQ(pair.left.count(Verdict::kOutboundSecured), 1U) << "of the first one";
  EXPECT_EQ(rows(events_of<PacketTrace>(sent.events).at(0)),
            (Steps{"OUT-01", "OUT-02", "OUT-03", "OUT-04", "OUT-11", "OUT-12", "OUT-09", "OUT-14", "OUT-15", "OUT-16",
                   "OUT-19"}));

  card.finish_all();
  const auto out = pair.left.take_offloaded();
  ASSERT_EQ(out.to_wire.size(), 1U);
  EXPECT_EQ(pair.left.count(Verdict::kOutboundSecured), 2U);
  const auto received = pair.right.receive(out.to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, packet);
}

TEST(Offload, works_that_are_finished_in_another_order_leave_in_the_order_of_their_numbers) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  for (int batch = 0; batch < 5; ++batch) pair.left.send(std::vector<Stored>(40, Stored{pair.packet(), {}}));
  ASSERT_GE(card.works.size(), 5U);
  std::vector<Stored> wire;
  const auto take = [&] {
    for (Stored& packet : pair.left.take_offloaded().to_wire) wire.push_back(std::move(packet));
  };
  for (std::size_t i = card.works.size(); i-- > 0;) {
    EXPECT_TRUE(wire.empty()) << "the oldest is not finished";
    card.finish(i);
    take();
  }
  ASSERT_EQ(wire.size(), 200U);
  for (std::size_t i = 1; i < wire.size(); ++i) {
    EXPECT_EQ(load_u32(&wire[i].bytes[24]), load_u32(&wire[i - 1].bytes[24]) + 1);
  }
}

TEST(Offload, OFF_04_an_offloaded_sa_is_used_again_and_one_that_failed_is_not_tried_again) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  for (int i = 0; i < 3; ++i) pair.left.send(pair.packet());
  EXPECT_EQ(card.asked.size(), 1U);
  EXPECT_EQ(card.works.size(), 3U);

  SimulatedCard refusing;
  OffloadPair other(&refusing);
  connect(other.left, other.right, other.recipe);
  other.left.send(other.packet());
  refusing.answer(OffloadState::kFailed);
  OffloadPair::trace(other.left);
  const auto sent = other.left.send(other.packet());
  EXPECT_EQ(sent.to_wire.size(), 1U);
  EXPECT_EQ(refusing.asked.size(), 1U);
  EXPECT_EQ(found_at(events_of<PacketTrace>(sent.events).at(0), Step::kOutOffload), "no: it failed before");
  EXPECT_EQ(other.status(other.left).offload, OffloadState::kFailed);
}

TEST(Offload, OFF_03_a_soft_sa_is_never_offloaded) {
  SimulatedCard card;
  OffloadPair pair(&card);
  pair.recipe.soft = true;
  FilterPair near = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  FilterPair far = mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate);
  for (Filter* filter : {&near.outbound, &near.inbound, &far.outbound, &far.inbound}) filter->allow_soft = true;
  pair.left.set_filters({near.outbound, near.inbound});
  pair.right.set_filters({far.outbound, far.inbound});
  connect(pair.left, pair.right, pair.recipe);
  EXPECT_EQ(pair.left.send(pair.packet()).to_wire.size(), 1U);
  EXPECT_TRUE(card.asked.empty());
  EXPECT_EQ(pair.left.control().statistics().offloaded_associations, 0U);
}

struct Requirement {
  std::string_view reason;
  void (*change)(SaRecipe& recipe);
  void (*grant)(OffloadCapabilities& offers);  // null: no card can
};

TEST(Offload, OFF_02_an_sa_that_the_card_cannot_have_goes_through_software) {
  const Requirement requirements[] = {
      {"not with this cipher", [](SaRecipe& recipe) { recipe.cipher = Cipher::kAes256Gcm; },
       [](OffloadCapabilities& offers) { offers.ciphers = ~0U; }},
      {"not with this integrity",
       [](SaRecipe& recipe) {
         recipe.cipher = Cipher::kAes128Cbc;
         recipe.integrity = Integrity::kSha256;
       },
       [](OffloadCapabilities& offers) { offers.integrities = ~0U; }},
      {"not in tunnel mode", [](SaRecipe& recipe) { recipe.encapsulation = Encapsulation::kTunnel; },
       [](OffloadCapabilities& offers) { offers.tunnel = true; }},
      {"not with extended sequence numbers", [](SaRecipe& recipe) { recipe.extended_sequence = true; },
       [](OffloadCapabilities& offers) { offers.extended_sequence = true; }},
      {"not in UDP",
       [](SaRecipe& recipe) {
         recipe.udp = UdpEncapsulation{4500, 4500, {}, {}};
       },
       [](OffloadCapabilities& offers) { offers.udp_encapsulation = true; }},
      {"AH is done in software",
       [](SaRecipe& recipe) {
         recipe.protocol = SecurityProtocol::kAh;
         recipe.cipher = Cipher::kNull;
         recipe.integrity = Integrity::kSha1;
       },
       nullptr},
  };
  for (const Requirement& requirement : requirements) {
    SCOPED_TRACE(requirement.reason);
    for (const bool granted : {false, true}) {
      if (granted && requirement.grant == nullptr) continue;
      SimulatedCard card;
      if (granted) requirement.grant(card.offers);
      OffloadPair pair(&card);
      requirement.change(pair.recipe);
      connect(pair.left, pair.right, pair.recipe);
      OffloadPair::trace(pair.left);
      const auto sent = pair.left.send(pair.packet());
      EXPECT_EQ(sent.to_wire.size(), 1U);
      EXPECT_EQ(card.asked.size(), granted ? 1U : 0U);
      const std::string found = found_at(events_of<PacketTrace>(sent.events).at(0), Step::kOutOffload);
      EXPECT_EQ(found, granted ? "yes, but it is not" : fmt::format("no: {}", requirement.reason));
    }
  }
}

TEST(Offload, OFF_02_packets_with_options_and_transport_over_tunnel) {
  for (const bool granted : {false, true}) {
    SimulatedCard card;
    card.offers.ip_options = card.offers.transport_over_tunnel = granted;
    card.offers.tunnel = true;
    OffloadPair pair(&card);
    connect(pair.left, pair.right, pair.recipe);
    pair.activate(card, pair.left);
    Bytes with_options = pair.packet();
    with_options.insert(with_options.begin() + 20, {0x94, 0x04, 0x00, 0x00});  // router alert (RFC 2113)
    with_options[0] = 0x46;
    set_ip_length(with_options, 24);
    EXPECT_EQ(pair.left.send(with_options).to_wire.size(), granted ? 0U : 1U);

    SimulatedCard tunnel_card;
    tunnel_card.offers = card.offers;
    OffloadPair tunnel(&tunnel_card);
    tunnel.recipe.encapsulation = Encapsulation::kTunnel;
    connect(tunnel.left, tunnel.right, tunnel.recipe);
    tunnel.activate(tunnel_card, tunnel.left);
    Bytes is_protected = tunnel.packet();
    is_protected[9] = kProtocolEsp;
    set_ip_length(is_protected, 20);
    EXPECT_EQ(tunnel.left.send(is_protected).to_wire.size(), granted ? 0U : 1U);
    EXPECT_TRUE(tunnel.left.send(tunnel.packet()).to_wire.empty()) << "others do go to the card";
  }
}

TEST(Offload, a_packet_that_the_card_did_not_fill_is_dropped_by_name_and_never_leaves) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  pair.left.send(std::vector<Stored>(3, Stored{pair.packet(), {}}));
  ASSERT_EQ(card.works.size(), 1U);
  OffloadWork& work = *card.works[0];
  SeededRandom random(3);
  EspEngine engine(kMaxEspWorkers + 1, random);
  work.run(engine);
  work.jobs[1].verdict = EspVerdict::kPending;
  work.finish();
  const auto out = pair.left.take_offloaded();
  EXPECT_EQ(out.to_wire.size(), 2U);
  EXPECT_EQ(pair.left.count(Verdict::kOutboundOffloadFailed), 1U);
  EXPECT_EQ(events_of<AuditEvent>(out.events).at(0).verdict, Verdict::kOutboundOffloadFailed);
  EXPECT_EQ(pair.left.count(Verdict::kOutboundSecured), 1U + 2U);
}

TEST(Offload, a_card_that_stalls_loses_its_packets_by_name_and_the_sa_goes_on_in_software) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  pair.left.send(pair.packet());
  ASSERT_EQ(card.works.size(), 1U);
  pair.left.now = pair.left.now + limits::kOffloadPatience;
  EXPECT_TRUE(pair.left.take_offloaded().to_wire.empty());
  EXPECT_EQ(pair.left.count(Verdict::kOutboundOffloadFailed), 0U) << "not longer than its patience";
  EXPECT_TRUE(pair.left.worker().has_offloaded());
  pair.left.now = pair.left.now + std::chrono::milliseconds(1);
  EXPECT_TRUE(pair.left.take_offloaded().to_wire.empty());
  EXPECT_EQ(pair.left.count(Verdict::kOutboundOffloadFailed), 1U);
  EXPECT_FALSE(pair.left.worker().has_offloaded());
  EXPECT_EQ(pair.left.send(pair.packet()).to_wire.size(), 1U);
  card.finish_all();  // too late: nobody looks at it any more
  EXPECT_TRUE(pair.left.take_offloaded().to_wire.empty());
}

TEST(Offload, a_provider_without_room_leaves_the_work_to_the_worker_and_the_order_stays) {
  SimulatedCard card;
  OffloadPair pair(&card);
  pair.recipe.replay_window = limits::kMinReplayWindow;
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  pair.left.send(pair.packet());
  card.refuses_work = true;
  constexpr std::size_t kMore = limits::kMinReplayWindow + 16;  // out of order they would not all be received
  EXPECT_TRUE(pair.left.send(std::vector<Stored>(kMore, Stored{pair.packet(), {}})).to_wire.empty())
      << "behind the one that the card has";
  card.finish_all();
  const auto out = pair.left.take_offloaded();
  EXPECT_EQ(out.to_wire.size(), kMore + 1);
  EXPECT_EQ(pair.right.receive(out.to_wire).to_host.size(), kMore + 1);
}

TEST(Offload, more_than_may_be_under_way_is_dropped_by_name) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  const std::size_t room = limits::kOffloadWorks * limits::kOffloadPackets;
  pair.left.send(std::vector<Stored>(room + 5, Stored{pair.packet(), {}}));
  EXPECT_EQ(pair.left.count(Verdict::kOutboundOffloadFull), 5U);
  EXPECT_EQ(card.works.size(), limits::kOffloadWorks);
  card.finish_all();
  EXPECT_EQ(pair.left.take_offloaded().to_wire.size(), room);
}

TEST(Offload, results_go_to_the_port_their_packets_came_from) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  Output output;
  const TablesPointer tables = pair.left.control().tables();
  for (const std::uint64_t port : {7U, 8U, 7U}) {
    Bytes bytes = pair.packet();
    Packet packet{bytes, {}};
    output.clear();
    output.port = port;
    pair.left.worker().process_outbound({&packet, 1}, *tables, pair.left.now, output);
  }
  card.finish_all();
  for (const std::uint64_t port : {7U, 8U, 7U}) {
    output.clear();
    ASSERT_TRUE(pair.left.worker().process_offloaded(*tables, pair.left.now, output));
    EXPECT_EQ(output.port, port);
    EXPECT_EQ(output.to_wire.size(), 1U);
  }
  output.clear();
  EXPECT_FALSE(pair.left.worker().process_offloaded(*tables, pair.left.now, output));
}

TEST(Offload, a_worker_is_woken_once_when_what_it_waits_for_is_finished) {
  SimulatedCard card;
  OffloadPair pair(&card);
  connect(pair.left, pair.right, pair.recipe);
  int woken = 0;
  pair.left.worker().on_offloaded([&] { ++woken; });
  pair.activate(card, pair.left);
  pair.left.send(pair.packet());
  pair.left.send(pair.packet());
  EXPECT_EQ(woken, 0);
  card.finish_all();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(pair.left.take_offloaded().to_wire.size(), 2U);
}

TEST(Offload, IN_03_IN_19_what_the_card_has_opened_skips_the_cryptography) {
  SimulatedCard card;
  OffloadPair pair(nullptr, &card);
  connect(pair.left, pair.right, pair.recipe);
  OffloadPair::trace(pair.right);
  const auto first = pair.right.receive(pair.left.send(pair.packet()).to_wire);
  ASSERT_EQ(first.to_host.size(), 1U);
  EXPECT_EQ(rows(events_of<PacketTrace>(first.events).at(0)),
            (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16", "IN-19", "IN-20", "IN-22", "IN-18", "IN-24"}));
  ASSERT_EQ(card.asked.size(), 1U);
  card.answer(OffloadState::kActive);

  const auto wire = pair.left.send(pair.packet()).to_wire;
  EXPECT_TRUE(pair.right.receive(wire).to_host.empty()) << "the card has it";
  card.finish_all();
  const auto opened = pair.right.take_offloaded();
  ASSERT_EQ(opened.to_host.size(), 1U);
  EXPECT_EQ(opened.to_host[0].bytes, pair.packet());
  EXPECT_EQ(rows(events_of<PacketTrace>(opened.events).at(0)),
            (Steps{"IN-01", "IN-02", "IN-03", "IN-05", "IN-15", "IN-16", "IN-19", "IN-22", "IN-18", "IN-24"}));
  EXPECT_EQ(pair.status(pair.right).offloaded_packets, 1U);
  EXPECT_GT(pair.right.control().statistics().offloaded_bytes_received, 0U);

  EXPECT_TRUE(pair.right.receive(wire).to_host.empty());
  EXPECT_TRUE(card.works.empty()) << "a replayed packet is not worth the card's time";
  EXPECT_EQ(pair.right.count(Verdict::kInboundReplayed), 1U);
}

TEST(Offload, IN_04_OFF_07_what_the_card_refuses_is_an_event_and_dropped) {
  SimulatedCard card;
  OffloadPair pair(nullptr, &card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.right);
  OffloadPair::trace(pair.right);
  const auto wire = pair.left.send(pair.packet()).to_wire;
  auto forged = wire;
  forged[0].bytes.back() ^= 1;
  pair.right.receive(forged);
  card.finish_all();
  const auto refused = pair.right.take_offloaded();
  EXPECT_TRUE(refused.to_host.empty());
  const AuditEvent event = events_of<AuditEvent>(refused.events).at(0);
  EXPECT_EQ(event.verdict, Verdict::kInboundOffloadFailed);
  EXPECT_EQ(event.sequence, 2U);
  EXPECT_NE(event.spi, 0U);
  EXPECT_EQ(rows(events_of<PacketTrace>(refused.events).at(0)), (Steps{"IN-01", "IN-02", "IN-03", "IN-04"}));
  EXPECT_EQ(pair.right.control().statistics().packets_not_authenticated, 1U);

  pair.right.receive(wire);
  card.finish_all();
  EXPECT_EQ(pair.right.take_offloaded().to_host.size(), 1U) << "the forged one did not use up the number";
}

TEST(Offload, two_copies_of_a_packet_with_the_card_at_once_are_delivered_once) {
  SimulatedCard card;
  OffloadPair pair(nullptr, &card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.right);
  const auto wire = pair.left.send(pair.packet()).to_wire;
  pair.right.receive(wire);
  pair.right.receive(wire);
  ASSERT_EQ(card.works.size(), 2U);
  card.finish_all();
  EXPECT_EQ(pair.right.take_offloaded().to_host.size(), 1U);
  EXPECT_EQ(pair.right.count(Verdict::kInboundReplayed), 1U);
}

TEST(Offload, an_sa_that_ends_while_the_card_has_its_packet_receives_nothing_more) {
  SimulatedCard card;
  OffloadPair pair(nullptr, &card);
  const std::uint32_t spi = connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.right);
  pair.right.receive(pair.left.send(pair.packet()).to_wire);
  ASSERT_EQ(card.works.size(), 1U);
  ASSERT_TRUE(pair.right.control().delete_sa(spi, Direction::kInbound, SecurityProtocol::kEsp, pair.left.own()));
  card.asked.clear();
  card.finish_all();
  EXPECT_TRUE(pair.right.take_offloaded().to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundBadSpi), 1U);

  // Another SA under its SPI: what was opened under the old keys is not the new one's.
  OffloadPair again(nullptr, &card);
  const std::uint32_t reused = connect(again.left, again.right, again.recipe);
  again.activate(card, again.right);
  again.right.receive(again.left.send(again.packet()).to_wire);
  ASSERT_EQ(card.works.size(), 1U);
  ASSERT_TRUE(again.right.control().delete_sa(reused, Direction::kInbound, SecurityProtocol::kEsp, again.left.own()));
  again.right.random().next_u32(reused);
  again.left.control().delete_sa(reused, Direction::kOutbound, SecurityProtocol::kEsp, again.right.own());
  ASSERT_EQ(connect(again.left, again.right, again.recipe), reused);
  card.finish_all();
  EXPECT_TRUE(again.right.take_offloaded().to_host.empty());
  EXPECT_EQ(again.right.count(Verdict::kInboundOffloadFailed), 1U);
}

TEST(Offload, what_was_inside_an_opened_packet_is_not_open_itself) {
  SimulatedCard card;
  card.offers.tunnel = true;
  OffloadPair pair(nullptr, &card);
  pair.recipe.encapsulation = Encapsulation::kTunnel;
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.right);
  // The inner packet claims to be ESP of the very same SA, with a number that was not used.
  Bytes inner = pair.packet(60);
  inner[9] = kProtocolEsp;
  store_u32(&inner[20], pair.status(pair.right).sa.spi);
  store_u32(&inner[24], 3);
  set_ip_length(inner, 20);
  pair.right.receive(pair.left.send(inner).to_wire);
  card.finish_all();
  EXPECT_TRUE(pair.right.take_offloaded().to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundOpened), 1U) << "the first one";
  EXPECT_EQ(pair.right.count(Verdict::kInboundNotAuthentic), 1U) << "it went through the cryptography itself";
}

TEST(Offload, explaining_a_packet_leaves_the_provider_alone) {
  SimulatedCard card;
  OffloadPair pair(&card, &card);
  connect(pair.left, pair.right, pair.recipe);
  pair.activate(card, pair.left);
  pair.left.send(pair.packet());
  card.finish_all();
  Bytes packet = pair.packet();
  const auto trace =
      pair.left.worker().explain(Direction::kOutbound, {packet, {}}, *pair.left.control().tables(), pair.left.now);
  EXPECT_EQ(trace.verdict, Verdict::kOutboundSecured);
  EXPECT_TRUE(card.works.empty());
  EXPECT_EQ(pair.left.take_offloaded().to_wire.size(), 1U) << "it did not take what was ready";
}

// ---- look-aside
// ------------------------------------------------------------------------------------------------------

SaRecipe with_suite(SaRecipe recipe, Cipher cipher, Integrity integrity) {
  recipe.cipher = cipher;
  recipe.integrity = integrity;
  return recipe;
}

TEST(LookAside, confirms_with_its_first_help_and_the_worker_does_what_nobody_helps_with) {
  LookAside aside;
  OffloadPair pair(&aside);
  connect(pair.left, pair.right, pair.recipe);
  SeededRandom random(5);
  EspEngine engine(kMaxEspWorkers, random);
  EXPECT_EQ(pair.left.send(pair.packet()).to_wire.size(), 1U);
  EXPECT_TRUE(aside.help(engine));
  EXPECT_EQ(pair.status(pair.left).offload, OffloadState::kActive);
  const auto sent = pair.left.send(std::vector<Stored>(100, Stored{pair.packet(), {}}));
  EXPECT_EQ(sent.to_wire.size(), 100U) << "no helper came, nobody waits";
  EXPECT_EQ(pair.status(pair.left).offloaded_packets, 100U);
  EXPECT_EQ(pair.right.receive(sent.to_wire).to_host.size(), 100U);
  while (aside.help(engine)) {
  }
  EXPECT_TRUE(pair.left.take_offloaded().to_wire.empty()) << "nothing is done twice";
}

// The same octets with and without, whatever the suite and sizes; the IVs come from generators of equal seeds.
TEST(LookAside, makes_the_same_octets_as_the_plain_path) {
  constexpr std::uint64_t kSeed = 77;
  SeededRandom random(kSeed);
  for (int round = 0; round < 30; ++round) {
    SCOPED_TRACE(fmt::format("seed {} round {}", kSeed, round));
    LookAside aside;
    OffloadPair with(&aside), without(nullptr);
    const Cipher ciphers[] = {Cipher::kAes128Gcm, Cipher::kAes128Cbc, Cipher::kTripleDes, Cipher::kChacha20Poly1305};
    const Cipher cipher = ciphers[random.u32() % std::size(ciphers)];
    const Integrity integrity = info(cipher).is_aead() ? Integrity::kNone : Integrity::kSha256;
    const std::uint32_t spi = 0x1000 + random.u32() % 1000;
    std::vector<Stored> batch;
    for (std::uint32_t i = random.u32() % 90 + 1; i > 0; --i) {
      batch.push_back({with.packet(random.u32() % 1300), {}});
    }
    std::vector<std::vector<Stored>> wires;
    for (OffloadPair* pair : {&with, &without}) {
      pair->recipe = with_suite(pair->recipe, cipher, integrity);
      pair->recipe.encapsulation = round % 2 == 0 ? Encapsulation::kTransport : Encapsulation::kTunnel;
      pair->right.random().next_u32(spi);
      ASSERT_EQ(connect(pair->left, pair->right, pair->recipe), spi);
      pair->left.send(pair->packet());
      SeededRandom helper_random(1);
      EspEngine helper(kMaxEspWorkers, helper_random);
      aside.help(helper);
      wires.push_back(pair->left.send(batch).to_wire);
    }
    EXPECT_EQ(with.status(with.left).offloaded_packets, batch.size());
    ASSERT_EQ(wires[0], wires[1]);
  }
}

TEST(LookAside, helpers_on_other_threads_keep_the_order_of_one_sa_and_lose_nothing) {
  constexpr unsigned kBatches = 300;
  constexpr unsigned kPackets = 64;
  LookAside left_aside, right_aside;
  OffloadPair pair(&left_aside, &right_aside);
  pair.recipe.replay_window = limits::kMinReplayWindow;
  connect(pair.left, pair.right, pair.recipe);
  std::vector<std::thread> helpers;
  for (unsigned i = 0; i < 4; ++i) {
    helpers.emplace_back([&, i] {
      LookAside& aside = i % 2 == 0 ? left_aside : right_aside;
      SeededRandom random(i);
      EspEngine engine(kMaxEspWorkers + i, random);
      while (!aside.is_stopped()) {
        const std::uint32_t ticket = aside.ticket();
        if (!aside.help(engine)) aside.wait(ticket);
      }
    });
  }
  std::uint32_t last = 0;
  std::size_t sent = 0, delivered = 0;
  const auto carry = [&](const std::vector<Stored>& wire) {
    for (const Stored& packet : wire) {
      const std::uint32_t sequence = load_u32(&packet.bytes[24]);
      EXPECT_GT(sequence, last);
      last = sequence;
    }
    sent += wire.size();
    delivered += pair.right.receive(wire).to_host.size();
    delivered += pair.right.take_offloaded().to_host.size();
  };
  for (unsigned batch = 0; batch < kBatches; ++batch) {
    carry(pair.left.send(std::vector<Stored>(kPackets, Stored{pair.packet(200), {}})).to_wire);
    carry(pair.left.take_offloaded().to_wire);
  }
  while (pair.left.worker().has_offloaded()) carry(pair.left.take_offloaded().to_wire);
  while (pair.right.worker().has_offloaded()) delivered += pair.right.take_offloaded().to_host.size();
  left_aside.stop();
  right_aside.stop();
  for (std::thread& helper : helpers) helper.join();
  EXPECT_EQ(sent, std::size_t{kBatches} * kPackets);
  EXPECT_EQ(delivered, sent);
  EXPECT_GT(pair.status(pair.left).offloaded_packets, 0U);
}

TEST(LookAside, a_full_queue_is_no_reason_to_wait) {
  BoundedQueue<int> queue(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(int{i}));
  EXPECT_FALSE(queue.push(4));
  int value = -1;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(queue.pop(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(queue.pop(value));
  EXPECT_TRUE(queue.push(9));
}

}  // namespace
}  // namespace ipsec::driver::tests

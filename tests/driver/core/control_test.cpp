// The control side: policy, life of SAs, held packets, statistics.
#include "services/driver/core/control.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/driver/core/limits.h"
#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

using std::chrono::seconds;

class ControlSide : public testing::Test {
 protected:
  ControlSide() { negotiate_with({"10.77.0.2"}); }

  void negotiate_with(const std::vector<std::string>& peers, Profile profile = Profile::kModern) {
    std::vector<Filter> filters;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const FilterPair pair = mirrored(kFilter + 10 * i, between("10.77.0.1", peers[i]), Action::kNegotiate);
      filters.insert(filters.end(), {pair.outbound, pair.inbound});
    }
    host.set_filters(std::move(filters), profile);
    peer.set_filters({mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate).inbound});
  }
  SaRecipe recipe() const {
    SaRecipe recipe;
    recipe.selector = between("10.77.0.1", "10.77.0.2");
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    return recipe;
  }
  SaRecipe backward() const {
    SaRecipe recipe;
    recipe.selector = between("10.77.0.2", "10.77.0.1");
    recipe.inbound_filter = kFilter + 1;
    return recipe;
  }
  // An SA pair as quick mode makes it, both its halves at the host. The outbound SPI.
  std::uint32_t connect_pair(std::uint32_t replaces = 0, std::uint32_t lifetime_seconds = 0) {
    inbound_spi = connect(peer, host, backward());
    SaRecipe forward = recipe();
    forward.outbound_pair = inbound_spi;
    forward.replaces = replaces;
    forward.lifetime_seconds = lifetime_seconds;
    return connect(host, peer, forward);
  }
  Bytes ping(std::string_view to = "10.77.0.2", std::size_t size = 20) const {
    return icmp_echo({host.own(), address(to)}, size);
  }
  std::vector<DriverEvent> tick_after(Duration time) {
    host.now = host.now + time;
    return host.control().tick(host.now);
  }
  std::set<std::uint32_t> installed() {
    std::set<std::uint32_t> spis;
    for (const SaStatus& status : host.control().list_sas(host.now)) spis.insert(status.sa.spi);
    return spis;
  }

  TestHost host{"10.77.0.1"};
  TestHost peer{"10.77.0.2"};
  std::uint32_t inbound_spi = 0;
};

TEST_F(ControlSide, DRV_02_snapshots_change_only_when_something_changed) {
  const TablesPointer first = host.control().tables();
  EXPECT_EQ(host.control().tables(), first);
  host.control().tick(host.now);
  host.control().set_link(LinkSettings{});
  EXPECT_EQ(host.control().tables(), first);
  connect(host, peer, recipe());
  const TablesPointer second = host.control().tables();
  EXPECT_NE(second, first);
  EXPECT_EQ(second->filter_generation, first->filter_generation);
  EXPECT_GT(second->generation, first->generation);
  // The old snapshot is as it was.
  const Filter& filter = first->filters->find(kFilter)->filter;
  EXPECT_EQ(first->sas.find_outbound(filter, peer.own(), {host.own(), peer.own(), 1, 0, 0}), nullptr);
  EXPECT_NE(second->sas.find_outbound(filter, peer.own(), {host.own(), peer.own(), 1, 0, 0}), nullptr);
}

TEST_F(ControlSide, DRV_14_spis_are_unique_and_not_reserved_numbers) {
  const auto reserve = [&] {
    return *host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), peer.own(), host.now);
  };
  for (const std::uint32_t wanted : {0U, 1U, 255U, 256U, 256U, 257U}) host.random().next_u32(wanted);
  EXPECT_EQ(reserve(), 256U);
  EXPECT_EQ(reserve(), 257U);
  std::set<std::uint32_t> seen = {256, 257};
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(reserve()).second);
  EXPECT_EQ(host.control().statistics().pending_keys, 1002U);
}

TEST_F(ControlSide, larval_spis_are_bounded_and_forgotten) {
  Status last;
  for (std::size_t i = 0; i <= limits::kMaxLarvalSpis; ++i) {
    last = host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), peer.own(), host.now).status();
  }
  EXPECT_EQ(last.code(), ErrorCode::kExhausted);
  tick_after(limits::kLarvalLifetime);
  EXPECT_EQ(host.control().statistics().pending_keys, 0U);
}

TEST_F(ControlSide, an_inbound_sa_needs_its_reservation) {
  SaParameters sa = parameters_of(peer, host, backward(), 0x5000, Direction::kInbound);
  EXPECT_EQ(host.control().install_sa(sa, host.now).code(), ErrorCode::kNotFound);
  host.random().next_u32(0x5000);
  ASSERT_TRUE(host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), address("10.77.0.3"), host.now).ok());
  const Status other_peer = host.control().install_sa(sa, host.now);
  EXPECT_EQ(other_peer.code(), ErrorCode::kInvalid);
  EXPECT_THAT(other_peer.message(), testing::AllOf(testing::HasSubstr("10.77.0.3"), testing::HasSubstr("0x00005000")));
  EXPECT_TRUE(host.control().delete_sa(0x5000, Direction::kInbound, SecurityProtocol::kEsp, peer.own()));
  EXPECT_EQ(host.control().install_sa(sa, host.now).code(), ErrorCode::kNotFound);
}

TEST_F(ControlSide, wrong_sas_are_refused_with_the_reason) {
  const auto refusal = [&](auto change) {
    SaParameters sa = parameters_of(host, peer, recipe(), 0x5000, Direction::kOutbound);
    change(sa);
    return host.control().install_sa(std::move(sa), host.now).message();
  };
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.spi = 255; }), testing::HasSubstr("reserved"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.protocol = SecurityProtocol::kAh; }),
              testing::HasSubstr("AH needs an integrity algorithm"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.encryption_key = SecretBytes(std::size_t{16}); }),
              testing::HasSubstr("16 octets instead of 20"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.cipher = Cipher::kAes128Cbc; }),
              testing::HasSubstr("without integrity"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.replay_window = 63; }), testing::HasSubstr("64 to 65536"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.replay_window = 65537; }), testing::HasSubstr("64 to 65536"));
  EXPECT_THAT(refusal([](SaParameters& sa) { sa.source = address("::1"); }), testing::HasSubstr("families"));
  EXPECT_EQ(refusal([](SaParameters&) {}), "");
  EXPECT_THAT(refusal([](SaParameters&) {}), testing::HasSubstr("is installed"));
}

TEST_F(ControlSide, listings_hold_no_keys) {
  connect(host, peer, recipe());
  const SaStatus status = host.control().list_sas(host.now).at(0);
  EXPECT_TRUE(status.sa.encryption_key.empty());
  EXPECT_TRUE(status.sa.integrity_key.empty());
}

TEST_F(ControlSide, DRV_25_both_halves_of_a_pair_differ_by_spi) {
  const std::uint32_t outbound_spi = connect_pair();
  EXPECT_EQ(installed(), (std::set<std::uint32_t>{outbound_spi, inbound_spi}));
  EXPECT_EQ(host.control().statistics().active_associations, 2U);
  EXPECT_EQ(host.control().statistics().key_additions, 2U);
}

TEST_F(ControlSide, DRV_05_seconds_ask_for_a_rekey_and_end_it) {
  for (const bool initiator : {true, false}) {
    SaRecipe timed = recipe();
    timed.lifetime_seconds = 200;
    timed.initiator = initiator;
    const std::uint32_t spi = connect(host, peer, timed);
    const int soft_from = initiator ? 150 : 170, soft_to = initiator ? 160 : 180;
    int asked_at = 0, ended_at = 0;
    for (int second = 1; second <= 200 && ended_at == 0; ++second) {
      host.send(ping());
      const auto events = tick_after(seconds(1));
      for (const RekeyNeeded& rekey : events_of<RekeyNeeded>(events)) {
        EXPECT_EQ(rekey, (RekeyNeeded{spi, peer.own(), kFilter, RekeyReason::kSeconds}));
        if (asked_at == 0) asked_at = second;
      }
      for (const SaEnded& ended : events_of<SaEnded>(events)) {
        EXPECT_EQ(ended.reason, SaEndReason::kLifetime);
        ended_at = second;
      }
    }
    EXPECT_GE(asked_at, soft_from);
    EXPECT_LE(asked_at, soft_to);
    EXPECT_EQ(ended_at, 200);
    EXPECT_TRUE(installed().empty());
  }
}

TEST_F(ControlSide, a_rekey_that_does_not_come_is_asked_for_again) {
  SaRecipe timed = recipe();
  timed.lifetime_seconds = 1000;
  connect(host, peer, timed);
  std::size_t asked = 0;
  for (int second = 0; second < 1000; ++second) {
    host.send(ping());
    asked += events_of<RekeyNeeded>(tick_after(seconds(1))).size();
  }
  EXPECT_GE(asked, 3U);
  EXPECT_LE(asked, 6U);
}

// A host that only receives must not run into the end of its inbound SA; IKE is asked once, by the outbound SPI.
TEST_F(ControlSide, DRV_06_kilobytes_received_ask_for_a_rekey_of_the_pair) {
  peer.set_filters({mirrored(kFilter, between("10.77.0.2", "10.77.0.1"), Action::kNegotiate).outbound});
  const auto outbound_spi = peer.control().reserve_spi(SecurityProtocol::kEsp, peer.own(), host.own(), peer.now);
  SaRecipe backwards = backward();
  backwards.outbound_filter = kFilter;
  backwards.lifetime_kilobytes = 100;
  inbound_spi = *host.control().reserve_spi(SecurityProtocol::kEsp, host.own(), peer.own(), host.now);
  SaParameters inbound = parameters_of(peer, host, backwards, inbound_spi, Direction::kInbound);
  inbound.pair_spi = *outbound_spi;
  ASSERT_TRUE(host.control().install_sa(inbound, host.now).ok());
  ASSERT_TRUE(peer.control()
                  .install_sa(parameters_of(peer, host, backwards, inbound_spi, Direction::kOutbound), peer.now)
                  .ok());
  SaRecipe forward = recipe();
  forward.outbound_pair = inbound_spi;
  ASSERT_TRUE(host.control()
                  .install_sa(parameters_of(host, peer, forward, *outbound_spi, Direction::kOutbound), host.now)
                  .ok());
  std::vector<RekeyNeeded> asked;
  for (int i = 0; i < 95; ++i) {
    const auto sent = peer.send(udp_packet({peer.own(), host.own()}, 1, 2, pattern(972)));
    for (const RekeyNeeded& rekey : events_of<RekeyNeeded>(host.receive(sent.to_wire).events)) asked.push_back(rekey);
  }
  EXPECT_EQ(asked, (std::vector<RekeyNeeded>{{*outbound_spi, peer.own(), kFilter, RekeyReason::kKilobytes}}));
  EXPECT_TRUE(host.control().tick(host.now).empty());
}

TEST_F(ControlSide, KEY_09_RTY_08_an_idle_pair_ends_and_a_used_half_keeps_both) {
  const std::uint32_t outbound_spi = connect_pair();
  for (int i = 0; i < 5; ++i) {
    host.send(ping());
    EXPECT_TRUE(tick_after(limits::kSaIdleTime - seconds(1)).empty());
  }
  const auto ended = events_of<SaEnded>(tick_after(seconds(1)));
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0],
            (SaEnded{outbound_spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own(), SaEndReason::kIdle}));
  EXPECT_EQ(ended[1],
            (SaEnded{inbound_spi, Direction::kInbound, SecurityProtocol::kEsp, peer.own(), SaEndReason::kIdle}));
}

TEST_F(ControlSide, rekeyed_pair_is_used_at_once_and_the_old_inbound_still_receives) {
  const std::uint32_t old_outbound = connect_pair();
  const std::uint32_t old_inbound = inbound_spi;
  const std::uint32_t new_outbound = connect_pair(old_outbound);
  EXPECT_EQ(installed(), (std::set<std::uint32_t>{old_inbound, inbound_spi, new_outbound}));
  for (const SaStatus& status : host.control().list_sas(host.now))
    EXPECT_EQ(status.dying, status.sa.spi == old_inbound);
  EXPECT_EQ(load_u32(&host.send(ping()).to_wire.at(0).bytes[20]), new_outbound);
  EXPECT_EQ(host.control().statistics().rekeys, 1U);
}

TEST_F(ControlSide, a_second_sa_for_the_same_traffic_takes_over_even_unnamed) {
  connect_pair();
  const std::uint32_t second = connect_pair();
  EXPECT_EQ(load_u32(&host.send(ping()).to_wire.at(0).bytes[20]), second);
  EXPECT_EQ(host.control().statistics().active_associations, 3U);
}

TEST_F(ControlSide, DRV_19_delete_names_what_it_deletes) {
  const std::uint32_t spi = connect_pair();
  Control& control = host.control();
  EXPECT_FALSE(control.delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, address("10.77.0.3")));
  EXPECT_FALSE(control.delete_sa(spi, Direction::kOutbound, SecurityProtocol::kAh, peer.own()));
  EXPECT_TRUE(control.delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own()));
  EXPECT_FALSE(control.delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own()));
  EXPECT_TRUE(control.delete_sa(inbound_spi, Direction::kInbound, SecurityProtocol::kEsp, peer.own()));
  EXPECT_EQ(control.statistics().key_deletions, 2U);
}

// PA-26: what stays in the policy keeps its SAs; what is gone loses the outbound ones at once.
TEST_F(ControlSide, a_new_policy_ends_outbound_sas_of_filters_that_are_gone) {
  const std::uint32_t spi = connect_pair();
  negotiate_with({"10.77.0.2", "10.77.0.3"});
  EXPECT_TRUE(installed().contains(spi));
  Policy policy;
  policy.active = true;
  policy.filters = {mirrored(900, between("10.77.0.1", "10.77.0.2"), Action::kPermit).outbound};
  const auto events = host.control().set_policy(policy);
  ASSERT_TRUE(events.ok());
  const auto ended = events_of<SaEnded>(*events);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0], (SaEnded{spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own(), SaEndReason::kPolicy}));
  EXPECT_EQ(installed(), (std::set<std::uint32_t>{inbound_spi}));
}

// The difference to the policy in force, as the agent sends it.
PolicyUpdate change_of(const Control& control) {
  PolicyUpdate update;
  update.base_version = control.policy_version();
  update.settings.version = update.base_version + 1;
  update.settings.active = true;
  update.count = control.filters()->entries().size();
  return update;
}

TEST_F(ControlSide, PA_26_a_change_touches_only_the_sas_of_its_filters) {
  const std::uint32_t spi = connect_pair();
  host.send(ping());
  Control& control = host.control();
  const std::uint64_t filter =
      control.filters()->match(Direction::kOutbound, {host.own(), peer.own(), 1, 0, 0})->filter.id;
  const std::uint64_t packets = control.filters()->find(filter)->counters->packets;
  ASSERT_GT(packets, 0U);

  PolicyUpdate added = change_of(control);
  added.inserted = {mirrored(900, between("10.77.0.1", "10.77.0.9"), Action::kBlock).outbound};
  ++added.count;
  auto events = control.update_policy(added);
  ASSERT_TRUE(events.ok()) << events.status().message();
  EXPECT_THAT(*events, testing::IsEmpty());
  EXPECT_EQ(host.send(ping()).to_wire.size(), 1U);
  EXPECT_EQ(control.filters()->find(filter)->counters->packets, packets + 1);
  EXPECT_THAT(host.send(ping("10.77.0.9")).to_wire, testing::IsEmpty());
  EXPECT_EQ(host.count(Verdict::kOutboundBlocked), 1U);

  PolicyUpdate removed = change_of(control);
  removed.removed = {filter};
  --removed.count;
  events = control.update_policy(removed);
  ASSERT_TRUE(events.ok()) << events.status().message();
  EXPECT_EQ(
      events_of<SaEnded>(*events),
      (std::vector{SaEnded{spi, Direction::kOutbound, SecurityProtocol::kEsp, peer.own(), SaEndReason::kPolicy}}));
  EXPECT_EQ(installed(), (std::set<std::uint32_t>{inbound_spi})) << "the inbound one runs out";
}

TEST_F(ControlSide, PA_26_another_protection_of_a_filter_ends_its_outbound_sas) {
  const std::uint32_t spi = connect_pair();
  Control& control = host.control();
  Filter filter = control.filters()->match(Direction::kOutbound, {host.own(), peer.own(), 1, 0, 0})->filter;
  const auto replace_by = [&](const Filter& other) {
    PolicyUpdate update = change_of(control);
    update.removed = {other.id};
    update.inserted = {other};
    update.inserted[0].index = 0;
    const auto events = control.update_policy(update);
    EXPECT_TRUE(events.ok()) << events.status().message();
    return events_of<SaEnded>(*events).size();
  };
  filter.rule_name = "renamed";
  EXPECT_EQ(replace_by(filter), 0U);
  EXPECT_TRUE(installed().contains(spi));
  filter.protection_id = 42;
  EXPECT_EQ(replace_by(filter), 1U);
  EXPECT_EQ(installed(), (std::set<std::uint32_t>{inbound_spi}));
}

TEST_F(ControlSide, a_change_of_another_version_is_refused_and_changes_nothing) {
  connect_pair();
  Control& control = host.control();
  const std::uint64_t version = control.policy_version();
  PolicyUpdate update = change_of(control);
  ++update.base_version;
  EXPECT_EQ(control.update_policy(update).status().code(), ErrorCode::kRefused);
  update = change_of(control);
  ++update.count;
  EXPECT_EQ(control.update_policy(update).status().code(), ErrorCode::kRefused);
  update = {};
  update.count = 3;
  EXPECT_EQ(control.update_policy(update).status().code(), ErrorCode::kRefused);
  EXPECT_EQ(control.policy_version(), version);
  EXPECT_EQ(host.send(ping()).to_wire.size(), 1U);
}

TEST_F(ControlSide, an_inactive_policy_ends_everything) {
  connect_pair();
  host.send(ping());
  negotiate_with({"10.77.0.2", "10.77.0.3"});
  host.send(ping("10.77.0.3"));
  EXPECT_EQ(host.control().statistics().held_packets, 1U);
  const auto events = host.control().set_policy({});
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events_of<SaEnded>(*events).size(), 2U);
  EXPECT_FALSE(host.control().active());
  EXPECT_EQ(host.control().statistics().held_packets, 0U);
  EXPECT_EQ(host.count(Verdict::kOutboundPolicyChanged), 1U);
}

TEST_F(ControlSide, a_refused_policy_changes_nothing) {
  connect_pair();
  Policy policy;
  policy.active = true;
  policy.version = 77;
  policy.filters.resize(1);
  EXPECT_FALSE(host.control().set_policy(policy).ok());
  EXPECT_NE(host.control().policy_version(), 77U);
  EXPECT_EQ(host.send(ping()).to_wire.size(), 1U);
}

TEST_F(ControlSide, DRV_22_modern_profile_holds_a_bounded_number) {
  for (std::size_t i = 0; i < limits::kMaxHeldPerPeer + 5; ++i) {
    EXPECT_EQ(events_of<Acquire>(host.send(ping()).events).size(), i == 0 ? 1U : 0U);
  }
  EXPECT_EQ(host.control().statistics().held_packets, limits::kMaxHeldPerPeer);
  EXPECT_EQ(host.count(Verdict::kOutboundHeldFull), 5U);
}

TEST_F(ControlSide, DRV_22_compatible_profile_keeps_only_the_last) {
  negotiate_with({"10.77.0.2"}, Profile::kWindows2003);
  for (std::size_t i = 0; i < 5; ++i) host.send(ping("10.77.0.2", 20 + i));
  EXPECT_EQ(host.count(Verdict::kOutboundHeldReplaced), 4U);
  connect(host, peer, recipe());
  const auto received = peer.receive(host.send_released().to_wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, ping("10.77.0.2", 24));
}

TEST_F(ControlSide, held_packets_are_bounded_over_all_peers) {
  FilterPair all = mirrored(kFilter, between("0.0.0.0/0", "0.0.0.0/0"), Action::kNegotiate);
  host.set_filters({all.outbound});
  for (std::uint32_t i = 0; i < limits::kMaxAcquires + 100; ++i) {
    host.send(icmp_echo({host.own(), IpAddress::v4(0x0B000000 + i)}, 20));
  }
  EXPECT_EQ(host.control().statistics().held_packets, limits::kMaxHeldPackets);
  EXPECT_EQ(host.control().pending_acquires().size(), limits::kMaxAcquires);
  EXPECT_EQ(host.control().pending_acquires().front().peer, IpAddress::v4(0x0B000000));
}

TEST_F(ControlSide, an_acquire_that_nobody_answers_is_given_up) {
  host.send(ping());
  tick_after(limits::kAcquireTimeout);
  EXPECT_EQ(host.count(Verdict::kOutboundNegotiationFailed), 1U);
  EXPECT_TRUE(host.control().pending_acquires().empty());
  EXPECT_EQ(events_of<Acquire>(host.send(ping()).events).size(), 1U);
}

// A worker that has not seen the newest snapshot must not negotiate again for the SA that has just come.
TEST_F(ControlSide, a_worker_with_old_tables_does_not_ask_again) {
  const TablesPointer old = host.control().tables();
  host.send(ping());
  connect(host, peer, recipe());
  Bytes late = ping("10.77.0.2", 33);
  Packet packet{late, {}};
  Output output;
  host.worker().process_outbound({&packet, 1}, *old, host.now, output);
  EXPECT_TRUE(output.events.empty());
  // Nor may it take what was released for newer tables.
  host.worker().process_released(*old, host.now, output);
  EXPECT_TRUE(output.to_wire.empty());
  EXPECT_EQ(host.send_released().to_wire.size(), 2U);
}

TEST_F(ControlSide, workers_are_limited_and_their_places_used_again) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (;;) {
    auto worker = host.control().make_worker(system_random());
    if (!worker.ok()) {
      EXPECT_EQ(worker.status().code(), ErrorCode::kExhausted);
      break;
    }
    workers.push_back(*std::move(worker));
  }
  EXPECT_EQ(workers.size(), kMaxEspWorkers - 1);  // the host has one
  workers.pop_back();
  EXPECT_TRUE(host.control().make_worker(system_random()).ok());
}

TEST(Verdicts, names_are_unique_and_texts_are_there) {
  std::set<std::string_view> names;
  for (const VerdictInfo& verdict : kVerdicts) {
    EXPECT_TRUE(names.insert(verdict.name).second) << verdict.name;
    EXPECT_FALSE(verdict.text.empty());
    EXPECT_EQ(info(verdict.id).name, verdict.name);
  }
  EXPECT_EQ(verdict_counters({}).size(), kVerdictCount);
}

TEST(StatisticsTable, shows_the_quantities_of_show_stats_in_order) {
  Statistics statistics;
  statistics.active_associations = 3;
  statistics.bad_spi_packets = 9;
  const auto counters = named_counters(statistics);
  EXPECT_EQ(counters.front().text, "Active Security Associations");
  EXPECT_EQ(counters.front().value, 3U);
  EXPECT_EQ(counters.at(7).text, "Bad SPI Packets");
  EXPECT_EQ(counters.at(7).value, 9U);
  EXPECT_EQ(counters.size(), 21U);
}

}  // namespace
}  // namespace ipsec::driver::tests

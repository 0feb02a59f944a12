#include "services/ike/core/quick_mode.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/quick_mode_pair.h"

namespace ipsec::ike::tests {
namespace {

Failure the_failure(const Host& host) {
  EXPECT_EQ(host.driver.acquire_failures.size(), 1U);
  if (host.driver.acquire_failures.empty()) return {FailureReason::kPeerRefused, "none"};
  return {host.driver.acquire_failures[0].reason, host.driver.acquire_failures[0].text};
}

TEST(QuickMode, QM_03_all_messages_are_encrypted_under_one_message_id) {
  Pair pair;
  establish(pair);
  const auto messages = quick_modes(pair);
  ASSERT_EQ(messages.size(), 4U);
  for (const SentDatagram& message : messages) {
    EXPECT_TRUE(header_of(message).encrypted());
    EXPECT_NE(header_of(message).message_id, 0U);
    EXPECT_EQ(header_of(message).message_id, header_of(messages[0]).message_id);
  }
}

TEST(QuickMode, QM_14_the_driver_gets_all_that_an_sa_needs) {
  Pair pair;
  PolicyOptions options;
  options.protocol = kProtocolTcp;
  options.remote_port = 445;
  establish(pair, options);
  const SaParameters& out = pair.a.driver.outbound[0];
  const SaParameters& in = pair.a.driver.inbound.begin()->second;
  EXPECT_EQ(out.selector.to_string(), (Selector{AddressRange::host(pair.a.endpoint.address),
                                                AddressRange::host(pair.b.endpoint.address),
                                                kProtocolTcp,
                                                {},
                                                PortRange::single(445)}
                                           .to_string()));
  EXPECT_EQ(in.selector, out.selector.mirrored());
  EXPECT_EQ(out.filter_id, 1U);
  EXPECT_EQ(in.filter_id, 2U);
  EXPECT_EQ(out.pair_spi, in.spi);
  EXPECT_EQ(in.pair_spi, out.spi);
  EXPECT_EQ(out.source, pair.a.endpoint.address);
  EXPECT_EQ(out.destination, pair.b.endpoint.address);
  EXPECT_EQ(in.source, pair.b.endpoint.address);
  EXPECT_EQ(out.lifetime_seconds, 3600U);
  EXPECT_EQ(out.lifetime_kilobytes, 100000U);
  EXPECT_EQ(out.rule_name, "rule");
  EXPECT_EQ(out.quick_mode_policy, "qm");
  EXPECT_TRUE(out.initiator);
  EXPECT_FALSE(pair.b.driver.outbound[0].initiator);
  EXPECT_EQ(out.main_mode_id, pair.a.engine.main_mode_sas(pair.now)[0].initiator_cookie);
  EXPECT_EQ(out.main_mode_id, pair.b.driver.outbound[0].main_mode_id);
}

TEST(QuickMode, the_responder_can_receive_before_it_answers) {
  Pair pair;
  set_mirrored_policies(pair);
  bool checked = false;
  pair.wire = [&](const SentDatagram& sent) {
    if (is_quick_mode(sent) && !sent.from_a && !checked) {
      checked = true;
      EXPECT_EQ(pair.b.driver.inbound.size(), 1U) << "inbound before message 2";
      EXPECT_TRUE(pair.b.driver.outbound.empty()) << "outbound after message 3";
    }
    return Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_TRUE(checked);
  const auto& installed = pair.a.driver.installed;
  ASSERT_EQ(installed.size(), 2U);
  EXPECT_EQ(installed[0].direction, Direction::kInbound);
}

TEST(QuickMode, KEY_28_KEY_37_with_pfs_every_quick_mode_has_a_key_exchange_of_its_own) {
  Pair pair;
  PolicyOptions options;
  options.pfs = true;
  establish(pair, options);
  EXPECT_EQ(pair.a.driver.outbound[0].pfs_group, DhGroup::kCurve25519) << "KEY-31: the main mode's group";
  EXPECT_EQ(compare_sas(pair), "");
  Pair plain;
  establish(plain);
  EXPECT_EQ(quick_modes(pair)[0].datagram.bytes.size(), quick_modes(plain)[0].datagram.bytes.size() + 48)
      << "KE of 36 octets and the group attribute of 4, in blocks";
}

TEST(QuickMode, pfs_with_a_group_of_its_own) {
  Pair pair;
  PolicyOptions options;
  options.pfs = true;
  options.pfs_group = DhGroup::kEcp256;
  establish(pair, options);
  EXPECT_EQ(pair.b.driver.outbound[0].pfs_group, DhGroup::kEcp256);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, KEY_29_pfs_required_here_and_not_there_is_named) {
  Pair pair;
  PolicyOptions with;
  with.pfs = true;
  set_different(pair, {}, with);
  pair.acquire(pair.a, 1);
  pair.run(seconds(100));
  EXPECT_TRUE(pair.b.has_event("pfs_mismatch"));
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kNoProposalChosen) << "all that a notify can say";
  EXPECT_TRUE(pair.a.driver.installed.empty());
  EXPECT_EQ(pair.b.driver.larval(), 0U);
}

TEST(QuickMode, KEY_30_pfs_offered_to_a_policy_without_is_accepted_and_said) {
  Pair pair;
  PolicyOptions with;
  with.pfs = true;
  set_different(pair, with, {});
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_EQ(compare_sas(pair), "");
  ASSERT_NE(pair.b.find_event("quick_mode_established"), nullptr);
  EXPECT_NE(pair.b.find_event("quick_mode_established")->text.find("accepted though the policy does not ask for it"),
            std::string::npos);
}

TEST(QuickMode, tunnel_mode_between_networks) {
  Pair pair;
  PolicyOptions options;
  options.local_network = *AddressRange::parse("192.168.1.0/24");
  options.remote_network = *AddressRange::parse("192.168.2.5-192.168.2.99");
  establish(pair, options);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound[0].encapsulation, Encapsulation::kTunnel);
  EXPECT_EQ(pair.b.driver.outbound[0].selector.source, *options.remote_network);
  EXPECT_EQ(pair.b.driver.outbound[0].destination, pair.a.endpoint.address);
}

TEST(QuickMode, KEY_01_the_smaller_lifetimes_count_on_both_sides) {
  Pair pair;
  PolicyOptions shorter;
  shorter.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kAes128Cbc, Integrity::kSha1}, 50000, 900}};
  set_different(pair, {}, shorter);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_EQ(compare_sas(pair), "") << "RESPONDER-LIFETIME has told the initiator";
  EXPECT_EQ(pair.a.driver.outbound[0].lifetime_seconds, 900U);
  EXPECT_EQ(pair.a.driver.outbound[0].lifetime_kilobytes, 50000U);
}

TEST(QuickMode, no_common_suite_is_named_on_both_sides_at_once) {
  Pair pair;
  PolicyOptions other;
  other.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kMd5}, 0, 900}};
  set_different(pair, {}, other);
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kNoProposalChosen);
  EXPECT_NE(the_failure(pair.a).text.find("AES128-SHA1"), std::string::npos);
  const ReportEvent* event = pair.b.find_event("no_proposal_chosen");
  ASSERT_NE(event, nullptr);
  EXPECT_NE(event->text.find("ESP AES128-SHA1 transport"), std::string::npos) << event->text;
  EXPECT_NE(event->text.find("ESP 3DES-MD5"), std::string::npos) << event->text;
  EXPECT_EQ(pair.a.driver.larval(), 0U);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U) << "main mode is not to blame";
}

TEST(QuickMode, a_selector_without_filter_is_named_on_both_sides) {
  Pair pair;
  PolicyOptions only_tcp;
  only_tcp.protocol = kProtocolTcp;
  set_different(pair, {}, only_tcp);
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kNoMatchingFilter);
  const ReportEvent* event = pair.b.find_event("no_matching_filter");
  ASSERT_NE(event, nullptr);
  EXPECT_NE(event->text.find("10.77.0.1 -> 10.77.0.2"), std::string::npos) << event->text;
  EXPECT_NE(event->text.find("10.77.0.2 -> 10.77.0.1"), std::string::npos) << event->text;
}

TEST(QuickMode, a_lost_refusal_comes_again_with_the_repeated_request) {
  Pair pair;
  PolicyOptions other;
  other.quick_mode_offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kMd5}, 0, 900}};
  set_different(pair, {}, other);
  int refusals = 0;
  pair.wire = [&](const SentDatagram& sent) {
    return header_of(sent).exchange == ExchangeType::kInformational && ++refusals == 1 ? Fate{} : Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(seconds(3));
  EXPECT_EQ(refusals, 2) << "and nothing else, a Delete for instance";
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kNoProposalChosen);
  EXPECT_EQ(pair.b.count_events("no_proposal_chosen"), 1U);
}

TEST(QuickMode, MM_28_QM_15_many_quick_modes_under_one_main_mode) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 9;
  set_mirrored_policies(pair, options);
  pair.acquire(pair.a, 1, 1);
  for (std::uint64_t i = 1; i <= 9; ++i) pair.acquire(pair.a, 1 + i, i * 10 + 1);
  pair.run(seconds(5));
  EXPECT_EQ(main_modes_begun(pair), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 10U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.engine.main_mode_sas(pair.now)[0].quick_modes, 10U);
}

TEST(QuickMode, more_wishes_than_may_run_at_once_wait_their_turn) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 100;
  set_mirrored_policies(pair, options);
  for (std::uint64_t i = 1; i <= 100; ++i) pair.acquire(pair.a, i, i * 10 + 1);
  pair.run(seconds(30));
  EXPECT_EQ(main_modes_begun(pair), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 100U);
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, both_sides_at_once_on_one_main_mode) {
  Pair pair;
  establish(pair);
  pair.give(pair.a, RekeyRequested{pair.a.driver.outbound[0].spi, pair.b.endpoint.address, 1, RekeyReason::kSeconds});
  pair.give(pair.b, RekeyRequested{pair.b.driver.outbound[0].spi, pair.a.endpoint.address, 1, RekeyReason::kSeconds});
  pair.run(seconds(60));
  EXPECT_EQ(main_modes_begun(pair), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(quick_modes(pair).size(), 12U) << "no loop";
}

TEST(QuickMode, the_same_acquire_again_joins_the_running_negotiation) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.acquire(pair.a, 1);
  pair.acquire(pair.a, 2);
  pair.run(seconds(5));
  EXPECT_EQ(quick_modes(pair).size(), 4U);

  Pair failing;
  PolicyOptions other;
  other.psk = "another key";
  set_different(failing, {}, other);
  failing.acquire(failing.a, 1);
  failing.acquire(failing.a, 1);
  failing.acquire(failing.a, 2);
  failing.run(seconds(100));
  EXPECT_EQ(failing.a.driver.acquire_failures.size(), 2U) << "each request once";
}

// b answers a's quick mode and, before message 3 is there, has a packet of its own for the same traffic.
void acquire_before_message3(Pair& pair, bool message3_is_lost) {
  set_mirrored_policies(pair);
  const auto cut = std::make_shared<bool>(false);  // as long as the wire, which outlives this function
  pair.wire = [cut, message3_is_lost](const SentDatagram& sent) {
    if (is_quick_mode(sent) && sent.from_a && *cut) return message3_is_lost ? Fate{} : Fate{milliseconds(500)};
    *cut = *cut || (is_quick_mode(sent) && !sent.from_a);
    return Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  while (!*cut) pair.run(milliseconds(1));
  pair.acquire(pair.b, 7);
}

TEST(QuickMode, QM_04_an_acquire_joins_the_quick_mode_that_the_peer_has_begun) {
  Pair pair;
  acquire_before_message3(pair, false);
  pair.run(seconds(30));
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U) << "one pair, not two";
  EXPECT_EQ(pair.b.driver.inbound.size(), 1U);
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U) << "which releases the packet that waits";
  EXPECT_EQ(pair.b.driver.outbound[0].filter_id, 1U);
  EXPECT_TRUE(pair.b.driver.acquire_failures.empty());
}

TEST(QuickMode, an_acquire_that_joined_in_vain_goes_its_own_way_within_seconds) {
  Pair pair;
  acquire_before_message3(pair, true);
  pair.wire = [joined = header_of(quick_modes(pair).front()).message_id](const SentDatagram& sent) {
    // What a repeats of its message 3 never comes; a new exchange does.
    return sent.from_a && header_of(sent).message_id == joined ? Fate{} : Fate{milliseconds(1)};
  };
  pair.run(kJoinedPatience + milliseconds(100));
  EXPECT_EQ(pair.b.count_events("quick_mode_established"), 1U) << "as initiator";
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_TRUE(pair.b.driver.outbound[0].initiator);
}

TEST(QuickMode, an_acquire_that_joined_fails_with_the_driver_that_refuses_the_sa) {
  Pair pair;
  pair.b.driver.refuse_installing = Direction::kOutbound;
  acquire_before_message3(pair, false);
  pair.run(seconds(3));
  ASSERT_EQ(pair.b.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.b.driver.acquire_failures[0].acquire_id, 7U);
  EXPECT_EQ(pair.b.driver.acquire_failures[0].reason, FailureReason::kDriverFailed);
}

TEST(QuickMode, an_acquire_that_crossed_the_new_sa_makes_no_second_pair) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  while (pair.b.driver.outbound.empty()) pair.run(milliseconds(1));
  pair.acquire(pair.b, 7);
  ASSERT_EQ(pair.b.driver.acquire_failures.size(), 1U) << "answered, so that the driver does not wait for it";
  EXPECT_EQ(pair.b.driver.acquire_failures[0].reason, FailureReason::kAlreadyServed);
  EXPECT_FALSE(pair.b.has_event("negotiation_failed"));
  pair.run(seconds(5));
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U);
  pair.acquire(pair.b, 8);
  pair.run(seconds(5));
  EXPECT_EQ(pair.b.driver.inbound.size(), 2U) << "later the driver knows what it asks for";
}

TEST(QuickMode, MM_25_a_rekey_joins_the_rekey_that_the_peer_has_begun) {
  Pair pair;
  establish(pair);
  const SaParameters of_a = pair.a.driver.outbound[0];
  const SaParameters of_b = pair.b.driver.outbound[0];
  pair.give(pair.a, RekeyRequested{of_a.spi, of_a.destination, 1, RekeyReason::kSeconds});
  const std::size_t before = pair.b.driver.inbound.size();
  while (pair.b.driver.inbound.size() == before) pair.run(milliseconds(1));
  pair.give(pair.b, RekeyRequested{of_b.spi, of_b.destination, 1, RekeyReason::kSeconds});
  pair.run(seconds(10));
  EXPECT_EQ(quick_modes(pair).size(), 8U) << "one rekey, not two";
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, QM_10_QM_17_a_replayed_message_1_makes_no_sa) {
  Pair pair;
  establish(pair);
  const Bytes message1 = quick_modes(pair)[0].datagram.bytes;
  const std::size_t before = pair.b.driver.installed.size();
  pair.inject(pair.a, message1);
  pair.run(kFinishedQuickModeLifetime + seconds(1));
  pair.inject(pair.a, message1);
  pair.run(seconds(5));
  EXPECT_EQ(pair.b.driver.installed.size(), before);
  EXPECT_EQ(pair.b.driver.larval(), 0U);
}

TEST(QuickMode, lost_messages_come_again) {
  for (const int lost_message : {0, 1, 2}) {
    Pair pair;
    set_mirrored_policies(pair);
    int seen = 0;
    pair.wire = [&](const SentDatagram& sent) {
      return is_quick_mode(sent) && seen++ == lost_message ? Fate{} : Fate{milliseconds(1)};
    };
    pair.acquire(pair.a, 1);
    pair.run(seconds(10));
    EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << lost_message;
    EXPECT_EQ(pair.b.driver.outbound.size(), 1U) << lost_message;
    EXPECT_EQ(compare_sas(pair), "");
  }
}

TEST(QuickMode, a_changed_message_is_dropped_and_the_iv_stays) {
  for (const int changed_message : {0, 1, 2}) {
    Pair pair;
    set_mirrored_policies(pair);
    int seen = 0;
    pair.wire = [&](const SentDatagram& sent) {
      if (!is_quick_mode(sent) || seen++ != changed_message) return Fate{milliseconds(1)};
      return Fate{milliseconds(50)};
    };
    pair.acquire(pair.a, 1);
    while (seen <= changed_message) pair.run(milliseconds(1));
    Bytes changed = pair.sent.back().datagram.bytes;
    ASSERT_TRUE(is_quick_mode(pair.sent.back()));
    changed[changed.size() - 20] ^= 4;
    pair.inject(pair.sent.back().from_a ? pair.a : pair.b, changed);
    pair.run(seconds(5));
    EXPECT_EQ(compare_sas(pair), "");
    EXPECT_EQ(pair.b.driver.outbound.size(), 1U) << changed_message;
  }
}

TEST(QuickMode, RTY_03_an_unanswered_message_is_sent_six_times_by_the_same_schedule) {
  for (const bool initiator : {true, false}) {
    Pair pair;
    set_mirrored_policies(pair);
    // Message 1 is never answered; message 2 is, but the answer is lost.
    int from_a = 0;
    pair.wire = [&](const SentDatagram& sent) {
      if (!is_quick_mode(sent)) return Fate{milliseconds(1)};
      if (initiator) return sent.from_a ? Fate{} : Fate{milliseconds(1)};
      return sent.from_a && ++from_a > 1 ? Fate{} : Fate{milliseconds(1)};
    };
    pair.acquire(pair.a, 1);
    pair.run(seconds(200));
    std::vector<std::int64_t> at;
    for (const SentDatagram& sent : quick_modes(pair)) {
      if (sent.from_a != initiator) continue;
      at.push_back((sent.at - quick_modes(pair)[initiator ? 0 : 1].at) / seconds(1));
    }
    EXPECT_EQ(at, (std::vector<std::int64_t>{0, 1, 3, 7, 15, 31})) << initiator;
  }
}

// The peer may have an SA of it, or a main mode SA of which this host knows nothing good any more: it is told of both.
TEST(QuickMode, RTY_06_a_time_out_sends_a_delete) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  pair.run(seconds(100));
  pair.wire = [&](const SentDatagram& sent) { return is_quick_mode(sent) ? Fate{} : Fate{milliseconds(1)}; };
  pair.acquire(pair.a, 2, 11);
  const auto sent_deletes = [&](std::size_t from) {
    return std::count_if(pair.sent.begin() + static_cast<std::ptrdiff_t>(from), pair.sent.end(), [](const auto& sent) {
      return sent.from_a && header_of(sent).exchange == ExchangeType::kInformational;
    });
  };
  const std::size_t before = pair.sent.size();
  pair.run(seconds(62));
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
  const auto early = sent_deletes(before);
  const std::size_t at_time_out = pair.sent.size();
  pair.run(milliseconds(1500));
  EXPECT_GE(sent_deletes(at_time_out), 2) << "of the SPI and of the main mode SA";
  EXPECT_EQ(pair.b.count_events("main_mode_ended"), 1U) << early;
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U) << "the SA of before is in use";
}

TEST(QuickMode, RTY_04_RTY_05_silence_on_an_old_main_mode_makes_a_new_one_once) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  pair.run(seconds(100));
  bool deaf = true;
  pair.wire = [&](const SentDatagram& sent) { return is_quick_mode(sent) && deaf ? Fate{} : Fate{milliseconds(1)}; };
  pair.acquire(pair.a, 2, 11);
  pair.run(seconds(64));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  deaf = false;
  pair.run(seconds(10));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(pair.a.driver.outbound.size(), 2U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, RTY_04_not_twice) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  pair.run(seconds(100));
  pair.wire = [&](const SentDatagram& sent) { return is_quick_mode(sent) ? Fate{} : Fate{milliseconds(1)}; };
  pair.acquire(pair.a, 2, 11);
  pair.run(seconds(400));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kTimeoutQuickMode2);
  EXPECT_EQ(pair.a.driver.larval(), 0U);
}

TEST(QuickMode, a_responder_that_misses_message_3_takes_its_sa_back_and_says_so) {
  Pair pair;
  set_mirrored_policies(pair);
  int from_initiator = 0;
  pair.wire = [&](const SentDatagram& sent) {
    return is_quick_mode(sent) && sent.from_a && ++from_initiator > 1 ? Fate{} : Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(seconds(10));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  pair.run(seconds(100));
  EXPECT_TRUE(pair.b.has_event("timeout_quick_mode_message_3"));
  EXPECT_TRUE(pair.b.driver.inbound.empty());
  EXPECT_TRUE(pair.a.driver.outbound.empty()) << "told by a Delete";
  EXPECT_TRUE(pair.a.driver.inbound.empty());
}

TEST(QuickMode, who_missed_message_2_of_a_quick_mode_that_has_failed_does_not_get_it_later) {
  Pair pair;
  set_mirrored_policies(pair);
  bool cut = true;
  pair.wire = [&](const SentDatagram& sent) {
    return cut && is_quick_mode(sent) && !sent.from_a ? Fate{} : Fate{milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  pair.run(milliseconds(500));
  ASSERT_EQ(pair.b.driver.inbound.size(), 1U);
  pair.b.driver = FakeDriver(0x90000000);
  pair.give(pair.b, DriverRestarted{});
  cut = false;
  pair.run(seconds(100));
  EXPECT_TRUE(pair.a.driver.installed.empty());
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
}

TEST(QuickMode, a_driver_without_spis_is_named) {
  for (const bool initiator : {true, false}) {
    Pair pair;
    set_mirrored_policies(pair);
    (initiator ? pair.a : pair.b).driver.refuse_spis = true;
    pair.acquire(pair.a, 1);
    pair.run(seconds(100));
    EXPECT_TRUE((initiator ? pair.a : pair.b).has_event("driver_failed"));
    EXPECT_EQ(the_failure(pair.a).reason, initiator ? FailureReason::kDriverFailed : FailureReason::kPeerRefused);
    EXPECT_EQ((initiator ? pair.a : pair.b).engine.statistics().get_spi_fail, 1U);
    EXPECT_TRUE(pair.a.driver.installed.empty());
  }
}

TEST(QuickMode, a_driver_that_never_answers_is_named) {
  for (const bool initiator : {true, false}) {
    Pair pair;
    set_mirrored_policies(pair);
    (initiator ? pair.a : pair.b).driver.silent = true;
    pair.acquire(pair.a, 1);
    pair.run(seconds(200));
    EXPECT_TRUE((initiator ? pair.a : pair.b).has_event("driver_failed"));
    EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
    EXPECT_EQ(pair.a.engine.statistics().active_acquire, 0U);
    EXPECT_EQ(pair.b.engine.statistics().active_receive, 0U);
  }
}

TEST(QuickMode, a_driver_that_refuses_an_sa_leaves_none_anywhere) {
  for (const bool initiator : {true, false}) {
    for (const Direction direction : {Direction::kInbound, Direction::kOutbound}) {
      Pair pair;
      set_mirrored_policies(pair);
      (initiator ? pair.a : pair.b).driver.refuse_installing = direction;
      pair.acquire(pair.a, 1);
      pair.run(seconds(200));
      EXPECT_TRUE((initiator ? pair.a : pair.b).has_event("driver_failed"));
      for (const Host* host : {&pair.a, &pair.b}) {
        EXPECT_TRUE(host->driver.inbound.empty()) << host->name;
        EXPECT_TRUE(host->driver.outbound.empty()) << host->name;
        EXPECT_EQ(host->driver.larval(), 0U) << host->name;
      }
    }
  }
}

TEST(QuickMode, MM_29_QM_23_messages_without_main_mode_are_rejected) {
  Pair pair;
  establish(pair);
  const Bytes message1 = quick_modes(pair)[0].datagram.bytes;
  Pair stranger(5);
  set_mirrored_policies(stranger);
  for (int i = 0; i < 100; ++i) stranger.inject(stranger.a, message1);
  EXPECT_EQ(stranger.b.engine.statistics().invalid_cookies_received, 100U);
  EXPECT_EQ(stranger.sent.size(), static_cast<std::size_t>(kInvalidCookieAnswersPerSecond)) << "not answered blindly";
  EXPECT_TRUE(stranger.b.driver.installed.empty());

  Bytes clear = message1;
  clear[19] = 0;
  pair.inject(pair.a, clear);
  EXPECT_EQ(pair.b.driver.installed.size(), 2U);
}

TEST(QuickMode, KEY_04_KEY_21_the_limit_makes_a_new_main_mode) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 5;
  options.quick_mode_limit = 5;
  set_mirrored_policies(pair, options);
  for (std::uint64_t i = 1; i <= 5; ++i) pair.acquire(pair.a, i, i * 10 + 1);
  pair.run(seconds(5));
  EXPECT_EQ(main_modes_begun(pair), 1U);
  pair.acquire(pair.a, 6, 1);
  pair.run(seconds(5));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 6U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, KEY_22_KEY_23_KEY_26_master_pfs_is_a_main_mode_for_each) {
  for (const bool master_pfs : {true, false}) {
    Pair pair;
    PolicyOptions options;
    options.extra_filters = 3;
    options.master_pfs = master_pfs;
    options.quick_mode_limit = master_pfs ? 5 : 1;
    set_mirrored_policies(pair, options);
    for (std::uint64_t i = 1; i <= 3; ++i) pair.acquire(pair.a, i, i * 10 + 1);
    pair.run(seconds(5));
    EXPECT_EQ(main_modes_begun(pair), 3U);
    EXPECT_EQ(pair.a.driver.outbound.size(), 3U);
    EXPECT_EQ(pair.a.engine.main_mode_sas(pair.now)[0].quick_mode_limit, 1U);
  }
}

TEST(QuickMode, a_peer_without_limit_is_sent_to_a_new_main_mode) {
  Pair pair;
  PolicyOptions limited;
  limited.extra_filters = 2;
  PolicyOptions unlimited = limited;
  limited.quick_mode_limit = 1;
  set_different(pair, unlimited, limited);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    pair.acquire(pair.a, i, i * 10 + 1);
    pair.run(seconds(5));
  }
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(pair.a.driver.outbound.size(), 2U);
  EXPECT_EQ(main_modes_begun(pair), 2U);
}

TEST(QuickMode, QM_22_KEY_02_KEY_07_a_rekey_makes_a_new_pair_that_takes_over) {
  Pair pair;
  establish(pair);
  const SaParameters old = pair.a.driver.outbound[0];
  pair.give(pair.a, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(5));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  const SaParameters& fresh = pair.a.driver.outbound[0];
  EXPECT_NE(fresh.spi, old.spi);
  EXPECT_EQ(fresh.replaces_spi, old.spi);
  EXPECT_EQ(fresh.selector, old.selector);
  EXPECT_FALSE(constant_time_equal(fresh.encryption_key.view(), old.encryption_key.view()));
  EXPECT_EQ(pair.b.driver.outbound[0].replaces_spi, old.pair_spi) << "the responder knows it too";
  EXPECT_EQ(pair.a.driver.inbound.size(), 2U) << "the old one still receives";
  EXPECT_EQ(main_modes_begun(pair), 1U);
}

TEST(QuickMode, MM_25_either_side_may_rekey) {
  Pair pair;
  establish(pair);
  const SaParameters old = pair.b.driver.outbound[0];
  pair.give(pair.b, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kKilobytes});
  pair.run(seconds(5));
  EXPECT_TRUE(pair.b.driver.outbound[0].initiator);
  EXPECT_FALSE(pair.a.driver.outbound[0].initiator);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(QuickMode, a_rekey_of_an_unknown_sa_is_an_event) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.give(pair.a, RekeyRequested{0x1234, pair.b.endpoint.address, 1, RekeyReason::kSeconds});
  EXPECT_TRUE(pair.a.has_event("rekey_of_unknown_sa"));
  EXPECT_TRUE(pair.sent.empty());
}

TEST(QuickMode, an_acquire_for_an_unknown_filter_fails_at_once) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 5, 12345);
  EXPECT_EQ(the_failure(pair.a).reason, FailureReason::kNoMatchingFilter);
  EXPECT_TRUE(pair.sent.empty());
}

}  // namespace
}  // namespace ipsec::ike::tests

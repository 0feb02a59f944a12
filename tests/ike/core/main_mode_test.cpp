#include "services/ike/core/main_mode.h"

#include <set>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Fate arrives() { return {milliseconds(1)}; }
Fate lost() { return {}; }

// The number of a main mode datagram by its sender and content; 0: none.
int main_mode_number(const SentDatagram& sent) {
  const Header header = header_of(sent);
  if (header.exchange != ExchangeType::kIdentityProtection) return 0;
  const int pair_number = header.encrypted() ? 2 : header.next_payload == PayloadType::kSa ? 0 : 1;
  return 2 * pair_number + (sent.from_a ? 1 : 2);
}

TEST(MainMode, MM_01_QM_04_main_mode_and_quick_mode_yield_a_matching_pair) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(5));
  EXPECT_EQ(count_sent(pair, ExchangeType::kIdentityProtection), 6U);
  EXPECT_EQ(count_sent(pair, ExchangeType::kQuickMode), 4U);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.inbound.size(), 1U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
}

TEST(MainMode, MM_02_MM_04_ports_and_encryption_of_the_six_messages) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(5));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(main_mode_number(pair.sent[i]), static_cast<int>(i) + 1);
    EXPECT_EQ(header_of(pair.sent[i]).encrypted(), i >= 4);
    EXPECT_EQ(header_of(pair.sent[i]).message_id, 0U);
    EXPECT_EQ(pair.sent[i].datagram.local.port, 500);
    EXPECT_EQ(pair.sent[i].datagram.peer.port, 500);
  }
  EXPECT_EQ(header_of(pair.sent[0]).responder_cookie, 0U);
}

TEST(MainMode, MM_35_both_list_the_same_sa) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(5));
  const auto of_a = pair.a.engine.main_mode_sas(pair.now);
  const auto of_b = pair.b.engine.main_mode_sas(pair.now);
  ASSERT_EQ(of_a.size(), 1U);
  ASSERT_EQ(of_b.size(), 1U);
  EXPECT_EQ(of_a[0].initiator_cookie, of_b[0].initiator_cookie);
  EXPECT_EQ(of_a[0].responder_cookie, of_b[0].responder_cookie);
  EXPECT_TRUE(of_a[0].initiator);
  EXPECT_FALSE(of_b[0].initiator);
  EXPECT_EQ(of_a[0].peer_identity, "10.77.0.2");
  EXPECT_EQ(of_b[0].peer_identity, "10.77.0.1");
  EXPECT_EQ(of_a[0].offer, of_b[0].offer);
  EXPECT_EQ(of_a[0].lifetime_seconds, 28800U);
  EXPECT_EQ(of_a[0].quick_modes, 1U);
  EXPECT_EQ(of_a[0].rule_name, "rule");
  EXPECT_GE(of_a[0].age_seconds, 4U);
}

TEST(MainMode, MM_07_MM_15_nonces_and_public_values_come_once) {
  std::set<Bytes> values;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Pair pair(seed);
    set_mirrored_policies(pair);
    pair.acquire(pair.a, 1);
    pair.run(seconds(1));
    for (const std::size_t i : {2U, 3U}) {
      const auto message = parse_clear_message(pair.sent[i].datagram.bytes);
      ASSERT_TRUE(message.ok());
      EXPECT_TRUE(values.insert(message->chain.find<NoncePayload>()->value).second);
      EXPECT_TRUE(values.insert(message->chain.find<KeyExchangePayload>()->value).second);
    }
  }
  EXPECT_EQ(values.size(), 200U);
}

TEST(MainMode, MM_13_every_group_has_its_key_exchange_length) {
  for (const DhGroupInfo& group : all_dh_groups()) {
    // The large ones take long in a debug build and differ in nothing else.
    if (group.id == DhGroup::kNone || group.public_size > 256) continue;
    Pair pair;
    PolicyOptions options;
    options.main_mode_offers = {{Cipher::kTripleDes, Integrity::kSha1, group.id}};
    set_mirrored_policies(pair, options);
    pair.acquire(pair.a, 1);
    pair.run(seconds(1));
    for (const std::size_t i : {2U, 3U}) {
      EXPECT_EQ(parse_clear_message(pair.sent[i].datagram.bytes)->chain.find<KeyExchangePayload>()->value.size(),
                group.public_size)
          << group.name;
    }
    EXPECT_EQ(pair.b.driver.outbound.size(), 1U) << group.name;
  }
}

TEST(MainMode, MM_08_every_cipher_and_hash_completes) {
  for (const CipherInfo& cipher : all_ciphers()) {
    if (cipher.ike_number == 0) continue;
    for (const IntegrityInfo& hash : all_integrities()) {
      if (hash.id == Integrity::kNone) continue;
      Pair pair;
      PolicyOptions options;
      options.main_mode_offers = {{cipher.id, hash.id, DhGroup::kCurve25519}};
      set_mirrored_policies(pair, options);
      pair.acquire(pair.a, 1);
      pair.run(seconds(1));
      EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << to_string(options.main_mode_offers.front());
      EXPECT_EQ(compare_sas(pair), "");
    }
  }
}

TEST(MainMode, MM_19_PSK_01_different_keys_end_in_authentication_failed_on_both_sides) {
  Pair pair;
  PolicyOptions other;
  other.psk = "another key";
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, other));
  pair.acquire(pair.a, 7);
  pair.run(seconds(10));
  EXPECT_EQ(pair.b.count_events("authentication_failed"), 1U) << "named once, however often message 5 comes";
  EXPECT_EQ(pair.b.engine.statistics().authentication_failures, 1U);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U) << "the hint has shortened the wait";
  EXPECT_EQ(pair.a.driver.acquire_failures[0].acquire_id, 7U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kAuthenticationFailed);
  EXPECT_TRUE(pair.a.has_event("authentication_failed"));
  EXPECT_EQ(count_sent(pair, ExchangeType::kQuickMode), 0U);
  pair.run(seconds(100));
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.a.driver.installed.empty());
  EXPECT_TRUE(pair.b.driver.installed.empty());
  for (const ReportEvent& event : pair.b.events) {
    EXPECT_EQ(event.text.find("another key"), std::string::npos);
    EXPECT_EQ(event.text.find("correct horse"), std::string::npos);
  }
}

TEST(MainMode, MM_19_without_the_hint_it_is_a_named_timeout) {
  Pair pair;
  PolicyOptions other;
  other.psk = "another key";
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, other));
  pair.wire = [](const SentDatagram& sent) {
    return header_of(sent).exchange == ExchangeType::kInformational ? lost() : arrives();
  };
  pair.acquire(pair.a, 7);
  pair.run(seconds(100));
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kTimeoutMessage6);
}

TEST(MainMode, MM_24_no_common_offer_is_named_on_both_sides) {
  Pair pair;
  PolicyOptions other;
  other.main_mode_offers = {{Cipher::kTripleDes, Integrity::kMd5, DhGroup::kModp768}};
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, other));
  pair.acquire(pair.a, 7);
  pair.run(seconds(100));
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kNoProposalChosen);
  EXPECT_NE(pair.a.driver.acquire_failures[0].text.find("AES128-SHA256-curve25519"), std::string::npos)
      << pair.a.driver.acquire_failures[0].text;
  const ReportEvent* event = pair.b.find_event("no_proposal_chosen");
  ASSERT_NE(event, nullptr);
  EXPECT_NE(event->text.find("3DES-MD5-modp768"), std::string::npos) << event->text;
  EXPECT_NE(event->text.find("AES128-SHA256-curve25519"), std::string::npos) << event->text;
  EXPECT_EQ(event->fields.at("peer"), "10.77.0.1:500");
  EXPECT_EQ(event->fields.at("rule"), "rule");
  EXPECT_EQ(pair.b.count_events("no_proposal_chosen"), 1U) << "repeated first messages cause no further events";
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty()) << "no state for a refused peer";
}

TEST(MainMode, MM_33_only_the_group_differs) {
  Pair pair;
  PolicyOptions one;
  one.main_mode_offers = {{Cipher::kAes128Cbc, Integrity::kSha1, DhGroup::kModp768}};
  PolicyOptions fourteen;
  fourteen.main_mode_offers = {{Cipher::kAes128Cbc, Integrity::kSha1, DhGroup::kModp2048}};
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, one),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, fourteen));
  pair.acquire(pair.a, 7);
  pair.run(seconds(100));
  EXPECT_TRUE(pair.b.has_event("group_mismatch"));
}

TEST(MainMode, MM_23_a_choice_altered_on_the_way_ends_it) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram& sent) { return main_mode_number(sent) == 2 ? lost() : arrives(); };
  pair.acquire(pair.a, 7);
  pair.run(milliseconds(10));
  ASSERT_EQ(pair.sent.size(), 2U);
  Bytes altered = pair.sent[1].datagram.bytes;
  // The value of the first attribute, the cipher: header, SA, proposal and transform headers come before.
  altered[kHeaderSize + 12 + 8 + 8 + 3] = 5;
  pair.inject(pair.b, altered);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kModifiedProposal);
  EXPECT_TRUE(pair.a.has_event("modified_proposal"));
}

TEST(MainMode, RTY_01_an_unanswered_message_is_sent_six_times) {
  for (const auto& [number, reason] :
       {std::pair(2, FailureReason::kTimeoutMessage2), std::pair(4, FailureReason::kTimeoutMessage4),
        std::pair(6, FailureReason::kTimeoutMessage6)}) {
    Pair pair;
    set_mirrored_policies(pair);
    pair.wire = [number = number](const SentDatagram& sent) {
      return main_mode_number(sent) == number ? lost() : arrives();
    };
    pair.acquire(pair.a, 7);
    pair.run(seconds(200));
    std::size_t requests = 0;
    for (const SentDatagram& sent : pair.sent) requests += main_mode_number(sent) == number - 1 ? 1 : 0;
    EXPECT_EQ(requests, 6U) << number;
    ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
    EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, reason);
    EXPECT_EQ(pair.a.engine.statistics().retransmissions, 5U);
  }
}

TEST(MainMode, RTY_02_an_answer_to_the_third_retry_lets_it_go_on) {
  Pair pair;
  set_mirrored_policies(pair);
  int seen = 0;
  pair.wire = [&](const SentDatagram& sent) { return main_mode_number(sent) == 1 && ++seen <= 3 ? lost() : arrives(); };
  pair.acquire(pair.a, 7);
  pair.run(seconds(20));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

TEST(MainMode, a_responder_left_alone_names_the_message_it_missed) {
  for (const auto& [number, event] : {std::pair(3, "timeout_message_3"), std::pair(5, "timeout_message_5")}) {
    Pair pair;
    set_mirrored_policies(pair);
    pair.wire = [number = number](const SentDatagram& sent) {
      return main_mode_number(sent) == number ? lost() : arrives();
    };
    pair.acquire(pair.a, 7);
    pair.run(seconds(100));
    EXPECT_TRUE(pair.b.has_event(event)) << number;
    EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  }
}

TEST(MainMode, repeated_requests_get_the_same_octets_again) {
  for (const int lost_answer : {2, 4, 6}) {
    Pair pair;
    set_mirrored_policies(pair);
    int seen = 0;
    pair.wire = [&](const SentDatagram& sent) {
      return main_mode_number(sent) == lost_answer && ++seen == 1 ? lost() : arrives();
    };
    pair.acquire(pair.a, 7);
    pair.run(seconds(5));
    std::vector<Bytes> answers;
    for (const SentDatagram& sent : pair.sent) {
      if (main_mode_number(sent) == lost_answer) answers.push_back(sent.datagram.bytes);
    }
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0], answers[1]);
    EXPECT_EQ(pair.b.engine.statistics().duplicates_answered, 1U);
    EXPECT_EQ(compare_sas(pair), "");
    EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  }
}

TEST(MainMode, a_forged_last_message_does_not_stop_the_genuine_one) {
  for (const int number : {5, 6}) {
    Pair pair;
    set_mirrored_policies(pair);
    bool forged = false;
    pair.wire = [&](const SentDatagram& sent) {
      if (main_mode_number(sent) != number || forged) return arrives();
      return Fate{milliseconds(100)};
    };
    pair.acquire(pair.a, 7);
    pair.run(milliseconds(20));
    Bytes garbage = pair.sent.back().datagram.bytes;
    ASSERT_EQ(main_mode_number(pair.sent.back()), number);
    garbage.back() ^= 1;
    garbage[kHeaderSize] ^= 1;
    forged = true;
    pair.inject(number == 5 ? pair.a : pair.b, garbage);
    pair.run(seconds(5));
    EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << number;
    EXPECT_EQ(pair.b.driver.outbound.size(), 1U) << number;
  }
}

TEST(MainMode, clear_notifies_are_hints_and_end_nothing) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram& sent) {
    return main_mode_number(sent) == 2 ? Fate{milliseconds(500)} : arrives();
  };
  pair.acquire(pair.a, 7);
  Header header = header_of(pair.sent[0]);
  header.exchange = ExchangeType::kInformational;
  header.responder_cookie = 99;
  pair.inject(pair.b, write_clear_message(header, std::vector<PayloadContent>{NotifyPayload{
                                                      kDoiIpsec, 1, NotifyType::kNoProposalChosen, {}, {}}}));
  pair.inject(pair.b,
              write_clear_message(header, std::vector<PayloadContent>{DeletePayload{kDoiIpsec, 1, {Bytes(16)}}}));
  pair.run(seconds(10));
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
}

TEST(MainMode, no_rule_for_the_peer_is_named) {
  Pair pair;
  set_mirrored_policies(pair);
  IkePolicy without = make_policy(pair.b.endpoint.address, pair.a.endpoint.address);
  without.main_mode_filters.front().remote = *AddressRange::parse("192.0.2.1");
  pair.set_policy(pair.b, without);
  pair.acquire(pair.a, 7);
  pair.run(seconds(100));
  EXPECT_TRUE(pair.b.has_event("no_main_mode_filter"));
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);

  IkePolicy own = make_policy(pair.a.endpoint.address, pair.b.endpoint.address);
  own.main_mode_filters.clear();
  pair.set_policy(pair.a, own);
  pair.acquire(pair.a, 8);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 2U) << "at once";
  EXPECT_EQ(pair.a.driver.acquire_failures[1].reason, FailureReason::kNoMainModeFilter);
}

TEST(MainMode, half_open_sas_are_bounded_per_address_and_in_total) {
  Pair pair;
  IkePolicy open = make_policy(pair.b.endpoint.address, pair.a.endpoint.address);
  open.main_mode_filters.front().remote = AddressRange::any(AddressFamily::kIpv4);
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address), open);
  pair.wire = [](const SentDatagram&) { return lost(); };
  pair.acquire(pair.a, 1);
  const Bytes message1 = pair.sent[0].datagram.bytes;
  std::uint64_t cookie = 1;
  const auto flood = [&](const IpAddress& from) {
    Bytes octets = message1;
    store_u64(octets.data(), cookie++);
    pair.give(pair.b, DatagramReceived{pair.b.endpoint, {from, 500}, octets});
  };
  for (int i = 0; i < 100; ++i) flood(pair.a.endpoint.address);
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now).size(), kMaxHalfOpenPerAddress);
  EXPECT_EQ(pair.b.engine.statistics().half_open_evicted, 100 - kMaxHalfOpenPerAddress) << "the oldest of it";
  for (std::uint32_t i = 0; i < 3000; ++i) flood(IpAddress::v4(0x0b000000 + i));
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now).size(), kMaxHalfOpen);
  pair.run(kHalfOpenLifetime + seconds(1));
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_EQ(pair.b.engine.statistics().isadb_list_size, 0U);
}

TEST(MainMode, a_longer_first_message_than_any_known_is_dropped) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram&) { return lost(); };
  pair.acquire(pair.a, 1);
  auto message = parse_clear_message(pair.sent[0].datagram.bytes);
  std::vector<PayloadContent> payloads = {message->chain.payloads[0].content, VendorIdPayload{Bytes(kMaxMessage1Size)}};
  pair.inject(pair.a, write_clear_message(message->header, payloads));
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_EQ(pair.b.engine.statistics().invalid_packets_received, 1U);
}

TEST(MainMode, malformed_datagrams_are_counted_and_dropped) {
  Pair pair;
  set_mirrored_policies(pair);
  for (const std::size_t size : {0U, 1U, 27U, 28U, 100U}) pair.inject(pair.a, Bytes(size, 0xff));
  EXPECT_EQ(pair.b.engine.statistics().invalid_packets_received, 5U);
  EXPECT_TRUE(pair.sent.empty()) << "nothing is answered";
}

TEST(MainMode, simultaneous_starts_from_both_sides_are_harmless) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.acquire(pair.b, 1);
  // Before the two begin to ask each other whether they live.
  pair.run(kPeerSilence - seconds(1));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_TRUE(pair.b.driver.acquire_failures.empty());
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_LE(pair.sent.size(), 20U) << "no loop";
}

TEST(MainMode, ipv6_works_alike) {
  Pair pair(3, "fd77::1", "fd77::2");
  set_mirrored_policies(pair);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.engine.main_mode_sas(pair.now)[0].peer_identity, "fd77::2");
}

}  // namespace
}  // namespace ipsec::ike::tests

#include "services/ike/core/informational.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/quick_mode_pair.h"

namespace ipsec::ike::tests {
namespace {

bool is_informational(const SentDatagram& sent) { return header_of(sent).exchange == ExchangeType::kInformational; }

SaEnded ended(const SaParameters& sa, SaEndReason reason) {
  return {sa.spi, sa.direction, sa.protocol, sa.direction == Direction::kInbound ? sa.source : sa.destination, reason};
}

TEST(Informational, KEY_09_QM_21_an_idle_sa_is_deleted_at_the_peer_too) {
  Pair pair;
  establish(pair);
  const SaParameters in = pair.a.driver.inbound.begin()->second;
  pair.a.driver.inbound.clear();
  pair.give(pair.a, ended(in, SaEndReason::kIdle));
  pair.run(seconds(1));
  EXPECT_TRUE(pair.a.driver.outbound.empty()) << "the pair ends as a whole";
  EXPECT_TRUE(pair.b.driver.outbound.empty());
  EXPECT_TRUE(pair.b.driver.inbound.empty());
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U) << "KEY-10";
  EXPECT_EQ(pair.a.engine.statistics().conn_list_size, 0U);
  EXPECT_EQ(pair.b.engine.statistics().conn_list_size, 0U);
}

TEST(Informational, a_replaced_outbound_sa_ends_without_a_word) {
  Pair pair;
  establish(pair);
  const std::size_t before = pair.sent.size();
  pair.give(pair.a, ended(pair.a.driver.outbound[0], SaEndReason::kLifetime));
  EXPECT_EQ(pair.sent.size(), before);
}

TEST(Informational, KEY_10_a_used_up_main_mode_ends_with_its_last_sa) {
  Pair pair;
  PolicyOptions options;
  options.quick_mode_limit = 1;
  establish(pair, options);
  const SaParameters in = pair.a.driver.inbound.begin()->second;
  pair.give(pair.a, ended(in, SaEndReason::kIdle));
  pair.run(seconds(1));
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
}

TEST(Informational, KEY_14_KEY_15_a_deleted_main_mode_is_gone_on_both_sides_and_the_next_quick_mode_makes_one) {
  Pair pair;
  establish(pair);
  pair.give(pair.a, DeleteRequested{pair.b.endpoint.address, false});
  pair.run(seconds(1));
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << "quick mode SAs stay (KEY-17)";
  EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
  const SaParameters old = pair.b.driver.outbound[0];
  pair.give(pair.b, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(5));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(Informational, deleting_everything_leaves_nothing_on_either_side) {
  Pair pair;
  establish(pair);
  pair.give(pair.b, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  for (const Host* host : {&pair.a, &pair.b}) {
    EXPECT_TRUE(host->driver.inbound.empty());
    EXPECT_TRUE(host->driver.outbound.empty());
    EXPECT_TRUE(host->engine.main_mode_sas(pair.now).empty());
  }
  pair.run(seconds(100));
  EXPECT_EQ(pair.a.engine.next_deadline(), kNever) << "nothing is kept for ever";
}

TEST(Informational, deletes_survive_a_reordering_network) {
  Pair pair;
  establish(pair);
  int informational = 0;
  pair.wire = [&](const SentDatagram& sent) {
    // The first, of the quick mode SA, is overtaken by that of the main mode SA.
    if (is_informational(sent) && informational++ == 0) return Fate{milliseconds(300)};
    return Fate{milliseconds(1)};
  };
  pair.give(pair.b, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  EXPECT_TRUE(pair.a.driver.outbound.empty());
}

TEST(Informational, a_delete_that_overtakes_the_answer_it_is_about_counts_when_it_comes_again) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [&](const SentDatagram& sent) {
    const bool answer = header_of(sent).exchange == ExchangeType::kQuickMode && !sent.from_a;
    return Fate{answer ? milliseconds(500) : milliseconds(1)};
  };
  pair.acquire(pair.a, 1);
  while (pair.b.driver.inbound.empty()) pair.run(milliseconds(1));
  pair.b.driver = FakeDriver(0x90000000);
  pair.give(pair.b, DriverRestarted{});
  pair.run(seconds(40));
  EXPECT_TRUE(pair.a.driver.outbound.empty()) << "or it would send into nothing until its lifetime ends";
  EXPECT_TRUE(pair.a.driver.inbound.empty());
}

TEST(Informational, a_delete_goes_under_a_main_mode_that_the_peer_has) {
  Pair pair;
  establish(pair);
  // a begins another main mode, of which message 6 never arrives.
  pair.wire = [](const SentDatagram& sent) {
    const Header header = header_of(sent);
    const bool message6 = !sent.from_a && header.encrypted() && header.exchange == ExchangeType::kIdentityProtection;
    return message6 ? Fate{} : Fate{milliseconds(1)};
  };
  const auto main_mode_of_a = [&] { return pair.a.engine.main_mode_sas(pair.now).size(); };
  ASSERT_EQ(main_mode_of_a(), 1U);
  pair.run(seconds(28800 / 100 * 85 - 10));
  pair.give(pair.a, RekeyRequested{pair.a.driver.outbound[0].spi, pair.b.endpoint.address, 1, RekeyReason::kSeconds});
  pair.run(seconds(12));
  ASSERT_EQ(main_mode_of_a(), 2U) << "renewing";
  ASSERT_EQ(pair.b.established_main_modes(pair.now), 2U);
  const SaParameters inbound = pair.b.driver.inbound.rbegin()->second;
  pair.give(pair.b,
            SaEnded{inbound.spi, Direction::kInbound, inbound.protocol, pair.a.endpoint.address, SaEndReason::kIdle});
  pair.run(seconds(40));
  EXPECT_EQ(pair.a.count_events("quick_mode_ended"), 1U);
}

TEST(Informational, a_lost_delete_comes_again) {
  Pair pair;
  establish(pair);
  int seen = 0;
  pair.wire = [&](const SentDatagram& sent) {
    return is_informational(sent) && ++seen <= 6 ? Fate{} : Fate{milliseconds(1)};
  };
  pair.give(pair.b, DeleteRequested{std::nullopt, true});
  pair.run(seconds(40));
  EXPECT_TRUE(pair.a.driver.outbound.empty());
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
}

TEST(Informational, nobody_without_the_keys_can_delete) {
  Pair pair;
  establish(pair);
  const auto sa = pair.a.engine.main_mode_sas(pair.now)[0];
  Header header;
  header.initiator_cookie = sa.initiator_cookie;
  header.responder_cookie = sa.responder_cookie;
  header.exchange = ExchangeType::kInformational;
  header.message_id = 4711;
  Bytes spi(4);
  store_u32(spi.data(), pair.a.driver.outbound[0].spi);
  Bytes cookies(16);
  store_u64(cookies.data(), sa.initiator_cookie);
  store_u64(cookies.data() + 8, sa.responder_cookie);
  const std::vector<PayloadContent> payloads = {DeletePayload{kDoiIpsec, 3, {spi}},
                                                DeletePayload{kDoiIpsec, 1, {cookies}},
                                                NotifyPayload{kDoiIpsec, 1, NotifyType::kInitialContact, cookies, {}}};
  pair.inject(pair.b, write_clear_message(header, payloads));
  Bytes pretended = write_clear_message(header, payloads);
  pretended[19] = kFlagEncrypted;
  pretended.resize(kHeaderSize + 96);
  store_u32(&pretended[24], static_cast<std::uint32_t>(pretended.size()));
  pair.inject(pair.b, pretended);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.a.engine.statistics().undecryptable_messages, 1U);
}

TEST(Informational, a_replayed_informational_message_is_not_read_twice) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  const SaParameters in = pair.a.driver.inbound.begin()->second;
  pair.give(pair.a, ended(in, SaEndReason::kIdle));
  pair.run(seconds(60));
  const auto before = pair.b.engine.statistics().unexpected_messages;
  EXPECT_EQ(before, static_cast<std::uint64_t>(kDeleteRepetitions)) << "the repetitions, each recognised";
}

TEST(Informational, initial_contact_of_a_restarted_peer_ends_its_old_sas) {
  Pair pair;
  establish(pair);
  pair.run(seconds(10));
  const std::uint32_t old = pair.b.driver.outbound[0].spi;
  pair.a.restart();
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, pair.b.endpoint.address));
  pair.acquire(pair.a, 2);
  pair.run(seconds(5));
  EXPECT_TRUE(pair.b.has_event("initial_contact"));
  EXPECT_EQ(compare_sas(pair), "");
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.b.driver.inbound.size(), 1U);
  EXPECT_NE(pair.b.driver.outbound[0].spi, old);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
}

TEST(Informational, initial_contact_of_a_restarted_responder_counts_too) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  pair.b.restart();
  pair.set_policy(pair.b, make_policy(pair.b.endpoint.address, pair.a.endpoint.address, options));
  pair.run(seconds(10));
  pair.acquire(pair.a, 2, 11);
  pair.run(seconds(20));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(compare_sas(pair), "") << "INVALID-COOKIE led to a new main mode, whose INITIAL-CONTACT ended the old SAs";
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

TEST(Informational, initial_contact_is_not_said_to_a_known_peer) {
  Pair pair;
  PolicyOptions options;
  options.quick_mode_limit = 1;
  options.extra_filters = 1;
  establish(pair, options);
  pair.acquire(pair.a, 2, 11);
  pair.run(seconds(5));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(pair.b.driver.outbound.size(), 2U);
}

// The IKE service of `host` ends without a word; the next one finds what the driver still has.
void crash_ike(Pair& pair, Host& host) {
  std::vector<SaParameters> sas;
  for (const auto& [spi, sa] : host.driver.inbound) sas.push_back(sa);
  for (const SaParameters& sa : host.driver.outbound) sas.push_back(sa);
  const IkePolicy policy = host.engine.policy();
  host.crash_ike();
  for (SaParameters& sa : sas) sa.encryption_key = sa.integrity_key = {};
  pair.give(host, DriverSasFound{std::move(sas)});
  pair.set_policy(host, policy);
}

TEST(Informational, KEY_16_KEY_02_sas_that_outlive_their_ike_service_are_renewed_by_the_next) {
  Pair pair;
  establish(pair);
  crash_ike(pair, pair.a);
  EXPECT_TRUE(pair.a.has_event("sas_adopted"));
  EXPECT_EQ(pair.a.engine.statistics().conn_list_size, 1U);
  const SaParameters old = pair.a.driver.outbound[0];
  pair.give(pair.a, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(10));
  EXPECT_FALSE(pair.a.has_event("rekey_of_unknown_sa"));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(pair.a.driver.outbound[0].replaces_spi, old.spi);
  EXPECT_EQ(pair.a.driver.outbound[0].selector, old.selector);
  EXPECT_TRUE(pair.b.driver.inbound.contains(old.spi)) << "without INITIAL-CONTACT: nothing is cut off";
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(Informational, QM_21_adopted_sas_end_by_the_peers_delete_and_tell_the_peer_of_their_end) {
  for (const bool peer_deletes : {true, false}) {
    Pair pair;
    establish(pair);
    crash_ike(pair, pair.a);
    // A main mode is needed to say anything.
    PolicyOptions options;
    options.extra_filters = 1;
    set_mirrored_policies(pair, options);
    pair.acquire(pair.a, 2, 11);
    pair.run(seconds(5));
    Host& ending = peer_deletes ? pair.b : pair.a;
    const auto old = std::find_if(ending.driver.inbound.begin(), ending.driver.inbound.end(),
                                  [](const auto& entry) { return entry.second.filter_id == 2; });
    ASSERT_NE(old, ending.driver.inbound.end());
    const SaParameters in = old->second;
    ending.driver.inbound.erase(old);
    pair.give(ending, ended(in, SaEndReason::kIdle));
    pair.run(seconds(1));
    EXPECT_EQ(pair.a.driver.inbound.size(), 1U);
    EXPECT_EQ(pair.b.driver.inbound.size(), 1U);
    EXPECT_EQ(compare_sas(pair), "");
  }
}

TEST(Informational, DR_08_an_adopted_sa_of_a_dynamic_filter_is_renewed_by_the_default_response_rule) {
  Pair pair;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address), make_default_response_policy());
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  ASSERT_EQ(pair.b.questions.size(), 1U);
  const IkePolicy policy = with_dynamic_filter(pair.b.engine.policy(), pair.b.questions[0].outbound);
  pair.set_policy(pair.b, policy);
  pair.run(seconds(1));
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
  crash_ike(pair, pair.b);
  const SaParameters old = pair.b.driver.outbound[0];
  pair.give(pair.b, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kSeconds});
  pair.run(seconds(2));
  EXPECT_EQ(pair.b.driver.outbound[0].replaces_spi, old.spi);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST(Informational, a_restarted_driver_is_told_to_the_peers) {
  Pair pair;
  establish(pair);
  pair.a.driver = FakeDriver(0x5000);
  pair.give(pair.a, DriverRestarted{});
  pair.run(seconds(1));
  EXPECT_TRUE(pair.b.driver.outbound.empty()) << "or it would send into nothing";
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
}

TEST(Informational, PA_21_when_no_policy_is_assigned_any_more_the_peers_hear_it) {
  Pair pair;
  establish(pair);
  IkePolicy blocking = pair.a.engine.policy();
  blocking.filters.clear();
  blocking.main_mode_filters.clear();
  pair.set_policy(pair.a, blocking);
  pair.run(seconds(1));
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U) << "PA-26: of a policy without the filter inbound SAs run out";
  pair.set_policy(pair.a, {});
  EXPECT_TRUE(pair.a.driver.inbound.empty());

  Pair other;
  establish(other);
  other.set_policy(other.a, {});
  other.run(seconds(1));
  EXPECT_TRUE(other.b.driver.outbound.empty()) << "or it would send into nothing";
  EXPECT_TRUE(other.b.driver.inbound.empty());
}

TEST(Informational, an_sa_ended_by_policy_is_told_even_without_main_mode) {
  Pair pair;
  establish(pair);
  pair.give(pair.a, DeleteRequested{std::nullopt, false});
  pair.run(seconds(1));
  const SaParameters in = pair.a.driver.inbound.begin()->second;
  pair.give(pair.a, ended(in, SaEndReason::kPolicy));
  pair.run(seconds(5));
  EXPECT_TRUE(pair.b.driver.outbound.empty());
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 0U) << "made for that alone";
}

TEST(Informational, a_hint_that_the_peer_forgot_us_shortens_the_way_to_a_new_main_mode) {
  Pair pair;
  PolicyOptions options;
  options.extra_filters = 1;
  establish(pair, options);
  pair.run(seconds(10));
  // b forgets its main mode SA, and its Delete is lost.
  pair.wire = [](const SentDatagram& sent) {
    return is_informational(sent) && !sent.from_a && header_of(sent).encrypted() ? Fate{} : Fate{milliseconds(1)};
  };
  pair.give(pair.b, DeleteRequested{std::nullopt, false});
  pair.run(seconds(15));
  ASSERT_EQ(pair.a.established_main_modes(pair.now), 1U);
  pair.acquire(pair.a, 2, 11);
  pair.run(seconds(10));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(pair.a.driver.outbound.size(), 2U) << "within seconds, not a minute";
  EXPECT_EQ(compare_sas(pair), "");
}

}  // namespace
}  // namespace ipsec::ike::tests

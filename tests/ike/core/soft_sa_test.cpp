// Soft SAs: fall back to clear with a peer that does not answer, from the driver's request to the driver's SAs.
#include "services/ike/core/soft_sa.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The policy of host a; the filters of `soft_filters` allow soft SAs.
IkePolicy policy_with(const Pair& pair, const std::set<std::uint64_t>& soft_filters, PolicyOptions options = {}) {
  IkePolicy policy = make_policy(pair.a.endpoint.address, pair.b.endpoint.address, options);
  for (Filter& filter : policy.filters) filter.allow_soft = soft_filters.contains(filter.id);
  return policy;
}

Fate lost() { return {}; }
Fate arrives() { return {milliseconds(1)}; }

bool is_message1(const SentDatagram& sent) {
  const auto header = parse_header(sent.datagram.bytes);
  return header.ok() && header->exchange == ExchangeType::kIdentityProtection && header->responder_cookie == 0;
}

std::size_t soft_halves(const FakeDriver& driver) {
  std::size_t count = 0;
  for (const auto& [spi, sa] : driver.inbound) count += sa.soft ? 1 : 0;
  for (const SaParameters& sa : driver.outbound) count += sa.soft ? 1 : 0;
  return count;
}

struct Silent : testing::Test {
  Silent() {
    pair.wire = [this](const SentDatagram&) { return deaf ? lost() : arrives(); };
  }
  Pair pair;
  bool deaf = true;
};
using SoftSa = Silent;

TEST_F(SoftSa, SFT_01_SFT_03_a_peer_that_does_not_answer_gets_one_for_both_directions) {
  PolicyOptions options;
  options.main_mode_lifetime = 1234;
  pair.set_policy(pair.a, policy_with(pair, {1, 2}, options));
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  ASSERT_EQ(pair.a.driver.inbound.size(), 1U);
  const SaParameters& out = pair.a.driver.outbound.front();
  const SaParameters& in = pair.a.driver.inbound.begin()->second;
  EXPECT_TRUE(out.soft && in.soft);
  EXPECT_TRUE(out.encryption_key.empty() && out.integrity_key.empty() && in.encryption_key.empty());
  EXPECT_EQ(out.pair_spi, in.spi);
  EXPECT_EQ(in.pair_spi, out.spi);
  EXPECT_NE(out.spi, in.spi);
  EXPECT_EQ(out.filter_id, 1U);
  EXPECT_EQ(in.filter_id, 2U);
  EXPECT_EQ(out.source, pair.a.endpoint.address);
  EXPECT_EQ(out.destination, pair.b.endpoint.address);
  EXPECT_EQ(in.selector, out.selector.mirrored());
  EXPECT_EQ(out.lifetime_seconds, 1234U) << "SFT-06: that of the main mode";
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty());
  EXPECT_EQ(pair.a.engine.statistics().soft_sas, 1U);
  const ReportEvent* made = pair.a.find_event("soft_sa_made");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->severity, Severity::kWarning);
  EXPECT_EQ(made->fields.at("peer"), "10.77.0.2");
  EXPECT_EQ(made->fields.at("rule"), "rule");
}

TEST_F(SoftSa, SFT_02_none_where_the_filter_action_does_not_allow_it) {
  pair.set_policy(pair.a, policy_with(pair, {}));
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(200));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kTimeoutMessage2);
  EXPECT_EQ(pair.a.engine.statistics().soft_sas, 0U);
}

TEST_F(SoftSa, SFT_04_RTY_01_after_five_retries_within_three_seconds) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  const Timestamp asked = pair.now;
  pair.acquire(pair.a, 7, 1);
  while (pair.a.driver.outbound.empty() && pair.now - asked < seconds(100)) pair.run(milliseconds(10));
  EXPECT_GE(pair.now - asked, milliseconds(2900));
  EXPECT_LE(pair.now - asked, milliseconds(3100));
  EXPECT_EQ(std::count_if(pair.sent.begin(), pair.sent.end(), is_message1), 6);
}

TEST_F(SoftSa, SFT_03_RTY_02_not_where_the_peer_answers_in_time) {
  set_mirrored_policies(pair);
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.acquire(pair.a, 7, 1);
  pair.run(milliseconds(2400));
  deaf = false;
  pair.run(seconds(5));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

// A peer that has said anything does IPsec; what goes wrong later, or is refused, blocks.
TEST_F(SoftSa, SFT_03_not_where_a_peer_answers_and_then_refuses_or_falls_silent) {
  for (const bool refuses : {true, false}) {
    Pair one;
    PolicyOptions other;
    if (refuses) other.main_mode_offers = {{Cipher::kAes256Cbc, Integrity::kSha1, DhGroup::kModp2048}};
    one.set_policies(policy_with(one, {1}), make_policy(one.b.endpoint.address, one.a.endpoint.address, other));
    one.wire = [&](const SentDatagram& sent) {
      const auto header = parse_header(sent.datagram.bytes);
      return !refuses && sent.from_a && header->responder_cookie != 0 ? lost() : arrives();
    };
    one.acquire(one.a, 7, 1);
    one.run(seconds(200));
    EXPECT_EQ(soft_halves(one.a.driver), 0U) << refuses;
    EXPECT_EQ(one.a.driver.acquire_failures.size(), 1U) << refuses;
    EXPECT_EQ(one.a.engine.statistics().soft_sas, 0U);
  }
}

// Whoever keeps our first messages from arriving must not turn what the peer has secured meanwhile into clear.
TEST_F(SoftSa, SFT_03_not_where_the_peer_has_asked_for_security_itself_meanwhile) {
  set_mirrored_policies(pair);
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.wire = [](const SentDatagram& sent) { return sent.from_a && is_message1(sent) ? lost() : arrives(); };
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(1));
  pair.acquire(pair.b, 1);
  pair.run(seconds(10));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  EXPECT_EQ(pair.a.engine.statistics().soft_sas, 0U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(compare_sas(pair), "");
  // Nor later, when the main mode has run out and only the SAs are left.
  pair.acquire(pair.a, 8, 1);
  pair.run(seconds(10));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
}

TEST_F(SoftSa, SFT_03_not_where_something_came_back_that_is_no_message) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.acquire(pair.a, 7, 1);
  pair.run(milliseconds(100));
  Bytes answer = pair.sent.front().datagram.bytes;
  answer[8] = 1;    // a responder cookie
  answer[16] = 13;  // and a vendor ID in the place of the SA payload
  pair.a.engine.handle(DatagramReceived{pair.a.endpoint, pair.b.endpoint, answer}, pair.now);
  pair.run(seconds(200));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
}

TEST_F(SoftSa, SFT_03_a_host_without_policy_keeps_silent) {
  deaf = false;
  pair.set_policies(policy_with(pair, {1}), IkePolicy{});
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  EXPECT_EQ(soft_halves(pair.a.driver), 2U);
  EXPECT_TRUE(std::none_of(pair.sent.begin(), pair.sent.end(), [](const auto& sent) { return !sent.from_a; }));
  EXPECT_EQ(pair.b.engine.statistics().unexpected_messages, 6U);
}

// It gets a policy while the soft SA is there, and asks for security itself.
TEST_F(SoftSa, IN_14_a_peer_that_does_ipsec_after_all_ends_it) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  ASSERT_EQ(soft_halves(pair.a.driver), 2U);
  deaf = false;
  pair.set_policy(pair.b, make_policy(pair.b.endpoint.address, pair.a.endpoint.address));
  pair.acquire(pair.b, 1);
  pair.run(seconds(5));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_TRUE(pair.a.has_event("soft_sa_ended"));
}

TEST_F(SoftSa, SFT_02_each_request_that_waits_for_the_main_mode_by_its_own_filter) {
  PolicyOptions options;
  options.extra_filters = 2;
  pair.set_policy(pair.a, policy_with(pair, {11}, options));
  pair.acquire(pair.a, 1, 21);
  pair.run(seconds(4));
  EXPECT_TRUE(pair.a.driver.acquire_failures.empty()) << "a filter without fallback waits a minute";
  pair.acquire(pair.a, 2, 11);
  pair.run(milliseconds(3100));
  EXPECT_EQ(soft_halves(pair.a.driver), 2U);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].acquire_id, 1U);
}

TEST_F(SoftSa, a_tunnel_has_no_fallback) {
  PolicyOptions options;
  options.local_network = *AddressRange::parse("10.1.0.0/16");
  options.remote_network = *AddressRange::parse("10.2.0.0/16");
  pair.set_policy(pair.a, policy_with(pair, {1}, options));
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(200));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  EXPECT_EQ(pair.a.driver.acquire_failures.size(), 1U);
}

TEST_F(SoftSa, a_renewal_of_a_protected_pair_never_ends_in_clear) {
  set_mirrored_policies(pair);
  pair.set_policy(pair.a, policy_with(pair, {1}));
  deaf = false;
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  deaf = true;
  pair.give(pair.a, DeleteRequested{std::nullopt, false});
  pair.give(pair.a, RekeyRequested{pair.a.driver.outbound[0].spi, pair.b.endpoint.address, 1, RekeyReason::kSeconds});
  pair.run(seconds(200));
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
}

TEST_F(SoftSa, SFT_05_SFT_06_once_it_has_ended_the_next_packet_tries_security_again) {
  for (const SaEndReason reason : {SaEndReason::kIdle, SaEndReason::kLifetime, SaEndReason::kPolicy}) {
    Pair one;
    bool silent = true;
    one.wire = [&](const SentDatagram&) { return silent ? lost() : arrives(); };
    set_mirrored_policies(one);
    one.set_policy(one.a, policy_with(one, {1}));
    one.acquire(one.a, 7, 1);
    one.run(seconds(5));
    ASSERT_EQ(soft_halves(one.a.driver), 2U);
    const SaParameters gone = one.a.driver.outbound.front();
    one.give(one.a, SaEnded{gone.spi, Direction::kOutbound, gone.protocol, gone.destination, reason});
    EXPECT_EQ(soft_halves(one.a.driver), 0U) << "both halves end together";
    EXPECT_TRUE(one.a.has_event("soft_sa_ended"));
    silent = false;
    one.sent.clear();
    one.acquire(one.a, 8, 1);
    one.run(seconds(5));
    EXPECT_EQ(std::count_if(one.sent.begin(), one.sent.end(), is_message1), 1);
    EXPECT_EQ(compare_sas(one), "");
    ASSERT_EQ(one.a.driver.outbound.size(), 1U);
    EXPECT_FALSE(one.a.driver.outbound[0].soft);
  }
}

TEST_F(SoftSa, an_administrator_ends_it_and_an_ike_service_started_anew_knows_it) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  ASSERT_EQ(soft_halves(pair.a.driver), 2U);
  pair.a.crash_ike();
  DriverSasFound found;
  for (const auto& [spi, sa] : pair.a.driver.inbound) found.sas.push_back(sa);
  for (const SaParameters& sa : pair.a.driver.outbound) found.sas.push_back(sa);
  pair.give(pair.a, found);
  const std::size_t sent = pair.sent.size();
  pair.give(pair.a, DeleteRequested{pair.b.endpoint.address, true});
  EXPECT_EQ(soft_halves(pair.a.driver), 0U);
  pair.run(seconds(5));
  EXPECT_EQ(pair.sent.size(), sent) << "no peer knows of it, so nobody is told";
}

TEST_F(SoftSa, a_policy_that_forbids_it_meanwhile_wins) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  pair.a.driver.silent = true;
  pair.acquire(pair.a, 7, 1);
  pair.run(seconds(5));
  ASSERT_TRUE(pair.a.driver.acquire_failures.empty()) << "the driver has not answered yet";
  pair.acquire(pair.a, 8, 1);  // joins
  pair.set_policy(pair.a, policy_with(pair, {}));
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 2U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kPolicyChanged);
}

TEST_F(SoftSa, the_statistics_count_what_is_under_way_and_what_was_made) {
  pair.set_policy(pair.a, policy_with(pair, {1}));
  const auto now = [&] { return pair.a.engine.statistics(); };
  pair.a.driver.silent = true;
  pair.acquire(pair.a, 7, 1);
  for (int i = 0; i < 2; ++i) {  // waiting for main mode; then for the driver
    EXPECT_EQ(now().active_acquire, 1U) << i;
    EXPECT_EQ(now().acquire_heap_size, 1U) << i;
    pair.run(seconds(5));
  }
  pair.give(pair.a, DriverRestarted{});
  EXPECT_EQ(now().active_acquire, 0U);
  EXPECT_EQ(now().acquire_fail, 1U);
  pair.a.driver.silent = false;
  pair.acquire(pair.a, 8, 1);
  pair.run(seconds(5));
  EXPECT_EQ(now().active_acquire, 0U);
  EXPECT_EQ(now().total_acquire, 2U);
  EXPECT_EQ(now().soft_sas, 1U);
  EXPECT_EQ(now().total_key_add, 1U);
  EXPECT_EQ(now().total_key_update, 1U);
  EXPECT_EQ(now().quick_modes, 0U);
}

TEST_F(SoftSa, a_driver_that_refuses_or_starts_anew_fails_the_request) {
  for (const int fault : {0, 1, 2, 3}) {
    Pair one;
    one.wire = [](const SentDatagram&) { return lost(); };
    one.set_policy(one.a, policy_with(one, {1}));
    one.a.driver.refuse_spis = fault == 0;
    if (fault == 1) one.a.driver.refuse_installing = Direction::kInbound;
    if (fault == 2) one.a.driver.refuse_installing = Direction::kOutbound;
    one.a.driver.silent = fault == 3;
    one.acquire(one.a, 7, 1);
    one.run(seconds(5));
    if (fault == 3) one.give(one.a, DriverRestarted{});
    ASSERT_EQ(one.a.driver.acquire_failures.size(), 1U) << fault;
    EXPECT_EQ(one.a.driver.acquire_failures[0].reason, FailureReason::kDriverFailed);
    EXPECT_EQ(soft_halves(one.a.driver), 0U) << fault;
    EXPECT_EQ(one.a.driver.larval(), 0U) << fault;
    EXPECT_EQ(one.a.engine.statistics().soft_sas, 0U);
  }
}

}  // namespace
}  // namespace ipsec::ike::tests

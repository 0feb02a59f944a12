#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ike/core/quick_mode_pair.h"

// The course of whole negotiations: what follows what (rows MM-30, MM-31, QM-01, QM-20, QM-24).
namespace ipsec::ike::tests {
namespace {

std::vector<ExchangeType> exchanges(const Pair& pair) {
  std::vector<ExchangeType> types;
  for (const SentDatagram& sent : pair.sent) types.push_back(header_of(sent).exchange);
  return types;
}

TEST(NegotiationCourse, MM_31_three_two_way_exchanges) {
  Pair pair;
  establish(pair);
  std::vector<bool> from_a;
  for (const SentDatagram& sent : pair.sent) {
    if (header_of(sent).exchange == ExchangeType::kIdentityProtection) from_a.push_back(sent.from_a);
  }
  EXPECT_EQ(from_a, (std::vector<bool>{true, false, true, false, true, false}));
}

TEST(NegotiationCourse, QM_01_quick_mode_begins_with_the_end_of_main_mode_and_when_an_sa_nears_its_end) {
  Pair pair;
  establish(pair);
  const auto types = exchanges(pair);
  ASSERT_GE(types.size(), 7U);
  EXPECT_EQ(types[5], ExchangeType::kIdentityProtection);
  EXPECT_EQ(types[6], ExchangeType::kQuickMode) << "no sooner and no later";
  EXPECT_EQ(pair.sent[6].at, pair.sent[5].at + milliseconds(1)) << "with message 6";
  const std::size_t before = pair.sent.size();
  const SaParameters old = pair.a.driver.outbound[0];
  pair.give(pair.a, RekeyRequested{old.spi, old.destination, old.filter_id, RekeyReason::kKilobytes});
  ASSERT_GT(pair.sent.size(), before);
  EXPECT_EQ(header_of(pair.sent[before]).exchange, ExchangeType::kQuickMode);
}

TEST(NegotiationCourse, QM_20_interesting_traffic_phase_1_phase_2_data_termination) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.run(seconds(10));
  EXPECT_TRUE(pair.sent.empty()) << "nothing without traffic";
  pair.acquire(pair.a, 1);
  pair.run(seconds(1));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U) << "for the data";
  const SaParameters inbound = pair.a.driver.inbound.begin()->second;
  const std::size_t negotiated = pair.sent.size();
  pair.give(pair.a,
            SaEnded{inbound.spi, Direction::kInbound, inbound.protocol, pair.b.endpoint.address, SaEndReason::kIdle});
  pair.run(seconds(1));
  const auto types = exchanges(pair);
  EXPECT_EQ(std::count(types.begin(), types.begin() + 6, ExchangeType::kIdentityProtection), 6);
  EXPECT_EQ(std::count(types.begin() + 6, types.begin() + 10, ExchangeType::kQuickMode), 4);
  EXPECT_EQ(negotiated, 10U);
  ASSERT_GT(types.size(), negotiated);
  EXPECT_EQ(types[negotiated], ExchangeType::kInformational) << "a Delete";
  EXPECT_TRUE(pair.b.driver.inbound.empty());
}

TEST(NegotiationCourse, QM_24_phase_2_knows_quick_mode_only_and_makes_two_one_way_sas) {
  Pair pair;
  establish(pair);
  for (const ExchangeType type : exchanges(pair))
    EXPECT_TRUE(type == ExchangeType::kIdentityProtection || type == ExchangeType::kQuickMode);
  for (const Host* host : {&pair.a, &pair.b}) {
    ASSERT_EQ(host->driver.installed.size(), 2U);
    EXPECT_NE(host->driver.installed[0].direction, host->driver.installed[1].direction);
  }
}

TEST(NegotiationCourse, MM_30_MM_34_an_ike_sa_knows_what_it_was_made_with) {
  for (const Integrity hash : {Integrity::kMd5, Integrity::kSha1}) {
    Pair pair;
    PolicyOptions options;
    options.main_mode_offers = {{Cipher::kTripleDes, hash, DhGroup::kModp1024}};
    options.main_mode_lifetime = 7200;
    establish(pair, options);
    for (const Host* host : {&pair.a, &pair.b}) {
      const MainModeSaStatus sa = host->engine.main_mode_sas(pair.now).at(0);
      EXPECT_EQ(sa.authentication, "Preshared key");
      EXPECT_EQ(sa.offer, options.main_mode_offers[0]);
      EXPECT_EQ(sa.lifetime_seconds, 7200U);
    }
  }
}

}  // namespace
}  // namespace ipsec::ike::tests

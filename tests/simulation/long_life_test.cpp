#include "tests/simulation/long_life.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "services/ike/wire/header.h"

// Virtual hours cost milliseconds. POLICYAGENT_SIMULATION_RUNS, which the long run sets, gives more seeds to the test
// of disturbed lives.
namespace ipsec::ike::tests {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

PolicyOptions with_lifetimes(std::uint32_t quick_mode, std::uint32_t main_mode) {
  PolicyOptions options;
  options.quick_mode_offers[0].lifetime_seconds = quick_mode;
  options.main_mode_lifetime = main_mode;
  return options;
}

void expect_no_loss(const PolicyOptions& options, bool collide, hours duration = hours(24),
                    Duration latency = milliseconds(20)) {
  LongLife life(3, options, collide);
  life.pair.wire = [latency](const SentDatagram&) { return Fate{latency}; };
  life.run(duration);
  EXPECT_EQ(life.traffic.lost, 0U);
  EXPECT_LE(life.traffic.waited, 2U) << "the first packet of each side";
  EXPECT_EQ(life.traffic.delivered + life.traffic.waited, 2U * static_cast<std::uint64_t>(duration.count()) * 360);
  EXPECT_FALSE(life.pair.a.has_event("negotiation_failed"));
  EXPECT_LE(life.pair.a.driver.inbound.size(), 6U) << "replaced SAs end";
  EXPECT_EQ(compare_sas(life.pair), "");
}

TEST(LongLife, KEY_07_QM_22_a_day_of_rekeys_loses_no_packet) { expect_no_loss(with_lifetimes(3600, 28800), false); }

TEST(LongLife, KEY_11_KEY_17_main_modes_shorter_than_quick_modes_lose_no_packet) {
  expect_no_loss(with_lifetimes(3600, 600), false);
}

TEST(LongLife, MM_25_rekeys_of_both_sides_in_the_same_moment_lose_no_packet) {
  expect_no_loss(with_lifetimes(300, 3600), true, hours(6));
  expect_no_loss(with_lifetimes(300, 3600), true, hours(6), milliseconds(700));
}

TEST(LongLife, KEY_23_KEY_26_master_pfs_loses_no_packet) {
  PolicyOptions options = with_lifetimes(300, 28800);
  options.master_pfs = true;
  expect_no_loss(options, false);
}

TEST(LongLife, KEY_21_KEY_24_the_limit_of_quick_modes_or_the_lifetime_ends_a_main_mode_whichever_is_first) {
  for (const bool limit_first : {true, false}) {
    PolicyOptions options = with_lifetimes(300, 3600);
    options.quick_mode_limit = limit_first ? 5 : 1000;
    LongLife life(3, options, false);
    life.run(hours(10));
    EXPECT_EQ(life.traffic.lost, 0U);
    const double made = static_cast<double>(life.pair.a.engine.statistics().main_modes);
    const double rekeys = static_cast<double>(life.pair.a.engine.statistics().quick_modes);
    EXPECT_NEAR(made, limit_first ? rekeys / 5 : 36000 / (3600 * 0.85), limit_first ? rekeys / 25 + 2 : 4);
  }
}

TEST(LongLife, KEY_12_KEY_19_an_hour_of_the_shortest_lifetime_takes_more_than_twelve_keys) {
  LongLife life(3, with_lifetimes(300, 28800), false);
  life.run(hours(1));
  EXPECT_GT(life.spis_used.size(), 12U);
  EXPECT_LT(life.spis_used.size(), 30U);
}

TEST(LongLife, KEY_08_without_ike_the_sas_end_and_the_packets_wait) {
  LongLife life(3, with_lifetimes(300, 28800), false);
  life.run(minutes(4));
  // The peers still hear that they live.
  life.pair.wire = [](const SentDatagram& sent) {
    const bool informational = parse_header(sent.datagram.bytes)->exchange == ExchangeType::kInformational;
    return informational ? Fate{milliseconds(1)} : Fate{};
  };
  life.run(minutes(10));
  EXPECT_TRUE(life.pair.a.driver.outbound.empty());
  EXPECT_TRUE(life.pair.b.driver.inbound.empty());
  EXPECT_EQ(life.traffic.lost, 0U);
}

// After every disturbance three minutes are forgiven; from then on nothing is lost and nothing waits.
void expect_recovery(LongLife& life, const std::string& what) {
  life.run(minutes(3));
  const Traffic before = life.traffic;
  life.run(minutes(20));
  EXPECT_EQ(life.traffic.lost, before.lost) << "after " << what;
  EXPECT_EQ(life.traffic.waited, before.waited) << "after " << what;
}

TEST(LongLife, PA_04_a_crashed_ike_service_costs_no_packet) {
  for (const bool of_a : {true, false}) {
    LongLife life(3, with_lifetimes(600, 3600), false);
    life.run(minutes(30));
    const Traffic before = life.traffic;
    for (int times = 0; times < 10; ++times) {
      life.crash_ike(of_a ? life.pair.a : life.pair.b);
      life.run(minutes(17));
    }
    EXPECT_EQ(life.traffic.lost, before.lost);
    EXPECT_EQ(life.traffic.waited, before.waited);
    EXPECT_FALSE(life.pair.a.has_event("rekey_of_unknown_sa"));
  }
}

TEST(LongLife, hosts_that_start_anew_and_leaping_clocks_are_survived) {
  const char* text = std::getenv("POLICYAGENT_SIMULATION_RUNS");
  const std::uint64_t runs = text == nullptr ? 10 : std::strtoull(text, nullptr, 10) / 10;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    ipsec::tests::SeededRandom random(seed);
    PolicyOptions options = with_lifetimes(static_cast<std::uint32_t>(300 + random.below(3300)),
                                           static_cast<std::uint32_t>(300 + random.below(28500)));
    LongLife life(seed, options, random.chance(0.5));
    life.run(minutes(10));
    for (int times = 0; times < 6 && !testing::Test::HasFailure(); ++times) {
      Host& host = random.chance(0.5) ? life.pair.a : life.pair.b;
      switch (random.below(4)) {
        case 0:
          life.restart(host);
          expect_recovery(life, "a restart");
          break;
        case 1:
          life.crash_ike(host);
          expect_recovery(life, "a crash of IKE");
          break;
        case 2:
          life.jump(seconds(random.below(40000)));
          expect_recovery(life, "a leap of the clock");
          break;
        default:
          life.pair.give(host, DeleteRequested{std::nullopt, random.chance(0.5)});
          expect_recovery(life, "an administrator's delete");
      }
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ipsec::ike::tests

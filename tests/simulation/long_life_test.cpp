#include "tests/simulation/long_life.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "services/ike/wire/header.h"

// Virtual hours cost milliseconds where little happens, a second where much does. POLICYAGENT_SIMULATION_RUNS, which
// the long run sets, gives more seeds: a tenth of it to disturbed lives, a hundredth to eight hours of a bad network.
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

// Everything together: a network that loses, doubles and delays, suites with and without AH, both kinds of PFS, limits,
// renewals of both sides in the same moment, services and hosts that end without a word, clocks that leap.
class EightHours {
 public:
  explicit EightHours(std::uint64_t seed)
      : random_(seed * 65537 + 11), life_(seed, random_options(), random_.chance(0.5)) {
    const double loss = static_cast<double>(random_.below(16)) / 100.0;
    const double duplication = static_cast<double>(random_.below(10)) / 100.0;
    const std::uint64_t slowest = 1 + random_.below(1200);
    life_.pair.wire = [this, loss, duplication, slowest](const SentDatagram&) {
      Fate fate;
      for (int copies = random_.chance(duplication) ? 2 : 1; copies > 0; --copies) {
        if (!random_.chance(loss)) fate.push_back(milliseconds(1 + random_.below(slowest)));
      }
      return fate;
    };
  }

  void run() {
    for (int part = 0; part < 12; ++part) {
      life_.run(minutes(40));
      disturb();
    }
    // Then the network is good. Deletes are not acknowledged: what all their copies were lost for is found out by the
    // watch for dead peers, or ends with its lifetime of an hour at the most.
    life_.pair.wire = [](const SentDatagram&) { return Fate{milliseconds(5)}; };
    life_.run(minutes(70));
    const Traffic before = life_.traffic;
    life_.run(minutes(30));
    EXPECT_EQ(life_.traffic.lost, before.lost);
    EXPECT_EQ(life_.traffic.waited, before.waited);
    EXPECT_EQ(life_.traffic.delivered, before.delivered + 360);
    EXPECT_EQ(compare_sas(life_.pair), "");
    for (const Host* host : {&life_.pair.a, &life_.pair.b}) {
      EXPECT_LE(host->driver.inbound.size(), 8U) << "replaced SAs end";
      EXPECT_EQ(host->engine.statistics().conn_list_size, host->driver.inbound.size()) << host->name;
    }
    EXPECT_GT(life_.spis_used.size(), 6U) << "keys were renewed";
  }

 private:
  PolicyOptions random_options() {
    PolicyOptions options = with_lifetimes(static_cast<std::uint32_t>(300 + random_.below(3300)),
                                           static_cast<std::uint32_t>(300 + random_.below(28500)));
    if (random_.chance(0.3)) options.quick_mode_offers[0].ah = Integrity::kSha256;
    if (options.quick_mode_offers[0].ah && random_.chance(0.5)) options.quick_mode_offers[0].esp.reset();
    options.pfs = random_.chance(0.1);
    options.master_pfs = random_.chance(0.1);
    options.quick_mode_limit = random_.chance(0.3) ? static_cast<std::uint32_t>(1 + random_.below(6)) : 0;
    return options;
  }

  void disturb() {
    Host& host = random_.chance(0.5) ? life_.pair.a : life_.pair.b;
    switch (random_.below(6)) {
      case 0:
        return life_.restart(host);
      case 1:
        return life_.crash_ike(host);
      case 2:
        return life_.jump(seconds(random_.below(10000)));
      case 3:
        return life_.pair.give(host, DeleteRequested{std::nullopt, random_.chance(0.5)});
      default:
        rekey_both();
    }
  }

  void rekey_both() {
    for (Host* host : {&life_.pair.a, &life_.pair.b}) {
      if (host->driver.outbound.empty()) continue;
      const SaParameters sa = host->driver.outbound.front();
      life_.pair.give(*host, RekeyRequested{sa.spi, sa.destination, sa.filter_id, RekeyReason::kKilobytes});
    }
  }

  ipsec::tests::SeededRandom random_;
  LongLife life_;
};

TEST(LongLife, KEY_01_KEY_02_MM_26_eight_hours_of_a_bad_network_crashes_and_collisions_end_in_matching_sas) {
  const char* text = std::getenv("POLICYAGENT_SIMULATION_RUNS");
  const char* only = std::getenv("POLICYAGENT_SEED");
  const std::uint64_t runs = text == nullptr ? 10 : std::strtoull(text, nullptr, 10) / 100;
  const std::uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  for (std::uint64_t seed = first; seed <= (only == nullptr ? runs : first); ++seed) {
    EightHours(seed).run();
    ASSERT_FALSE(testing::Test::HasFailure()) << "again: POLICYAGENT_SEED=" << seed;
  }
}

}  // namespace
}  // namespace ipsec::ike::tests

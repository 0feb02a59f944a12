#include "services/ike/core/upkeep.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"
#include "tests/ike/core/quick_mode_pair.h"

namespace ipsec::ike::tests {
namespace {

void end_pairs(Pair& pair) {
  for (Host* host : {&pair.a, &pair.b}) {
    const auto inbound = host->driver.inbound;
    for (const auto& [spi, sa] : inbound)
      pair.give(*host, SaEnded{spi, Direction::kInbound, SecurityProtocol::kEsp, sa.source, SaEndReason::kLifetime});
  }
}

TEST(Upkeep, KEY_03_KEY_14_a_main_mode_ends_with_its_lifetime) {
  Pair pair;
  PolicyOptions options;
  options.main_mode_lifetime = 1000;
  establish(pair, options);
  end_pairs(pair);
  pair.run(seconds(990));
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  pair.run(seconds(20));
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_EQ(main_modes_begun(pair), 1U) << "nothing depends on it: no renewal";
}

TEST(Upkeep, KEY_11_a_main_mode_that_sas_depend_on_is_renewed_early_by_one_side) {
  Pair pair;
  PolicyOptions options;
  options.main_mode_lifetime = 1000;
  establish(pair, options);
  pair.run(seconds(900));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 2U);
  pair.run(seconds(200));
  EXPECT_EQ(main_modes_begun(pair), 2U);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
  EXPECT_EQ(pair.b.established_main_modes(pair.now), 1U);
}

TEST(Upkeep, KEY_17_quick_mode_sas_outlive_their_main_mode) {
  Pair pair;
  PolicyOptions options;
  options.main_mode_lifetime = 1000;
  establish(pair, options);
  // Nothing but main mode is lost: the peer lives.
  pair.wire = [](const SentDatagram& sent) {
    const bool main_mode = parse_header(sent.datagram.bytes)->exchange == ExchangeType::kIdentityProtection;
    return main_mode ? Fate{} : Fate{milliseconds(1)};
  };
  pair.run(seconds(1100));
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 0U);
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

TEST(Upkeep, a_very_short_wish_for_a_lifetime_does_not_make_a_storm) {
  Pair pair;
  PolicyOptions options;
  options.main_mode_lifetime = 1;
  establish(pair, options);
  pair.run(seconds(600));
  EXPECT_LE(main_modes_begun(pair), 14U);
}

TEST(Upkeep, nothing_is_left_after_everything_has_ended) {
  Pair pair;
  PolicyOptions options;
  options.main_mode_lifetime = 600;
  establish(pair, options);
  end_pairs(pair);
  pair.run(seconds(1000));
  for (const Host* host : {&pair.a, &pair.b}) {
    EXPECT_EQ(host->engine.next_deadline(), kNever);
    EXPECT_EQ(host->engine.statistics().isadb_list_size, 0U);
    EXPECT_EQ(host->engine.statistics().conn_list_size, 0U);
  }
}

TEST(Upkeep, an_unchanged_policy_changes_nothing) {
  Pair pair;
  establish(pair);
  const std::size_t before = pair.sent.size();
  PolicyOptions options;
  options.version = 2;
  set_mirrored_policies(pair, options);
  EXPECT_EQ(pair.sent.size(), before);
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
}

TEST(Upkeep, a_changed_key_ends_main_modes_made_with_the_old_one) {
  Pair pair;
  establish(pair);
  PolicyOptions options;
  options.psk = "a new key";
  set_mirrored_policies(pair, options);
  pair.run(seconds(1));
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
  EXPECT_TRUE(pair.b.engine.main_mode_sas(pair.now).empty());
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U) << "the driver's to keep or end";
}

TEST(Upkeep, a_negotiation_whose_filter_is_gone_is_ended) {
  Pair pair;
  set_mirrored_policies(pair);
  pair.wire = [](const SentDatagram&) { return Fate{}; };
  pair.acquire(pair.a, 1);
  IkePolicy without = make_policy(pair.a.endpoint.address, pair.b.endpoint.address);
  without.filters.clear();
  pair.set_policy(pair.a, without);
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kPolicyChanged);
  pair.set_policy(pair.a, IkePolicy{});
  EXPECT_TRUE(pair.a.engine.main_mode_sas(pair.now).empty());
}

TEST(Upkeep, a_policy_with_broken_references_is_refused_and_the_old_one_stays) {
  Pair pair;
  establish(pair);
  IkePolicy broken = make_policy(pair.a.endpoint.address, pair.b.endpoint.address);
  broken.policy_name = "broken";
  broken.quick_mode_policies.clear();
  Actions actions;
  EXPECT_FALSE(pair.a.engine.change_policy(whole(broken), pair.now, actions).ok());
  EXPECT_EQ(pair.a.engine.policy().policy_name, "test policy");
  EXPECT_EQ(pair.a.established_main_modes(pair.now), 1U);
}

TEST(Upkeep, answers_to_questions_never_asked_are_left_alone) {
  Pair pair;
  establish(pair);
  pair.give(pair.a, SpiReserved{99999, 5});
  pair.give(pair.a, SaInstalled{99999});
  pair.give(pair.a, SaInstallFailed{1, "was something else"});
  pair.give(pair.a, DhComputed{});
  EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
}

}  // namespace
}  // namespace ipsec::ike::tests

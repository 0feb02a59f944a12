#include "services/ike/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ike/core/pair.h"

namespace ipsec::ike::tests {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Both hosts make SAs by a policy with these levels.
void negotiate(Pair& pair, const LogLevels& levels) {
  PolicyOptions options;
  options.psk = "Tr0ub4dor";
  for (Host* host : {&pair.a, &pair.b}) {
    IkePolicy policy = make_policy(host->endpoint.address, pair.other(*host).endpoint.address, options);
    policy.log_levels = levels;
    pair.set_policy(*host, std::move(policy));
  }
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_FALSE(pair.a.driver.outbound.empty());
}

TEST(Log, nothing_is_written_unless_it_is_asked_for) {
  Pair pair;
  negotiate(pair, {});
  EXPECT_THAT(pair.a.log, IsEmpty());
  EXPECT_THAT(pair.b.log, IsEmpty());
}

TEST(Log, each_category_has_a_level_of_its_own) {
  Pair pair;
  LogLevels levels;
  levels.set(LogCategory::kPolicy, kLogSteps);
  levels.set(LogCategory::kMainMode, kLogOutcomes);
  negotiate(pair, levels);
  EXPECT_THAT(pair.b.log, Each(Field(&WriteLog::category, LogCategory::kPolicy)));
  EXPECT_THAT(pair.b.log, Contains(Field(&WriteLog::text, HasSubstr("rule 'rule', main mode policy 'mm'"))));
  EXPECT_THAT(pair.b.log, Contains(Field(&WriteLog::text, HasSubstr("10.77.0.1 -> 10.77.0.2 ANY"))));
}

TEST(Log, steps_of_main_mode_are_told_without_secrets) {
  Pair pair;
  negotiate(pair, LogLevels::all(kLogEverything));
  EXPECT_THAT(pair.a.log, Contains(Field(&WriteLog::text, HasSubstr("as initiator: awaiting message 4"))));
  EXPECT_THAT(pair.b.log, Contains(Field(&WriteLog::text, HasSubstr("as responder: established"))));
  for (const Host* host : {&pair.a, &pair.b}) {
    EXPECT_THAT(host->log, Each(Field(&WriteLog::text, Not(HasSubstr("Tr0ub4dor")))));
    EXPECT_THAT(host->log, Contains(Field(&WriteLog::category, LogCategory::kNat)));
    EXPECT_THAT(host->told_keys, IsEmpty());
  }
}

TEST(Log, keys_of_main_modes_are_told_only_while_an_administrator_wants_them) {
  Pair pair;
  negotiate(pair, {});
  const auto known = pair.a.engine.tell_keys(true);
  ASSERT_THAT(known, SizeIs(1));
  EXPECT_EQ(known[0].initiator_cookie, pair.a.engine.main_mode_sas(pair.now)[0].initiator_cookie);
  EXPECT_EQ(known[0].key.size(), 16U);
  pair.give(pair.a, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  pair.acquire(pair.a, 2);
  pair.run(seconds(2));
  ASSERT_THAT(pair.a.told_keys, SizeIs(1));
  EXPECT_NE(pair.a.told_keys[0].initiator_cookie, known[0].initiator_cookie);
  EXPECT_THAT(pair.b.told_keys, IsEmpty());
  EXPECT_THAT(pair.a.engine.tell_keys(false), IsEmpty());
  pair.give(pair.a, DeleteRequested{std::nullopt, true});
  pair.run(seconds(1));
  pair.acquire(pair.a, 3);
  pair.run(seconds(2));
  EXPECT_THAT(pair.a.told_keys, SizeIs(1));
}

}  // namespace
}  // namespace ipsec::ike::tests

#include "services/policyagent/core/policy_retrieval.h"

#include <vector>

#include <gtest/gtest.h>

namespace ipsec::agent {
namespace {

using std::chrono::minutes;

constexpr Timestamp kStart{std::chrono::hours(5)};
constexpr auto kCentral = PolicySource::kCentral;
constexpr auto kCached = PolicySource::kCached;
constexpr auto kLocal = PolicySource::kLocal;
constexpr auto kAssigned = SourceAnswer::kAssigned;
constexpr auto kUnchanged = SourceAnswer::kUnchanged;
constexpr auto kNone = SourceAnswer::kNoneAssigned;
constexpr auto kFailed = SourceAnswer::kFailed;

// Carries a load through: each source that is asked gives its answer of the table.
struct Answers {
  SourceAnswer central = kFailed;
  SourceAnswer cached = kNone;
  SourceAnswer local = kNone;
};
struct Trace {
  std::vector<PolicySource> asked;
  bool cleared_cache = false;
  bool withdrawn = false;
};
Trace carry_out(PolicyRetrieval& retrieval, LoadTrigger trigger, const Answers& answers, Timestamp now = kStart) {
  Trace trace;
  NextStep next = retrieval.begin(trigger);
  for (;;) {
    trace.cleared_cache = trace.cleared_cache || next.clear_cache;
    trace.withdrawn = trace.withdrawn || next.withdraw;
    if (!next.ask) return trace;
    trace.asked.push_back(*next.ask);
    const SourceAnswer answer = *next.ask == kCentral  ? answers.central
                                : *next.ask == kCached ? answers.cached
                                                       : answers.local;
    next = retrieval.answered(answer, 7, now);
  }
}

// A host with a central store that is in this state already.
PolicyRetrieval in_state(RetrievalState state) {
  PolicyRetrieval retrieval(true, kStart);
  const auto answer = [&](RetrievalState wanted) { return state == wanted ? kAssigned : kNone; };
  const bool from_cache = state == RetrievalState::kCached;
  carry_out(retrieval, LoadTrigger::kReload,
            {from_cache ? kFailed : answer(RetrievalState::kCentral), answer(RetrievalState::kCached),
             answer(RetrievalState::kLocal)});
  return retrieval;
}

TEST(PolicyRetrieval, PA_05_initial_state_and_default_interval_before_the_first_load) {
  const PolicyRetrieval retrieval(false, kStart);
  EXPECT_EQ(name(retrieval.state()), "Initial");
  EXPECT_EQ(retrieval.polling_interval_minutes(), 180U);
  EXPECT_EQ(retrieval.next_poll(), kStart);
  EXPECT_EQ(PolicyRetrieval(true, kStart, 30).polling_interval_minutes(), 30U);
}

// PA-15, PA-09, PA-11, PA-12, PA-14, PA-23: every state, every combination of answers.
TEST(PolicyRetrieval, PA_15_a_loop_timeout_acts_by_what_each_source_says) {
  struct Row {
    Answers answers;
    std::vector<PolicySource> asked;
    RetrievalState state;
    bool cleared_cache;
  };
  const Row table[] = {
      {{kAssigned, kAssigned, kAssigned}, {kCentral}, RetrievalState::kCentral, false},
      {{kUnchanged, kAssigned, kAssigned}, {kCentral}, RetrievalState::kCentral, false},
      {{kFailed, kAssigned, kAssigned}, {kCentral, kCached}, RetrievalState::kCached, false},
      {{kFailed, kUnchanged, kAssigned}, {kCentral, kCached}, RetrievalState::kCached, false},
      {{kFailed, kNone, kAssigned}, {kCentral, kCached, kLocal}, RetrievalState::kLocal, false},
      {{kFailed, kFailed, kAssigned}, {kCentral, kCached, kLocal}, RetrievalState::kLocal, false},
      {{kFailed, kNone, kNone}, {kCentral, kCached, kLocal}, RetrievalState::kInitial, false},
      {{kFailed, kFailed, kFailed}, {kCentral, kCached, kLocal}, RetrievalState::kInitial, false},
      {{kNone, kAssigned, kAssigned}, {kCentral, kLocal}, RetrievalState::kLocal, true},
      {{kNone, kAssigned, kNone}, {kCentral, kLocal}, RetrievalState::kInitial, true},
      {{kNone, kAssigned, kFailed}, {kCentral, kLocal}, RetrievalState::kInitial, true},
  };
  for (const RetrievalState before :
       {RetrievalState::kInitial, RetrievalState::kCentral, RetrievalState::kCached, RetrievalState::kLocal}) {
    for (const Row& row : table) {
      PolicyRetrieval retrieval = in_state(before);
      const Trace trace = carry_out(retrieval, LoadTrigger::kPoll, row.answers);
      const std::size_t at = static_cast<std::size_t>(&row - table);
      EXPECT_EQ(trace.asked, row.asked) << name(before) << " row " << at;
      EXPECT_EQ(retrieval.state(), row.state) << name(before) << " row " << at;
      EXPECT_EQ(trace.cleared_cache, row.cleared_cache) << name(before) << " row " << at;
      if (row.state == RetrievalState::kInitial) {
        EXPECT_EQ(retrieval.polling_interval_minutes(), 180U);
      }
    }
  }
}

// The policy in force is taken away only by the store it came from.
TEST(PolicyRetrieval, PA_21_a_policy_is_withdrawn_only_by_the_store_it_came_from) {
  struct Row {
    RetrievalState before;
    Answers answers;
    bool withdrawn;
  };
  const Row table[] = {
      {RetrievalState::kCentral, {kFailed, kNone, kNone}, false},
      {RetrievalState::kCentral, {kFailed, kFailed, kNone}, false},
      {RetrievalState::kCached, {kFailed, kNone, kNone}, false},
      {RetrievalState::kCentral, {kNone, kNone, kNone}, true},
      {RetrievalState::kCached, {kNone, kNone, kNone}, true},
      {RetrievalState::kCentral, {kNone, kNone, kFailed}, false},
      {RetrievalState::kLocal, {kFailed, kNone, kNone}, true},
      {RetrievalState::kLocal, {kNone, kNone, kNone}, true},
      {RetrievalState::kLocal, {kNone, kNone, kFailed}, false},
      {RetrievalState::kLocal, {kFailed, kFailed, kFailed}, false},
  };
  for (const Row& row : table) {
    PolicyRetrieval retrieval = in_state(row.before);
    EXPECT_EQ(carry_out(retrieval, LoadTrigger::kPoll, row.answers).withdrawn, row.withdrawn) << "row " << &row - table;
    EXPECT_EQ(name(retrieval.state()), "Initial");
  }
}

// An agent that was killed: the daemons hold a policy of which nothing can be known now.
TEST(PolicyRetrieval, a_new_agent_withdraws_nothing_while_a_store_fails) {
  PolicyRetrieval fresh(true, kStart);
  EXPECT_FALSE(carry_out(fresh, LoadTrigger::kStart, {kFailed, kNone, kNone}).withdrawn);
  EXPECT_TRUE(carry_out(fresh, LoadTrigger::kPoll, {kNone, kNone, kNone}).withdrawn);
  PolicyRetrieval alone(false, kStart);
  EXPECT_FALSE(carry_out(alone, LoadTrigger::kStart, {kFailed, kNone, kFailed}).withdrawn);
  EXPECT_TRUE(carry_out(alone, LoadTrigger::kPoll, {kFailed, kNone, kNone}).withdrawn);
}

TEST(PolicyRetrieval, a_policy_kept_through_a_failure_still_belongs_to_the_central_store) {
  PolicyRetrieval retrieval = in_state(RetrievalState::kCentral);
  carry_out(retrieval, LoadTrigger::kPoll, {kFailed, kNone, kNone});
  EXPECT_FALSE(carry_out(retrieval, LoadTrigger::kLocalChange, {kFailed, kNone, kNone}).withdrawn);
  EXPECT_TRUE(carry_out(retrieval, LoadTrigger::kPoll, {kNone, kNone, kNone}).withdrawn);
}

// ST-12: what this computer has is in force before a slow central store has answered.
TEST(PolicyRetrieval, ST_12_a_start_takes_cache_or_local_store_first_and_then_asks_the_central_store) {
  PolicyRetrieval cached(true, kStart);
  EXPECT_EQ(cached.begin(LoadTrigger::kStart).ask, kCached);
  EXPECT_EQ(cached.answered(kAssigned, 7, kStart).ask, kCentral);
  EXPECT_EQ(name(cached.state()), "Cached");
  EXPECT_EQ(cached.answered(kAssigned, 9, kStart).ask, std::nullopt);
  EXPECT_EQ(name(cached.state()), "Central");
  EXPECT_EQ(cached.polling_interval_minutes(), 9U);

  PolicyRetrieval local(true, kStart);
  const Trace trace = carry_out(local, LoadTrigger::kStart, {kAssigned, kNone, kAssigned});
  EXPECT_EQ(trace.asked, (std::vector{kCached, kLocal, kCentral}));
  PolicyRetrieval nothing(true, kStart);
  EXPECT_EQ(carry_out(nothing, LoadTrigger::kStart, {kAssigned, kNone, kNone}).asked,
            (std::vector{kCached, kLocal, kCentral}));
  EXPECT_EQ(name(nothing.state()), "Central");
}

TEST(PolicyRetrieval, PA_02_a_host_without_a_directory_has_the_local_store_alone) {
  for (const LoadTrigger trigger : {LoadTrigger::kStart, LoadTrigger::kPoll, LoadTrigger::kReload}) {
    PolicyRetrieval retrieval(false, kStart);
    const Trace trace = carry_out(retrieval, trigger, {kAssigned, kAssigned, kAssigned});
    EXPECT_EQ(trace.asked, std::vector{kLocal});
    EXPECT_EQ(documented_name(retrieval.state()), "Local Downloaded");
  }
}

TEST(PolicyRetrieval, a_change_of_the_local_store_concerns_only_hosts_that_obey_it) {
  EXPECT_FALSE(in_state(RetrievalState::kCentral).obeys_local_store());
  EXPECT_FALSE(in_state(RetrievalState::kCached).obeys_local_store());
  EXPECT_TRUE(in_state(RetrievalState::kLocal).obeys_local_store());
  PolicyRetrieval initial = in_state(RetrievalState::kInitial);
  EXPECT_TRUE(initial.obeys_local_store());
  EXPECT_EQ(carry_out(initial, LoadTrigger::kLocalChange, {kAssigned, kAssigned, kAssigned}).asked,
            std::vector{kLocal});
}

TEST(PolicyRetrieval, editing_the_local_store_does_not_postpone_the_central_one) {
  PolicyRetrieval retrieval = in_state(RetrievalState::kLocal);
  const Timestamp due = retrieval.next_poll();
  carry_out(retrieval, LoadTrigger::kLocalChange, {kFailed, kNone, kAssigned}, due - minutes(1));
  EXPECT_EQ(retrieval.next_poll(), due);
}

TEST(PolicyRetrieval, PA_13_a_load_sets_state_and_interval) {
  PolicyRetrieval retrieval(true, kStart);
  retrieval.begin(LoadTrigger::kPoll);
  retrieval.answered(kAssigned, 7, kStart);
  EXPECT_EQ(retrieval.next_poll(), kStart + minutes(7));
  retrieval.begin(LoadTrigger::kPoll);
  retrieval.answered(kUnchanged, 7, kStart + minutes(7));
  EXPECT_EQ(retrieval.next_poll(), kStart + minutes(14));
  EXPECT_EQ(retrieval.polling_interval_minutes(), 7U);
}

TEST(PolicyRetrieval, a_central_store_that_fails_is_asked_again_sooner) {
  PolicyRetrieval retrieval(true, kStart);
  const auto poll = [&](SourceAnswer central) {
    retrieval.begin(LoadTrigger::kPoll);
    retrieval.answered(central, 120, kStart);
    if (central == kFailed) retrieval.answered(kAssigned, 120, kStart);
    return std::chrono::duration_cast<minutes>(retrieval.next_poll() - kStart).count();
  };
  EXPECT_EQ(poll(kFailed), 1);
  EXPECT_EQ(poll(kFailed), 4);
  EXPECT_EQ(poll(kFailed), 25);
  EXPECT_EQ(poll(kFailed), 120) << "never later than the policy's own interval";
  EXPECT_EQ(retrieval.polling_interval_minutes(), 120U);
  EXPECT_EQ(poll(kAssigned), 120);
  EXPECT_EQ(poll(kFailed), 1);
}

TEST(PolicyRetrieval, an_interval_of_zero_turns_polling_off_and_a_long_one_does_not_overflow) {
  PolicyRetrieval retrieval(false, kStart);
  retrieval.begin(LoadTrigger::kStart);
  retrieval.answered(kAssigned, 0, kStart);
  EXPECT_EQ(retrieval.next_poll(), kNever);
  retrieval.begin(LoadTrigger::kReload);
  retrieval.answered(kAssigned, 4294967295U, kStart);
  EXPECT_GT(retrieval.next_poll(), kStart);
  EXPECT_LT(retrieval.next_poll(), kNever);
}

TEST(PolicyRetrieval, PA_14_a_failed_load_is_initial_with_the_default_interval) {
  PolicyRetrieval retrieval(false, kStart);
  carry_out(retrieval, LoadTrigger::kStart, {kFailed, kNone, kAssigned});
  EXPECT_EQ(retrieval.polling_interval_minutes(), 7U);
  carry_out(retrieval, LoadTrigger::kPoll, {kFailed, kNone, kFailed}, kStart + minutes(7));
  EXPECT_EQ(name(retrieval.state()), "Initial");
  EXPECT_EQ(retrieval.polling_interval_minutes(), 180U);
  EXPECT_EQ(retrieval.next_poll(), kStart + minutes(187));
}

}  // namespace
}  // namespace ipsec::agent

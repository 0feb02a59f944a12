#include "services/policyagent/core/policy_retrieval.h"

#include <gtest/gtest.h>

namespace ipsec::agent {
namespace {

constexpr Timestamp kStart{std::chrono::hours(5)};
constexpr PolicySource kAll[] = {PolicySource::kLocal, PolicySource::kCentral, PolicySource::kCached};
constexpr PolicySource kLocalOnly[] = {PolicySource::kLocal};

TEST(PolicyRetrieval, PA_05_initial_state_and_default_interval_before_the_first_load) {
  const PolicyRetrieval retrieval(kLocalOnly, kStart);
  EXPECT_EQ(name(retrieval.state()), "Initial");
  EXPECT_EQ(retrieval.polling_interval_minutes(), 180U);
  EXPECT_EQ(retrieval.next_poll(), kStart);
}

TEST(PolicyRetrieval, PA_09_directory_then_cache_then_local_store) {
  const PolicyRetrieval retrieval(kAll, kStart);
  EXPECT_EQ(retrieval.first_source(), PolicySource::kCentral);
  EXPECT_EQ(retrieval.source_after(PolicySource::kCentral), PolicySource::kCached);
  EXPECT_EQ(retrieval.source_after(PolicySource::kCached), PolicySource::kLocal);
  EXPECT_EQ(retrieval.source_after(PolicySource::kLocal), std::nullopt);
}

TEST(PolicyRetrieval, a_host_without_a_directory_has_the_local_store_alone) {
  const PolicyRetrieval retrieval(kLocalOnly, kStart);
  EXPECT_EQ(retrieval.first_source(), PolicySource::kLocal);
  EXPECT_EQ(retrieval.source_after(PolicySource::kLocal), std::nullopt);
}

TEST(PolicyRetrieval, PA_13_a_load_sets_state_and_interval) {
  PolicyRetrieval retrieval(kAll, kStart);
  retrieval.loaded(PolicySource::kCached, 7, kStart);
  EXPECT_EQ(name(retrieval.state()), "Cached");
  EXPECT_EQ(retrieval.next_poll(), kStart + std::chrono::minutes(7));
  retrieval.loaded(PolicySource::kCentral, 9, kStart);
  EXPECT_EQ(name(retrieval.state()), "Central");
  retrieval.loaded(PolicySource::kLocal, 30, kStart);
  EXPECT_EQ(name(retrieval.state()), "Local");
  EXPECT_EQ(retrieval.polling_interval_minutes(), 30U);
}

TEST(PolicyRetrieval, an_interval_of_zero_turns_polling_off_and_a_long_one_does_not_overflow) {
  PolicyRetrieval retrieval(kLocalOnly, kStart);
  retrieval.loaded(PolicySource::kLocal, 0, kStart);
  EXPECT_EQ(retrieval.next_poll(), kNever);
  retrieval.loaded(PolicySource::kLocal, 4294967295U, kStart);
  EXPECT_GT(retrieval.next_poll(), kStart);
  EXPECT_LT(retrieval.next_poll(), kNever);
}

TEST(PolicyRetrieval, PA_14_a_failed_load_is_initial_with_the_default_interval) {
  PolicyRetrieval retrieval(kLocalOnly, kStart);
  retrieval.loaded(PolicySource::kLocal, 7, kStart);
  retrieval.failed(kStart + std::chrono::minutes(7));
  EXPECT_EQ(name(retrieval.state()), "Initial");
  EXPECT_EQ(retrieval.polling_interval_minutes(), 180U);
  EXPECT_EQ(retrieval.next_poll(), kStart + std::chrono::minutes(187));
}

}  // namespace
}  // namespace ipsec::agent

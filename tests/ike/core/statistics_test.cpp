#include "services/ike/core/statistics.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "services/ike/core/failure.h"

namespace ipsec::ike {
namespace {

TEST(Statistics, the_documented_quantities_come_first_and_in_their_order) {
  Statistics statistics;
  statistics.main_modes = 3;
  statistics.invalid_packets_received = 7;
  const auto counters = named_counters(statistics);
  ASSERT_GE(counters.size(), 23U);
  EXPECT_EQ(counters[0].name, "main_modes");
  EXPECT_EQ(counters[0].value, 3U);
  EXPECT_EQ(counters[1].name, "quick_modes");
  EXPECT_EQ(counters[22].name, "invalid_packets_received");
  EXPECT_EQ(counters[22].value, 7U);
  std::set<std::string_view> names;
  for (const NamedCounter& counter : counters) names.insert(counter.name);
  EXPECT_EQ(names.size(), counters.size());
}

TEST(Statistics, names_are_for_programs) {
  for (const NamedCounter& counter : named_counters({})) {
    EXPECT_EQ(counter.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << counter.name;
  }
}

TEST(Failure, every_reason_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(FailureReason::kDeletedByRequest); ++i)
    names.insert(name(static_cast<FailureReason>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(FailureReason::kDeletedByRequest) + 1);
  EXPECT_EQ(name(FailureReason::kAuthenticationFailed), "authentication_failed");
  EXPECT_EQ(name(FailureReason::kDeletedByRequest), "deleted_by_request");
}

}  // namespace
}  // namespace ipsec::ike

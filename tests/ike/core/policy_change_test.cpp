#include "services/ike/core/policy_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipsec::ike::tests {
namespace {

using testing::ElementsAre;

Filter filter(std::uint64_t id, const std::string& quick_mode_policy = "Secure") {
  Filter made;
  made.id = id;
  made.quick_mode_policy = quick_mode_policy;
  return made;
}

MainModeFilter main_mode_filter(std::uint64_t id) {
  MainModeFilter made;
  made.id = id;
  made.main_mode_policy = "Main";
  return made;
}

// Policies "Main" and "Secure", without filters.
IkePolicy settings(std::uint64_t version) {
  IkePolicy policy;
  policy.version = version;
  policy.main_mode_policies.resize(1);
  policy.main_mode_policies[0].name = "Main";
  policy.quick_mode_policies.resize(1);
  policy.quick_mode_policies[0].name = "Secure";
  return policy;
}

IkePolicy in_force() {
  IkePolicy policy = settings(7);
  policy.filters = {filter(1), filter(2), filter(3)};
  policy.main_mode_filters = {main_mode_filter(10), main_mode_filter(20)};
  return policy;
}

PolicyChange change() {
  PolicyChange made;
  made.settings = settings(8);
  made.base_version = 7;
  made.filters.count = 3;
  made.main_mode_filters.count = 2;
  return made;
}

std::vector<std::uint64_t> ids(const auto& list) {
  std::vector<std::uint64_t> found;
  for (const auto& each : list) found.push_back(each.id);
  return found;
}

TEST(PolicyChange, PA_18_what_is_not_named_stays_in_its_order) {
  PolicyChange difference = change();
  difference.filters.removed = {2};
  difference.filters.inserted = {{0, filter(8)}, {2, filter(9)}};
  difference.filters.count = 4;
  difference.main_mode_filters.inserted = {{2, main_mode_filter(30)}};
  difference.main_mode_filters.count = 3;
  ASSERT_TRUE(check(difference, in_force()).ok()) << check(difference, in_force()).message();
  const IkePolicy made = apply(difference, in_force());
  EXPECT_EQ(made.version, 8U);
  EXPECT_THAT(ids(made.filters), ElementsAre(8, 1, 9, 3));
  EXPECT_EQ(made.filters[3].index, 3U);
  EXPECT_THAT(ids(made.main_mode_filters), ElementsAre(10, 20, 30));
}

TEST(PolicyChange, PA_18_a_whole_policy_replaces_everything) {
  PolicyChange whole;
  whole.settings = settings(3);
  whole.filters.inserted = {{0, filter(5)}};
  whole.filters.count = 1;
  ASSERT_TRUE(check(whole, in_force()).ok());
  const IkePolicy made = apply(whole, in_force());
  EXPECT_THAT(ids(made.filters), ElementsAre(5));
  EXPECT_TRUE(made.main_mode_filters.empty());
}

TEST(PolicyChange, PA_18_quick_mode_policies_may_stay) {
  PolicyChange difference = change();
  difference.settings.quick_mode_policies.clear();
  difference.keeps_quick_mode_policies = true;
  difference.filters.inserted = {{3, filter(9)}};
  difference.filters.count = 4;
  ASSERT_TRUE(check(difference, in_force()).ok()) << check(difference, in_force()).message();
  const IkePolicy made = apply(difference, in_force());
  ASSERT_EQ(made.quick_mode_policies.size(), 1U);
  EXPECT_EQ(made.quick_mode_policies[0].name, "Secure");

  difference.settings = settings(8);
  EXPECT_EQ(check(difference, in_force()).code(), ErrorCode::kInvalid) << "kept and sent";
  PolicyChange whole;
  whole.settings = settings(3);
  whole.settings.quick_mode_policies.clear();
  whole.keeps_quick_mode_policies = true;
  whole.filters.inserted = {{0, filter(5)}};
  whole.filters.count = 1;
  EXPECT_EQ(check(whole, in_force()).code(), ErrorCode::kInvalid) << "a whole policy has nothing to keep";
}

TEST(PolicyChange, the_change_of_another_policy_is_refused) {
  const auto refused = [](const PolicyChange& wrong) { return check(wrong, in_force()).code() == ErrorCode::kRefused; };
  PolicyChange wrong = change();
  wrong.base_version = 6;
  EXPECT_TRUE(refused(wrong));
  wrong = change();
  wrong.filters.removed = {99};
  EXPECT_TRUE(refused(wrong));
  wrong = change();
  wrong.filters.count = 4;
  EXPECT_TRUE(refused(wrong));
  wrong = change();
  wrong.filters.inserted = {{4, filter(9)}};
  wrong.filters.count = 4;
  EXPECT_TRUE(refused(wrong));
}

TEST(PolicyChange, what_comes_out_must_be_a_policy) {
  PolicyChange wrong = change();
  wrong.filters.inserted = {{0, filter(1)}};
  wrong.filters.count = 4;
  EXPECT_EQ(check(wrong, in_force()).code(), ErrorCode::kInvalid) << "an id twice";
  wrong = change();
  wrong.settings.quick_mode_policies.clear();
  EXPECT_EQ(check(wrong, in_force()).code(), ErrorCode::kInvalid) << "what stays has lost its quick mode policy";
  wrong.filters.removed = {1, 2, 3};
  wrong.filters.count = 0;
  EXPECT_TRUE(check(wrong, in_force()).ok());
}

}  // namespace
}  // namespace ipsec::ike::tests

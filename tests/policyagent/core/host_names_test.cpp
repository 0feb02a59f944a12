#include "services/policyagent/core/host_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/limits.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr Timestamp kStart{seconds(1000)};

store::Filter to_name(const std::string& name, std::vector<IpAddress> stored = {}) {
  store::Filter made = filter("me", "any");
  made.destination = store::DnsName{name, std::move(stored)};
  return made;
}

const std::vector<IpAddress>& resolved(const store::Filter& filter) {
  return std::get<store::DnsName>(filter.destination).resolved;
}

NameAnswer answer(const std::vector<std::string>& addresses, std::optional<Duration> lifetime = std::nullopt) {
  NameAnswer made;
  for (const std::string& text : addresses) made.addresses.push_back(address(text));
  made.lifetime = lifetime;
  return made;
}

bool answered(NameSchedule& schedule, const std::string& name, NameAnswer with, Timestamp now) {
  return schedule.answered(name, with, now);
}

TEST(HostNames, are_found_in_stored_and_dynamic_filters_each_once) {
  PolicyBuilder builder;
  builder.rule("r", store::Action::kBlock, {to_name("b.example"), to_name("a.example"), filter("me", "any")});
  builder.rule("s", store::Action::kBlock, {to_name("a.example")});
  store::DynamicPolicy dynamic;
  dynamic.rules.resize(1);
  dynamic.rules[0].filter.source = store::DnsName{"c.example", {}};
  EXPECT_THAT(names_in(builder.tree(), dynamic), ElementsAre("a.example", "b.example", "c.example"));
}

TEST(HostNames, known_addresses_take_the_place_of_stored_ones) {
  PolicyBuilder builder;
  builder.rule("r", store::Action::kBlock,
               {to_name("a.example", {address("10.0.0.1")}), to_name("b.example", {address("10.0.0.2")})});
  const KnownNames known = {{"a.example", {address("10.0.0.9")}}, {"other.example", {address("10.0.0.8")}}};
  EXPECT_TRUE(put_addresses(known, builder.tree()));
  const auto& filters = builder.tree().filter_lists.front().filters;
  EXPECT_THAT(resolved(filters[0]), ElementsAre(address("10.0.0.9")));
  EXPECT_THAT(resolved(filters[1]), ElementsAre(address("10.0.0.2"))) << "nothing newer is known";
  EXPECT_FALSE(put_addresses(known, builder.tree())) << "nothing is different the second time";
}

TEST(NameSchedule, new_names_are_due_at_once_and_again_when_their_time_is_over) {
  NameSchedule schedule;
  EXPECT_EQ(schedule.next(), kNever);
  schedule.set_names({"a"}, kStart);
  EXPECT_EQ(schedule.due(kStart), "a");
  EXPECT_TRUE(answered(schedule, "a", answer({"10.0.0.1"}, seconds(60)), kStart));
  EXPECT_FALSE(schedule.due(kStart + seconds(59)));
  EXPECT_EQ(schedule.due(kStart + seconds(60)), "a");
}

TEST(NameSchedule, lifetimes_are_bounded_and_their_lack_has_a_default) {
  const auto next_after = [](NameAnswer with) {
    NameSchedule schedule;
    schedule.set_names({"a"}, kStart);
    schedule.answered("a", with, kStart);
    return schedule.next() - kStart;
  };
  EXPECT_EQ(next_after(answer({"10.0.0.1"}, seconds(0))), kShortestNameLifetime);
  EXPECT_EQ(next_after(answer({"10.0.0.1"}, std::chrono::hours(24))), kLongestNameLifetime);
  EXPECT_EQ(next_after(answer({"10.0.0.1"})), kUnknownNameLifetime);
  EXPECT_EQ(next_after(answer({})), kNameRetry);
}

TEST(NameSchedule, only_other_addresses_are_news_whatever_their_order) {
  NameSchedule schedule;
  schedule.set_names({"a"}, kStart);
  EXPECT_TRUE(answered(schedule, "a", answer({"10.0.0.2", "10.0.0.1", "10.0.0.2"}), kStart));
  EXPECT_FALSE(answered(schedule, "a", answer({"10.0.0.1", "10.0.0.2"}), kStart));
  EXPECT_FALSE(answered(schedule, "a", answer({}), kStart)) << "no answer: what is known stays";
  EXPECT_FALSE(answered(schedule, "a", answer({"10.0.0.1", "10.0.0.2"}), kStart));
  EXPECT_TRUE(answered(schedule, "a", answer({"10.0.0.3"}), kStart));
  EXPECT_FALSE(answered(schedule, "b", answer({"10.0.0.3"}), kStart)) << "nobody asked";
}

TEST(NameSchedule, names_that_stay_keep_their_time_and_those_that_are_gone_are_forgotten) {
  NameSchedule schedule;
  schedule.set_names({"a", "b"}, kStart);
  answered(schedule, "a", answer({"10.0.0.1"}, minutes(10)), kStart);
  answered(schedule, "b", answer({"10.0.0.2"}, minutes(1)), kStart);
  schedule.set_names({"a"}, kStart + seconds(1));
  EXPECT_EQ(schedule.next(), kStart + minutes(10));
}

TEST(NameSchedule, look_again_asks_at_once_but_not_without_pause) {
  NameSchedule schedule;
  schedule.set_names({"a"}, kStart);
  answered(schedule, "a", answer({"10.0.0.1"}, minutes(10)), kStart);
  schedule.look_again(kStart + seconds(1));
  EXPECT_EQ(schedule.next(), kStart + kShortestNameLifetime);
  answered(schedule, "a", answer({"10.0.0.1"}, minutes(10)), kStart + seconds(10));
  schedule.look_again(kStart + minutes(2));
  EXPECT_EQ(schedule.due(kStart + minutes(2)), "a");
}

}  // namespace
}  // namespace ipsec::agent::tests

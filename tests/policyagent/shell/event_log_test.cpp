#include "services/policyagent/shell/event_log.h"

#include <gtest/gtest.h>

#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};

TEST(EventLog, own_events_are_numbered_without_gaps_and_carry_their_fields) {
  EventLog log;
  log.add(Severity::kWarning, "service_died", "ike ended", {{"service", "ike"}});
  log.add(Severity::kInformation, "policy_loaded", "ok");
  const auto events = log.newest(10);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].sequence(), 1U);
  EXPECT_EQ(events[1].sequence(), 2U);
  EXPECT_EQ(events[0].source(), "policyagent");
  EXPECT_EQ(events[0].severity(), EventLog::Event::SEVERITY_WARNING);
  EXPECT_EQ(events[0].fields().at("service"), "ike");
  EXPECT_GT(events[0].wall_clock_ms(), 0);
}

TEST(EventLog, keeps_the_newest_and_is_bounded) {
  EventLog log;
  for (std::size_t i = 0; i < limits::kEventBacklog + 10; ++i) {
    EventLog::Event event;
    event.set_sequence(i);
    log.relay(event);
  }
  EXPECT_EQ(log.newest(5000).size(), limits::kEventBacklog);
  EXPECT_EQ(log.newest(5000).front().sequence(), 10U);
  EXPECT_EQ(log.newest(1).front().sequence(), limits::kEventBacklog + 9);
  EXPECT_TRUE(log.newest(0).empty());
}

TEST(EventLog, a_watcher_gets_the_backlog_and_then_what_comes) {
  EventLog log;
  for (const char* name : {"a", "b", "c"}) log.add(Severity::kInformation, name, "");
  const auto queue = log.watch(2);
  log.add(Severity::kInformation, "d", "");
  for (const char* name : {"b", "c", "d"}) EXPECT_EQ(queue->pop(kAtOnce)->name(), name);
  EXPECT_FALSE(queue->pop(kAtOnce).has_value());
  log.close();
  EXPECT_TRUE(queue->finished());
}

}  // namespace
}  // namespace ipsec::agent

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
    event.set_text("number " + std::to_string(i));
    log.relay(event);
  }
  EXPECT_EQ(log.newest(5000).size(), limits::kEventBacklog);
  EXPECT_EQ(log.newest(5000).front().sequence(), 10U);
  EXPECT_EQ(log.newest(1).front().sequence(), limits::kEventBacklog + 9);
  EXPECT_TRUE(log.newest(0).empty());
}

// A daemon that keeps dying writes three events each time, with another process number.
TEST(EventLog, PA_25_a_daemon_that_keeps_dying_does_not_push_out_the_rest) {
  EventLog log;
  log.add(Severity::kWarning, "authentication_failed", "peer 10.77.0.2", {{"peer", "10.77.0.2"}});
  constexpr int kDeaths = 2000;
  for (int death = 1; death <= kDeaths; ++death) {
    const std::string number = std::to_string(5000 + death);
    log.add(Severity::kInformation, "service_started", "ike runs as process " + number,
            {{"service", "ike"}, {"process", number}});
    log.add(Severity::kError, "service_died", "ike (process " + number + ") ended: signal 11",
            {{"service", "ike"}, {"process", number}, {"reason", "signal 11"}});
  }
  log.add(Severity::kError, "service_died", "driver (process 7) ended: signal 11",
          {{"service", "driver"}, {"process", "7"}, {"reason", "signal 11"}});
  const auto events = log.newest(5000);
  ASSERT_EQ(events.size(), 1U + 3 + 3 + 1) << "the first, the second, and the last of each kind";
  EXPECT_EQ(events.front().name(), "authentication_failed");
  EXPECT_EQ(events[events.size() - 2].fields().at("process"), std::to_string(5000 + kDeaths));
  EXPECT_EQ(events[events.size() - 2].fields().at("repeated"), std::to_string(kDeaths));
  EXPECT_FALSE(events.back().fields().contains("repeated"));
}

TEST(EventLog, events_that_say_something_else_are_no_repetition) {
  EventLog log;
  for (int i = 0; i < 50; ++i) {
    log.add(Severity::kInformation, "address_added", "eth0", {{"address", "10.77.0." + std::to_string(i)}});
  }
  EXPECT_EQ(log.newest(5000).size(), 50U);
  EventLog::Event event;
  for (int hour = 0; hour < 50; ++hour) {
    event.set_wall_clock_ms(hour * 3'600'000LL);
    log.relay(event);
  }
  EXPECT_EQ(log.newest(5000).size(), 100U) << "what happens once an hour is told each time";
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

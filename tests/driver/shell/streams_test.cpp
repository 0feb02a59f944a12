#include <gtest/gtest.h>

#include "services/driver/shell/event_log.h"
#include "services/driver/shell/limits.h"
#include "services/driver/shell/nic.h"
#include "services/driver/shell/request_stream.h"

namespace ipsec::driver {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};
constexpr std::chrono::milliseconds kPatience{5000};

Acquire acquire(std::uint64_t id) {
  Acquire value;
  value.acquire_id = id;
  return value;
}

TEST(RequestStream, BeginsWithThePendingAcquires) {
  RequestStream stream;
  stream.push(acquire(1));  // nobody listens
  const auto queue = stream.open({acquire(2), acquire(3)});
  stream.push(acquire(4));
  for (const std::uint64_t id : {2U, 3U, 4U}) {
    const auto request = queue->pop(kAtOnce);
    ASSERT_TRUE(request);
    EXPECT_EQ(std::get<Acquire>(*request).acquire_id, id);
  }
  EXPECT_FALSE(queue->pop(kAtOnce));
}

TEST(RequestStream, TheNewestWins) {
  RequestStream stream;
  const auto first = stream.open({});
  const auto second = stream.open({});
  stream.push(acquire(1));
  EXPECT_TRUE(first->finished());
  EXPECT_TRUE(second->pop(kAtOnce));
}

TEST(RequestStream, AFullQueueCountsWhatItLoses) {
  RequestStream stream;
  const auto queue = stream.open({});
  for (std::size_t i = 0; i < limits::kRequestQueue + 5; ++i) stream.push(acquire(i));
  EXPECT_EQ(queue->dropped(), 5U);
}

TEST(RequestStream, ClosedItEndsLaterStreamsToo) {
  RequestStream stream;
  const auto before = stream.open({});
  stream.close();
  EXPECT_TRUE(before->finished());
  EXPECT_TRUE(stream.open({})->finished());
}

TEST(EventLog, NumbersEventsAndNamesRules) {
  EventLog log;
  Filter filter;
  filter.id = 9;
  filter.rule_name = "no telnet";
  log.set_filters(*FilterTable::make({filter}, nullptr));
  const auto watcher = log.watch();
  AuditEvent audit;
  audit.verdict = Verdict::kOutboundBlocked;
  audit.packet = {IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), kProtocolTcp, 40000, 23};
  audit.filter_id = 9;
  audit.suppressed = 3;
  log.add(audit);
  const auto blocked = watcher->pop(kPatience);
  ASSERT_TRUE(blocked);
  EXPECT_EQ(blocked->sequence, 1U);
  EXPECT_EQ(blocked->name, "outbound_blocked");
  EXPECT_NE(blocked->text.find("10.0.0.1:40000 -> 10.0.0.2:23 TCP"), std::string::npos) << blocked->text;
  EXPECT_NE(blocked->text.find("no telnet"), std::string::npos) << blocked->text;
  const std::vector<std::pair<std::string, std::string>> fields{
      {"source", "10.0.0.1"},     {"destination", "10.0.0.2"},    {"protocol", "6"},     {"source_port", "40000"},
      {"destination_port", "23"}, {"filter", "0000000000000009"}, {"rule", "no telnet"}, {"suppressed", "3"}};
  EXPECT_EQ(blocked->fields, fields);
  log.add("policy_set", Severity::kInformation, "text", {{"version", "1"}});
  EXPECT_EQ(watcher->pop(kAtOnce)->sequence, 2U);
}

Nic nic(std::uint32_t index, const char* name) {
  Nic result;
  result.index = index;
  result.name = name;
  result.ethernet = true;
  return result;
}

TEST(ChooseNics, ByDefaultAllThatCarryTheHostsOwnTraffic) {
  std::vector<Nic> present{nic(1, "lo"),  nic(2, "eth0"),     nic(3, "eth1"),
                           nic(4, "br0"), nic(5, "ipsec-h2"), nic(6, "ppp0")};
  present[0].loopback = true;
  present[2].controller = 4;
  present[5].ethernet = false;
  const auto chosen = choose_nics(present, {});
  ASSERT_EQ(chosen.size(), 2U);
  EXPECT_EQ(chosen[0].name, "eth0");
  EXPECT_EQ(chosen[1].name, "br0");
}

TEST(ChooseNics, OfAVrfItsPortsAreTaken) {
  std::vector<Nic> present{nic(2, "eth0"), nic(3, "red")};
  present[0].controller = 3;
  present[1].kind = "vrf";
  const auto chosen = choose_nics(present, {});
  ASSERT_EQ(chosen.size(), 1U);
  EXPECT_EQ(chosen[0].name, "eth0");
}

TEST(ChooseNics, NamedOnesAreTakenAsNamed) {
  std::vector<Nic> present{nic(2, "eth0"), nic(3, "eth1")};
  present[1].controller = 9;
  const auto chosen = choose_nics(present, {"eth1", "eth7"});
  ASSERT_EQ(chosen.size(), 1U);
  EXPECT_EQ(chosen[0].name, "eth1");
}

}  // namespace
}  // namespace ipsec::driver

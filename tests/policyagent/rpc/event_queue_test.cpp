#include "services/common/rpc/event_queue.h"

#include <thread>

#include <gtest/gtest.h>

#include "services/common/rpc/stream.h"

namespace ipsec::rpc {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};
constexpr std::chrono::seconds kLong{60};

TEST(EventQueue, keeps_order) {
  EventQueue<int> queue(3);
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.pop(kAtOnce), 1);
  EXPECT_EQ(queue.pop(kAtOnce), 2);
  EXPECT_EQ(queue.pop(kAtOnce), std::nullopt);
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(EventQueue, full_drops_the_oldest_and_counts) {
  EventQueue<int> queue(2);
  for (int i = 1; i <= 5; ++i) queue.push(i);
  EXPECT_EQ(queue.dropped(), 3U);
  EXPECT_EQ(queue.pop(kAtOnce), 4);
  EXPECT_EQ(queue.pop(kAtOnce), 5);
}

TEST(EventQueue, close_wakes_a_waiting_reader_and_keeps_what_is_there) {
  EventQueue<int> queue(2);
  queue.push(1);
  std::thread closer([&] { queue.close(); });
  EXPECT_EQ(queue.pop(kLong), 1);
  EXPECT_EQ(queue.pop(kLong), std::nullopt);
  closer.join();
  EXPECT_TRUE(queue.finished());
  queue.push(2);
  EXPECT_EQ(queue.pop(kAtOnce), std::nullopt);
}

TEST(EventBroadcaster, every_watcher_has_its_own_queue) {
  EventBroadcaster<int> broadcaster(2);
  const auto slow = broadcaster.subscribe();
  const auto fast = broadcaster.subscribe();
  for (int i = 1; i <= 3; ++i) {
    broadcaster.publish(i);
    EXPECT_EQ(fast->pop(kAtOnce), i);
  }
  EXPECT_EQ(slow->dropped(), 1U);
  EXPECT_EQ(fast->dropped(), 0U);
}

TEST(EventBroadcaster, close_ends_present_and_later_watchers) {
  EventBroadcaster<int> broadcaster(2);
  const auto before = broadcaster.subscribe();
  broadcaster.close();
  EXPECT_TRUE(before->finished());
  EXPECT_TRUE(broadcaster.subscribe()->finished());
}

struct FakeContext {
  bool cancelled = false;
  bool IsCancelled() const { return cancelled; }
};
struct FakeWriter {
  std::vector<int> written;
  std::size_t broken_after = 100;
  bool Write(int value) {
    written.push_back(value);
    return written.size() < broken_after;
  }
};

TEST(WriteStream, sends_until_closed_and_stops_for_a_broken_or_cancelled_client) {
  EventQueue<int> queue(10);
  for (int i = 1; i <= 4; ++i) queue.push(i);
  FakeContext context;
  FakeWriter writer;
  writer.broken_after = 2;
  write_stream(context, writer, queue);
  EXPECT_EQ(writer.written, (std::vector<int>{1, 2}));
  context.cancelled = true;
  write_stream(context, writer, queue);
  EXPECT_EQ(writer.written.size(), 2U);
  context.cancelled = false;
  queue.close();
  writer.broken_after = 100;
  write_stream(context, writer, queue, [](int value) { return value * 10; });
  EXPECT_EQ(writer.written, (std::vector<int>{1, 2, 30, 40}));
}

}  // namespace
}  // namespace ipsec::rpc

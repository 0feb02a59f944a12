#include "services/ike/shell/event_loop.h"

#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "services/common/daemon/clock.h"

namespace ipsec::ike {
namespace {

TEST(EventLoop, does_what_is_posted_in_order_on_its_thread) {
  EventLoop loop;
  std::vector<int> done;
  std::thread::id where;
  std::jthread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&done, i] { done.push_back(i); });
    const auto answer = loop.call([&] {
      where = std::this_thread::get_id();
      return done.size();
    });
    EXPECT_EQ(answer, 100U);
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  EXPECT_EQ(where, std::this_thread::get_id());
  ASSERT_EQ(done.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(EventLoop, after_its_end_nothing_is_accepted_and_nobody_waits) {
  EventLoop loop;
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(loop.post([] { FAIL(); }));
  EXPECT_FALSE(loop.call([] { return 1; }));
}

TEST(EventLoop, readable_files_are_told) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EventLoop loop;
  std::string heard;
  loop.watch(pipe_ends[0], [&] {
    char letter = 0;
    ASSERT_EQ(read(pipe_ends[0], &letter, 1), 1);
    heard += letter;
    if (heard == "ab") loop.stop();
  });
  ASSERT_EQ(write(pipe_ends[1], "ab", 2), 2);
  loop.run();
  EXPECT_EQ(heard, "ab");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(EventLoop, the_timer_comes_when_it_is_due_and_not_before) {
  EventLoop loop;
  const Timestamp start = daemon::monotonic_now();
  Timestamp deadline = start + std::chrono::milliseconds(20);
  int times = 0;
  loop.set_timer([&] { return deadline; },
                 [&] {
                   EXPECT_GE(daemon::monotonic_now(), deadline);
                   deadline = ++times < 3 ? deadline + std::chrono::milliseconds(5) : kNever;
                   if (times == 3) loop.stop();
                 });
  loop.run();
  EXPECT_EQ(times, 3);
}

}  // namespace
}  // namespace ipsec::ike

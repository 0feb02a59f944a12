#include "services/driver/core/replay_window.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/published_data.h"
#include "tests/support/seeded_random.h"

namespace ipsec::driver::tests {
namespace {

using Answer = ReplayWindow::Answer;

TEST(ReplayWindow, HDR_06_published_sequences) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(vectors, "data/vectors/replay-window.json");
  std::size_t tried = 0;
  for (const auto& sequence : vectors.at("sequences")) {
    const auto window_size = sequence.at("window").get<std::uint32_t>();
    SCOPED_TRACE(sequence.at("name").get<std::string>() + " window " + std::to_string(window_size));
    ReplayWindow window(window_size);
    for (std::size_t i = 0; i < sequence.at("seq").size(); ++i) {
      const auto number = sequence["seq"][i].get<std::uint64_t>();
      const bool expected = sequence.at("accept")[i].get<bool>();
      EXPECT_EQ(window.check(number) == Answer::kNew, expected) << i << ": " << number;
      EXPECT_EQ(window.commit(number) == Answer::kNew, expected) << i << ": " << number;
      ++tried;
    }
  }
  EXPECT_GT(tried, 100U);
}

TEST(ReplayWindow, high_half_of_extended_numbers_as_published) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(vectors, "data/vectors/replay-window.json");
  std::size_t tried = 0;
  for (const auto& each : vectors.at("esn_cases")) {
    ReplayWindow window(each.at("window").get<std::uint32_t>());
    const std::uint64_t top = each.at("top_hi").get<std::uint64_t>() << 32 | each.at("top_lo").get<std::uint64_t>();
    if (top != 0) {
      ASSERT_NE(window.commit(top), Answer::kTooOld);
    }
    const auto low = each.at("packet_lo").get<std::uint32_t>();
    if (each.at("seq_hi").is_null()) continue;
    const std::uint64_t expected = each.at("seq_hi").get<std::uint64_t>() << 32 | low;
    EXPECT_EQ(window.infer(low), expected) << "window " << window.window() << ", top " << top << ", low " << low;
    ++tried;
  }
  EXPECT_GT(tried, 20U);
}

// The window is exact across the wrap of the low half, and where block numbers themselves have no more bits.
TEST(ReplayWindow, extended_numbers_across_every_wrap) {
  ipsec::tests::SeededRandom random(4304);
  for (const std::uint64_t wrap : {std::uint64_t{1} << 32, std::uint64_t{5} << 32, std::uint64_t{1} << 37}) {
    for (const std::uint32_t size : {32U, 64U, 1000U, 65536U}) {
      ReplayWindow window(size);
      // In steps, of which each comes by every slot.
      for (std::uint64_t at = 0; at < wrap - 200000; at += 0x1'0000'0000) {
        for (std::uint64_t i = 1; i <= 4096; ++i) ASSERT_EQ(window.commit(at + i * 32), Answer::kNew);
      }
      std::uint64_t top = wrap - 100000;
      ASSERT_EQ(window.commit(top), Answer::kNew);
      std::set<std::uint64_t> seen{top};
      for (int i = 0; i < 100000; ++i) {
        const std::uint64_t number = random.chance(0.5) ? top + random.below(8) : top - random.below(size + 10);
        const bool expected = number + size > top && !seen.contains(number);
        if (number + size > top) {
          ASSERT_EQ(window.infer(static_cast<std::uint32_t>(number)), number) << "window " << size << ", top " << top;
        }
        ASSERT_EQ(window.commit(number) == Answer::kNew, expected)
            << "window " << size << ", top " << top << ": " << number;
        if (expected) seen.insert(number);
        top = std::max(top, number);
      }
      EXPECT_GT(top, wrap);
    }
  }
}

TEST(ReplayWindow, check_changes_nothing) {
  ReplayWindow window(64);
  EXPECT_EQ(window.check(5000), Answer::kNew);
  EXPECT_EQ(window.check(5000), Answer::kNew);
  EXPECT_EQ(window.commit(1), Answer::kNew);
  EXPECT_EQ(window.top(), 1U);
}

TEST(ReplayWindow, replayed_and_too_old_are_told_apart) {
  ReplayWindow window(64);
  EXPECT_EQ(window.commit(100), Answer::kNew);
  EXPECT_EQ(window.commit(100), Answer::kReplayed);
  EXPECT_EQ(window.commit(37), Answer::kNew);  // 100 - 63: the oldest inside
  EXPECT_EQ(window.commit(36), Answer::kTooOld);
  EXPECT_EQ(window.commit(0), Answer::kTooOld);
}

// Against a plain set of what was seen.
TEST(ReplayWindow, every_window_size_is_exact) {
  ipsec::tests::SeededRandom random(6479);
  for (const std::uint32_t size : {32U, 33U, 34U, 63U, 64U, 65U, 100U, 128U, 1000U, 4096U, 65536U}) {
    ReplayWindow window(size);
    std::set<std::uint64_t> seen;
    std::uint64_t top = 0;
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t step = random.below(random.chance(0.01) ? 4 * size : 8);
      const std::uint64_t back = random.below(size + 10);
      const std::uint64_t number = random.chance(0.5) ? top + step : (top > back ? top - back : 1);
      const bool expected = number != 0 && number + size > top && !seen.contains(number);
      ASSERT_EQ(window.commit(number) == Answer::kNew, expected)
          << "window " << size << ", top " << top << ": " << number;
      if (expected) seen.insert(number);
      top = std::max(top, expected ? number : 0);
    }
  }
}

TEST(ReplayWindow, each_number_is_accepted_once_whatever_the_threads_do) {
  constexpr std::uint64_t kNumbers = 200000;
  ReplayWindow window(65536);
  std::atomic<std::uint64_t> accepted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::uint64_t mine = 0;
      for (std::uint64_t number = 1; number <= kNumbers; ++number) {
        if (window.check(number) == Answer::kNew && window.commit(number) == Answer::kNew) ++mine;
      }
      accepted += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  // The thread that is ahead takes every number; the others are behind it by less than all numbers, but may find some
  // too old.
  EXPECT_EQ(accepted, kNumbers);
  EXPECT_EQ(window.top(), kNumbers);
}

}  // namespace
}  // namespace ipsec::driver::tests

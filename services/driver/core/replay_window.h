#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>

#include "services/driver/core/limits.h"

// Anti-replay after RFC 6479: a ring of words, never shifted. Safe from several threads without a lock: instead of
// clearing the words between the old and the new top, each word carries the number of the block of sequence numbers it
// stands for, so a word is taken over by one compare-and-exchange and a duplicate is refused whichever thread comes
// first.
namespace ipsec::driver {

class ReplayWindow {
 public:
  enum class Answer : std::uint8_t { kNew, kReplayed, kTooOld };

  // Requires kMinReplayWindow <= window <= kMaxReplayWindow.
  explicit ReplayWindow(std::uint32_t window)
      : window_(window), mask_(std::bit_ceil(window / kBitsPerWord + 2) - 1), words_(new Word[mask_ + 1]) {
    assert(window >= limits::kMinReplayWindow && window <= limits::kMaxReplayWindow);
  }

  // Before the integrity check. Changes nothing. 0 is never new (RFC 4303 3.3.3).
  Answer check(std::uint64_t sequence) const {
    if (sequence == 0 || is_too_old(sequence)) return Answer::kTooOld;
    const std::uint64_t word = words_[index(sequence)].load(std::memory_order_relaxed);
    if (block_of(word) > block(sequence)) return Answer::kTooOld;
    return block_of(word) == block(sequence) && (word & bit(sequence)) != 0 ? Answer::kReplayed : Answer::kNew;
  }

  // After a good integrity check. kNew: the number was noted, for this call only.
  Answer commit(std::uint64_t sequence) {
    if (sequence == 0 || is_too_old(sequence)) return Answer::kTooOld;
    if (const Answer answer = note(sequence); answer != Answer::kNew) return answer;
    std::uint64_t top = top_.load(std::memory_order_relaxed);
    while (top < sequence && !top_.compare_exchange_weak(top, sequence, std::memory_order_relaxed)) {
    }
    return Answer::kNew;
  }

  std::uint32_t window() const { return window_; }
  // The highest number committed.
  std::uint64_t top() const { return top_.load(std::memory_order_relaxed); }

 private:
  // The upper half is the block number (sequence / 32, as far as 32 bits hold it: 2^37 sequence numbers), the lower
  // half the bits.
  using Word = std::atomic<std::uint64_t>;
  static constexpr std::uint32_t kBitsPerWord = 32;

  static std::uint64_t block(std::uint64_t sequence) { return sequence / kBitsPerWord; }
  static std::uint64_t block_of(std::uint64_t word) { return word >> 32; }
  static std::uint64_t bit(std::uint64_t sequence) { return std::uint64_t{1} << (sequence % kBitsPerWord); }
  std::size_t index(std::uint64_t sequence) const { return static_cast<std::size_t>(block(sequence) & mask_); }
  bool is_too_old(std::uint64_t sequence) const { return sequence + window_ <= top_.load(std::memory_order_relaxed); }

  Answer note(std::uint64_t sequence) {
    Word& slot = words_[index(sequence)];
    std::uint64_t word = slot.load(std::memory_order_relaxed);
    for (;;) {
      if (block_of(word) > block(sequence)) return Answer::kTooOld;
      const bool same = block_of(word) == block(sequence);
      if (same && (word & bit(sequence)) != 0) return Answer::kReplayed;
      const std::uint64_t next = (same ? word : block(sequence) << 32) | bit(sequence);
      if (slot.compare_exchange_weak(word, next, std::memory_order_relaxed)) return Answer::kNew;
    }
  }

  std::uint32_t window_;
  std::uint64_t mask_;
  std::unique_ptr<Word[]> words_;
  Word top_{0};
};

}  // namespace ipsec::driver

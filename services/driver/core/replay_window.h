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

  // Requires 32 <= window <= kMaxReplayWindow.
  explicit ReplayWindow(std::uint32_t window)
      : window_(window), mask_(std::bit_ceil(window / kBitsPerWord + 2) - 1), words_(new Word[mask_ + 1]) {
    assert(window >= kBitsPerWord && window <= limits::kMaxReplayWindow);
  }

  // Takes this number and all before it for received. Before the first packet only.
  void begin_after(std::uint64_t sequence) {
    // Older blocks would have to share the slots of these.
    for (std::uint64_t back = 0; back <= mask_ && back <= sequence / kBitsPerWord; ++back) {
      const std::uint64_t last =
          back == 0 ? sequence : (sequence / kBitsPerWord - back) * kBitsPerWord + kBitsPerWord - 1;
      words_[index(last)] = std::uint64_t{block(last)} << 32 | (bit(last) * 2 - 1);
    }
    top_ = sequence;
  }

  // The 64-bit number that a packet with this low half most likely has (RFC 4303 A2.2). Only the ICV, which covers the
  // high half, proves it.
  std::uint64_t infer(std::uint32_t low) const {
    const std::uint64_t top = top_.load(std::memory_order_relaxed);
    const std::uint64_t high = top >> 32;
    const auto top_low = static_cast<std::uint32_t>(top);
    const std::uint32_t edge = top_low - window_ + 1;  // the window's oldest number, its low half
    if (top_low >= window_ - 1) return (low >= edge ? high : high + 1) << 32 | low;
    // The window lies across a wrap of the low half.
    return (low >= edge ? high - 1 : high) << 32 | low;
  }

  // Before the integrity check. Changes nothing. 0 is never new (RFC 4303 3.3.3).
  Answer check(std::uint64_t sequence) const {
    if (sequence == 0 || is_too_old(sequence)) return Answer::kTooOld;
    const std::uint64_t word = words_[index(sequence)].load(std::memory_order_relaxed);
    if (is_later(block_of(word), block(sequence))) return Answer::kTooOld;
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
  // The upper half is the block number (sequence / 32, its low 32 bits), the lower half the bits. Blocks are compared
  // as serial numbers: a sender that counts comes by every slot again and again, so what a slot holds is never 2^31
  // blocks away from what comes.
  using Word = std::atomic<std::uint64_t>;
  static constexpr std::uint32_t kBitsPerWord = 32;

  static std::uint32_t block(std::uint64_t sequence) { return static_cast<std::uint32_t>(sequence / kBitsPerWord); }
  static std::uint32_t block_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
  static bool is_later(std::uint32_t block, std::uint32_t than) { return static_cast<std::int32_t>(block - than) > 0; }
  static std::uint64_t bit(std::uint64_t sequence) { return std::uint64_t{1} << (sequence % kBitsPerWord); }
  std::size_t index(std::uint64_t sequence) const { return static_cast<std::size_t>(block(sequence) & mask_); }
  bool is_too_old(std::uint64_t sequence) const {
    const std::uint64_t top = top_.load(std::memory_order_relaxed);
    return top >= window_ && sequence <= top - window_;
  }

  Answer note(std::uint64_t sequence) {
    Word& slot = words_[index(sequence)];
    std::uint64_t word = slot.load(std::memory_order_relaxed);
    for (;;) {
      if (is_later(block_of(word), block(sequence))) return Answer::kTooOld;
      const bool same = block_of(word) == block(sequence);
      if (same && (word & bit(sequence)) != 0) return Answer::kReplayed;
      const std::uint64_t next = (same ? word : std::uint64_t{block(sequence)} << 32) | bit(sequence);
      if (slot.compare_exchange_weak(word, next, std::memory_order_relaxed)) return Answer::kNew;
    }
  }

  std::uint32_t window_;
  std::uint64_t mask_;
  std::unique_ptr<Word[]> words_;
  Word top_{0};
};

}  // namespace ipsec::driver

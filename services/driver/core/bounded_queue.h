#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace ipsec::driver {

// A ring for any number of writers and readers, without a lock: a thread that is interrupted in the middle makes the
// others find it full or empty, never wait. Each cell counts the rounds, so that a slow thread cannot take a cell of
// the next round for its own (the bounded queue of D. Vyukov).
template <typename T>
class BoundedQueue {
 public:
  // Requires a power of two.
  explicit BoundedQueue(std::size_t capacity) : mask_(capacity - 1), cells_(new Cell[capacity]) {
    assert(std::has_single_bit(capacity));
    for (std::size_t i = 0; i < capacity; ++i) cells_[i].round.store(i, std::memory_order_relaxed);
  }

  // False: full; nothing has happened to `value`.
  bool push(T&& value) {
    std::size_t at = write_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const std::size_t round = cell.round.load(std::memory_order_acquire);
      if (round == at) {
        if (!write_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        cell.value = std::move(value);
        cell.round.store(at + 1, std::memory_order_release);
        return true;
      }
      if (round < at) return false;
      at = write_.load(std::memory_order_relaxed);
    }
  }

  // False: empty.
  bool pop(T& value) {
    std::size_t at = read_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const std::size_t round = cell.round.load(std::memory_order_acquire);
      if (round == at + 1) {
        if (!read_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        value = std::exchange(cell.value, T());
        cell.round.store(at + mask_ + 1, std::memory_order_release);
        return true;
      }
      if (round < at + 1) return false;
      at = read_.load(std::memory_order_relaxed);
    }
  }

 private:
  struct alignas(64) Cell {
    std::atomic<std::size_t> round;
    T value{};
  };

  std::size_t mask_;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<std::size_t> write_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace ipsec::driver

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "services/driver/core/sa.h"
#include "services/driver/core/verdict.h"

// Counters of the data path. Written without a locked instruction where one thread owns them, read from any thread.
namespace ipsec::driver {

// One writer, any number of readers.
class OwnedCounter {
 public:
  void add(std::uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Of one direction, octets of the packets before ESP.
struct ByteCounters {
  OwnedCounter confidential;
  OwnedCounter authenticated;
  OwnedCounter transport;
  OwnedCounter tunnel;
  OwnedCounter offloaded;
};

// Counts `bytes` under all that the SA does to them.
inline void count_bytes(ByteCounters& counters, const Sa& sa, std::uint64_t bytes) {
  if (sa.is_confidential()) counters.confidential.add(bytes);
  counters.authenticated.add(bytes);  // an SA without integrity is refused
  (sa.is_tunnel() ? counters.tunnel : counters.transport).add(bytes);
}

// Of one worker, on cache lines of its own.
struct alignas(64) WorkerCounters {
  std::array<OwnedCounter, kVerdictCount> verdicts;
  ByteCounters sent;
  ByteCounters received;

  void count(Verdict verdict, std::uint64_t packets = 1) { verdicts[static_cast<std::size_t>(verdict)].add(packets); }
};

// Of one filter, shared by the workers. A policy that keeps the filter keeps them.
struct alignas(64) FilterCounters {
  std::atomic<std::uint64_t> packets{0};
  std::atomic<std::uint64_t> bytes{0};

  void add(std::uint64_t more_packets, std::uint64_t more_bytes) {
    packets.fetch_add(more_packets, std::memory_order_relaxed);
    bytes.fetch_add(more_bytes, std::memory_order_relaxed);
  }
};

}  // namespace ipsec::driver

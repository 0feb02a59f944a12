#pragma once

#include <chrono>
#include <cstdint>

#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace ipsec::bench {

// Of this thread, so that a busy machine spoils the figures less.
inline std::chrono::nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Cycles of the time-stamp counter, which counts at a constant rate; nanoseconds on processors without one. For
// stretches too short for cpu_time(), of which the shortest of many is taken: nobody interrupted that one.
inline std::uint64_t time_stamp() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
#endif
}

// Of time_stamp().
inline double cycles_per_nanosecond() {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const std::uint64_t first = time_stamp();
  while (Clock::now() - began < std::chrono::milliseconds(20)) {
  }
  const std::uint64_t cycles = time_stamp() - first;
  const std::chrono::duration<double, std::nano> spent = Clock::now() - began;
  return static_cast<double>(cycles) / spent.count();
}

}  // namespace ipsec::bench

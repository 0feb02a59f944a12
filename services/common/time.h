#pragma once

#include <chrono>
#include <cstdint>

// Time as the cores see it: an argument, never a clock. Only a shell reads the clock (monotonic) and passes the value
// in.
namespace ipsec {

using Duration = std::chrono::nanoseconds;

// A point on the monotonic clock of one process. Not comparable between processes and not wall-clock time.
struct Timestamp {
  Duration since_start{};

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
  friend Timestamp operator+(Timestamp at, Duration by) { return {at.since_start + by}; }
  friend Timestamp operator-(Timestamp at, Duration by) { return {at.since_start - by}; }
  friend Duration operator-(Timestamp a, Timestamp b) { return a.since_start - b.since_start; }
};

// Later than any deadline.
inline constexpr Timestamp kNever{Duration::max()};

}  // namespace ipsec

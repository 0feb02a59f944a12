#include "services/common/daemon/clock.h"

#include <ctime>

namespace ipsec::daemon {
namespace {

timespec read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now;
}

}  // namespace

Timestamp monotonic_now() {
  const timespec now = read_clock(CLOCK_BOOTTIME);
  return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

std::int64_t wall_clock_ms() {
  const timespec now = read_clock(CLOCK_REALTIME);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

std::int64_t wall_clock_seconds() { return wall_clock_ms() / 1000; }

}  // namespace ipsec::daemon

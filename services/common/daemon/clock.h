#pragma once

#include <cstdint>

#include "services/common/time.h"

// The only readers of time. Shells call them and pass the value on.
namespace ipsec::daemon {

// CLOCK_BOOTTIME: goes on while the machine sleeps, so that SA lifetimes do too. Never goes back.
Timestamp monotonic_now();

// UTC milliseconds since 1970; may jump. For events and logs only.
std::int64_t wall_clock_ms();
std::int64_t wall_clock_seconds();

}  // namespace ipsec::daemon

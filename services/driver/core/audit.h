#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "services/common/time.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/verdict.h"

namespace ipsec::driver {

// Lets a burst of audit events of each verdict through and then one per interval, so that a flood of bad packets is no
// flood of events. One thread.
class AuditLimiter {
 public:
  // How many events of this verdict were left out before this one; nullopt: leave this one out too.
  std::optional<std::uint64_t> admit(Verdict verdict, Timestamp now) {
    State& state = states_[static_cast<std::size_t>(verdict)];
    if (state.tokens < limits::kEventBurst && now - state.refilled >= limits::kEventInterval) {
      const auto earned = static_cast<std::uint64_t>((now - state.refilled) / limits::kEventInterval);
      state.tokens = static_cast<unsigned>(std::min<std::uint64_t>(limits::kEventBurst, state.tokens + earned));
      state.refilled = now;
    }
    if (state.tokens == 0) {
      ++state.suppressed;
      return std::nullopt;
    }
    if (state.tokens-- == limits::kEventBurst) state.refilled = now;
    return std::exchange(state.suppressed, 0);
  }

 private:
  struct State {
    unsigned tokens = limits::kEventBurst;
    Timestamp refilled;
    std::uint64_t suppressed = 0;
  };
  std::array<State, kVerdictCount> states_;
};

}  // namespace ipsec::driver

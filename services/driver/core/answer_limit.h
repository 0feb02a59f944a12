#pragma once

#include <algorithm>

#include "services/common/time.h"
#include "services/driver/core/limits.h"

namespace ipsec::driver {

// How many ICMP errors one worker answers with: a token bucket (RFC 4443 section 2.4 f, RFC 1812 section 4.3.2.8). The
// packets that get no answer are dropped all the same; their sender is told at its next try.
class AnswerLimit {
 public:
  // Takes a token, where there is one.
  bool admits(Timestamp now) {
    const Duration passed = std::max(now - last_, Duration(0));
    last_ = now;
    tokens_ = std::min(tokens_ + passed, kFull);
    if (tokens_ < kPrice) return false;
    tokens_ -= kPrice;
    return true;
  }

 private:
  // In the time in which they come back.
  static constexpr Duration kPrice = Duration(std::chrono::seconds(1)) / limits::kIcmpErrorsPerSecond;
  static constexpr Duration kFull = kPrice * limits::kIcmpErrorBurst;

  Timestamp last_{};
  Duration tokens_ = kFull;
};

}  // namespace ipsec::driver

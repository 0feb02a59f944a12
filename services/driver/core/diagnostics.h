#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "services/common/time.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/verdict.h"

// What was dropped, summed up at intervals: `set config ipsecdiagnostics` and `ipsecloginterval` (netsh reference 5.1).
// Audit events come at once, rate-limited and for some verdicts only; these reports name every drop.
namespace ipsec::driver {

// Classes, to be or-ed.
inline constexpr std::uint32_t kFailureDrops = 1;  // bad SPIs, failures of negotiation and processing
inline constexpr std::uint32_t kInboundDrops = 2;
inline constexpr std::uint32_t kOutboundDrops = 4;
inline constexpr std::uint32_t kAllDropClasses = 7;

// Those that the verdict belongs to, or-ed; 0: it drops nothing.
std::uint32_t drop_classes(Verdict verdict);

using VerdictCounts = std::array<std::uint64_t, kVerdictCount>;

struct Drops {
  Verdict verdict;
  std::uint64_t packets = 0;
};

class Diagnostics {
 public:
  // Drops are counted from now on. Settings that have not changed change nothing.
  void set(const DiagnosticsSettings& settings, const VerdictCounts& counts, Timestamp now);
  bool is_due(Timestamp now) const { return now >= next_report_; }
  // The drops of the chosen classes since the last report; begins the next interval.
  std::vector<Drops> report(const VerdictCounts& counts, Timestamp now);

 private:
  DiagnosticsSettings settings_;
  VerdictCounts before_{};
  Timestamp next_report_ = kNever;
};

}  // namespace ipsec::driver

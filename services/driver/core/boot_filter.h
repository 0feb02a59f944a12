#pragma once

#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/policy.h"

namespace ipsec::driver {

// Judges packets while the policy of the host is not known yet. Remembers, for the stateful mode, what the host has
// sent: a flow of TCP or UDP by its ports, of other protocols by the two addresses. Bounded; one thread. Both
// directions of two hosts come to one worker, so its memory is enough.
class BootFilter {
 public:
  // Remembers what passes statefully.
  bool passes_outbound(const FiveTuple& packet, const BootSettings& settings, Timestamp now);
  // The same without remembering: for a packet that is not sent.
  bool would_pass_outbound(const FiveTuple& packet, const BootSettings& settings) const;
  bool passes_inbound(const FiveTuple& packet, const BootSettings& settings, Timestamp now);
  void tick(Timestamp now);

 private:
  absl::flat_hash_map<FiveTuple, Timestamp> sent_;  // last time
};

}  // namespace ipsec::driver

#pragma once

#include <optional>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/joiner.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// IN-23: what comes out of a tunnel is taken as newly received, so the inbound filters see it too. The filter whose
// traffic the tunnel carries has what it demands; any other decides as over a packet in clear, for the tunnel's far end
// is not the peer that it names. One thread.
class SecondPass {
 public:
  // `flows` remembers inbound decisions and must outlive this.
  explicit SecondPass(FlowCache& flows) : flows_(flows) {}

  void begin_batch() { joiner_.begin_batch(); }
  // The packet that may go to the stack: `inner`, or the whole of which it was the last missing fragment. nullopt: it
  // has its verdict, or waits for other fragments of the same SA. Requires a tunnel SA.
  std::optional<Item> admit(const Item& inner, const Sa& sa, Batch& batch);
  void tick(Timestamp now, WorkerCounters& counters) { joiner_.tick(now, counters); }

 private:
  bool judge(const Item& inner, const Sa& sa, const FilterEntry* entry, Batch& batch) const;

  FlowCache& flows_;
  // Apart from fragments that came in clear: what is not authentic must not complete what is.
  Joiner joiner_{{Verdict::kInboundFragmentTaken, Verdict::kInboundFragmentLost, Verdict::kInboundMalformed}};
};

}  // namespace ipsec::driver

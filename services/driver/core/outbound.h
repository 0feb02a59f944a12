#pragma once

#include <span>
#include <vector>

#include "services/driver/core/esp_room.h"
#include "services/driver/core/flow_cache.h"
#include "services/driver/core/reassembly.h"
#include "services/driver/core/segment.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// From the host to the wire, the documented steps OUT-01 to OUT-19:
//
//   parse -> exempt? -> address known? -> [join fragments] -> classify -> permit | block | no SA or a used-up one: hold
//   and acquire
//         -> fits? -> cut into segments -> ESP around each -> seal (batched) -> [fragment] -> wire
//
// One thread.
class OutboundPath {
 public:
  void process(std::span<const Packet> packets, Batch& batch);
  // Packets that were held; they stay as they are until the output was sent.
  void process_released(std::span<HeldPackets::Released> packets, Batch& batch);
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  // A built ESP packet that waits for its cryptography.
  struct Built {
    MutableByteView bytes;
    std::size_t fragment_to = 0;  // path MTU to cut it to afterwards; 0: it fits
    std::uint32_t sequence = 0;
  };

  void route(const Item& item, Batch& batch);
  bool pass_exempt(const Item& item, Batch& batch);
  void take_fragment(const Item& item, Batch& batch);
  void decide(const Item& item, const FlowDecision& decision, Batch& batch);
  void hold(const Item& item, const Filter& filter, Batch& batch);
  void pass(const Item& item, Verdict verdict, Batch& batch);

  void secure(const Item& item, Sa& sa, const Filter& filter, Batch& batch);
  void secure_too_big(const Item& item, const SegmentPlan& plan, const EspRoom& room, Sa& sa, const Filter& filter,
                      Batch& batch);
  void secure_in_fragments(const Item& item, const SegmentPlan& plan, const EspRoom& room, Sa& sa, const Filter& filter,
                           Batch& batch);
  void refuse_too_big(const Item& item, const EspRoom& room, Sa& sa, const Filter& filter, Batch& batch);
  // Whether ESP packets were built; false: the SA has reached its lifetime or its last sequence number.
  bool build(const Item& item, const SegmentPlan& plan, const EspRoom& room, bool fragment_outside, Sa& sa,
             const Filter& filter, Batch& batch);
  void build_one(const Item& item, const SegmentPlan& plan, std::size_t index, const EspRoom& room,
                 bool fragment_outside, Sa& sa, std::uint64_t sequence, Batch& batch);
  void seal(Batch& batch);

  FlowCache flows_{Direction::kOutbound};
  Reassembler reassembler_;
  std::vector<Bytes> joined_;  // datagrams of this batch
  std::vector<EspJob> jobs_;
  std::vector<Built> built_;  // of the same index
};

}  // namespace ipsec::driver

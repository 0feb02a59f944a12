#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/driver/core/offload_lane.h"
#include "services/driver/core/protection_room.h"
#include "services/driver/core/segment.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// The second half of the way out: packets that have an SA. The documented steps and where they are:
//
//   OUT-09 to 11  protect(), build()    the time of use; rekey; expired
//   OUT-12, 13    protect()             size with DF; refuse_too_big() tells the stack
//                 watch_path()          large TCP segments that the path may swallow
//   OUT-14        build_one()           headers of the SA around each segment, ICV and IV left blank
//   OUT-15, 17    is_offloaded()        can the SA be offloaded, is it; if not yet, its provider is told
//   OUT-16        offload()             to the provider with blank fields; collect() when it has filled them
//   OUT-18        seal()                cryptography over a batch: ESP first, AH around it
//   OUT-19        send()                to the wire, in fragments where it must be
//
// One thread.
class Protector {
 public:
  explicit Protector(WorkerState& state) : lane_(Direction::kOutbound, state.offload, state.offload_wake) {}

  // False: the SA has reached its lifetime or its last sequence number; the packet has no verdict yet. Requires an SA
  // that is not soft.
  bool protect(const Item& item, Sa& sa, const Filter& filter, Batch& batch);
  // Sends what waits for its cryptography, and of this port what has come back from the provider of offload.
  void finish(Batch& batch);
  void collect(Batch& batch);
  void begin_batch() { lane_.begin_batch(); }
  bool has_offloaded() const { return !lane_.empty(); }
  const std::uint64_t* ready(Timestamp now) const { return lane_.ready(now); }

 private:
  // A built packet that waits for its cryptography.
  struct Built {
    MutableByteView bytes;
    const Sa* sa = nullptr;
    std::uint64_t sequence = 0;
    std::uint32_t fragment_to = 0;  // path MTU to cut it to afterwards; 0: it fits
    std::uint16_t header_size = 0;  // of ProtectionRoom
    std::uint16_t ah_size = 0;
  };
  // One that is with the provider.
  struct Lent {
    Built built;
    std::optional<Batch::Facts> concludes;  // of the packet whose last piece this is
  };
  // One packet on its way through here.
  struct Task {
    const Item& item;
    const SegmentPlan& plan;
    const ProtectionRoom& room;
    Sa& sa;
    const Filter& filter;
    bool fragment_outside = false;
  };

  bool protect_too_big(Task task, Batch& batch);
  bool protect_in_fragments(const Task& task, Batch& batch);
  void refuse_too_big(const Task& task, Batch& batch);
  void watch_path(const Task& task, Batch& batch);
  void send_heads(const Task& task, Batch& batch);
  bool send_head(const Task& task, std::size_t size, Batch& batch);
  bool build(const Task& task, Batch& batch);
  bool is_offloaded(const Task& task, Batch& batch) const;
  // Where the packet is to be built; null: the provider has too many.
  OffloadWork* make_room(Batch& batch);
  void build_one(const Task& task, std::size_t index, std::uint64_t sequence, OffloadWork* work, Batch& batch);
  void conclude_secured(const Task& task, Batch& batch);
  void seal(Batch& batch);
  // What is left to do around sealed ESP.
  bool complete(const Built& built, Batch& batch);
  void send(const Built& built, Batch& batch);

  std::vector<EspJob> jobs_;
  std::vector<Built> built_;
  OffloadLane<Lent> lane_;
  bool lent_ = false;  // the packet in hand goes to the provider
  bool full_ = false;  // which has no room for it, or for a piece of it
};

}  // namespace ipsec::driver

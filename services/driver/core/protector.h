#pragma once

#include <cstdint>
#include <vector>

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
//   OUT-18        seal()                cryptography over a batch: ESP first, AH around it
//   OUT-19        send()                to the wire, in fragments where it must be
//
// One thread.
class Protector {
 public:
  // False: the SA has reached its lifetime or its last sequence number; the packet has no verdict yet. Requires an SA
  // that is not soft.
  bool protect(const Item& item, Sa& sa, const Filter& filter, Batch& batch);
  // Sends what waits for its cryptography.
  void finish(Batch& batch) {
    if (!built_.empty()) seal(batch);
  }

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
  void build_one(const Task& task, std::size_t index, std::uint64_t sequence, Batch& batch);
  void seal(Batch& batch);
  void send(const Built& built, Batch& batch);

  std::vector<EspJob> jobs_;
  std::vector<Built> built_;
};

}  // namespace ipsec::driver

#pragma once

#include <span>
#include <vector>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/merge.h"
#include "services/driver/core/reassembly.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// From the wire to the host, the documented steps IN-01 to IN-25:
//
//   parse -> exempt? -> address known? -> ESP for this host: [join fragments] -> SPI -> replay check -> open (batched)
//   -> replay commit
//                         -> trailer -> rebuild or unwrap -> selectors -> merge TCP segments -> host
//                    -> clear: [join fragments] -> classify -> permit | refuse
//
// One thread.
class InboundPath {
 public:
  void process(std::span<const Packet> packets, Batch& batch);
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  // An ESP packet that waits for its cryptography.
  struct Waiting {
    PacketView outer;
    Sa* sa = nullptr;
    std::uint32_t sequence = 0;
    unsigned nesting = 0;
  };

  void route(const Item& item, Batch& batch);
  bool pass_exempt(const Item& item, Batch& batch);
  void pass(const Item& item, Verdict verdict, Batch& batch);

  void take_clear(const Item& item, Batch& batch);
  void take_clear_fragment(const Item& item, Batch& batch);
  void decide(const Item& item, const FilterEntry* entry, Batch& batch);
  // The whole packet, valid until the next batch; nullopt as long as fragments are missing.
  std::optional<Item> join(const PacketView& fragment, Batch& batch);

  // `nesting`: how many ESP packets this one was inside of.
  void take_esp(const PacketView& outer, unsigned nesting, Batch& batch);
  void open_waiting(Batch& batch);
  void finish_one(const Waiting& waiting, const EspJob& job, Batch& batch);
  void unwrap(const Waiting& waiting, MutableByteView payload, std::uint8_t next_header, Batch& batch);
  void deliver(const Waiting& waiting, const PacketView& inner, Batch& batch);
  void count_use(const Waiting& waiting, std::size_t bytes, Batch& batch);

  FlowCache flows_{Direction::kInbound};
  Reassembler reassembler_;
  std::vector<Bytes> joined_;  // datagrams of this batch
  std::vector<EspJob> jobs_;
  std::vector<Waiting> waiting_;  // of the same index
  // What is being finished while jobs_ and waiting_ collect packets that were inside.
  std::vector<EspJob> opened_;
  std::vector<Waiting> finishing_;
  Merger merger_;
};

}  // namespace ipsec::driver

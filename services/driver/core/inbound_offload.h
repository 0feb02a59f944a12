#pragma once

#include <cstdint>

#include "services/driver/core/offload_lane.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// Where the provider of offload stands on the way in: before the driver looks at the packet, as a network card would.
// Packets of an SA that it has go to it and come again with its answer; all others it never sees. One thread.
class InboundOffload {
 public:
  explicit InboundOffload(WorkerState& state) : lane_(Direction::kInbound, state.offload, state.offload_wake) {}

  // True: the packet has been copied for the provider, or dropped because it has too many.
  bool take(const Packet& packet, const PacketView& view, Batch& batch);

  // Calls receive(packet, view, opened) for those of this port that are back, in the order in which they were taken.
  template <typename Receive>
  void collect(Batch& batch, Receive receive) {
    lane_.collect(
        batch.output.port, batch.now,
        [&](const EspJob& job, const Arrival& arrival) {
          const Opened opened{arrival.sa, arrival.sequence, job.verdict == EspVerdict::kOk};
          receive(Packet{arrival.view.bytes, arrival.offload}, arrival.view, opened);
        },
        [&](const Arrival& arrival) {
          const Batch::Facts facts{arrival.view.tuple, arrival.spi, arrival.sequence, arrival.filter_id, nullptr};
          batch.conclude(Verdict::kInboundOffloadFailed, facts);
        });
  }

  void submit_and_help(Batch& batch) { lane_.submit_and_help(batch.state.engine); }
  void begin_batch() { lane_.begin_batch(); }
  bool empty() const { return lane_.empty(); }
  const std::uint64_t* ready(Timestamp now) const { return lane_.ready(now); }

 private:
  struct Arrival {
    PacketView view;  // of the copy
    OffloadInfo offload;
    const Sa* sa = nullptr;
    std::uint64_t sequence = 0;
    // Of the SA, which may be gone when the provider is given up.
    std::uint32_t spi = 0;
    std::uint64_t filter_id = 0;
  };

  OffloadLane<Arrival> lane_;
};

}  // namespace ipsec::driver

#include "services/driver/core/packet_worker.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {

PacketWorker::PacketWorker(unsigned index, RandomSource& random, HeldPackets& held, NatFilters& nat_filters,
                           std::shared_ptr<WorkerCounters> counters, OwnAddresses* addresses,
                           std::function<void()> gone)
    : state_(index, random, held, nat_filters, std::move(counters), addresses), gone_(std::move(gone)) {}

PacketWorker::~PacketWorker() { gone_(); }

void PacketWorker::process_outbound(std::span<Packet> from_host, const Tables& tables, Timestamp now, Output& output) {
  state_.arena.reset();
  Batch batch{state_, tables, now, output};
  outbound_.process(from_host, batch);
}

void PacketWorker::process_inbound(std::span<Packet> from_wire, const Tables& tables, Timestamp now, Output& output) {
  state_.arena.reset();
  Batch batch{state_, tables, now, output};
  inbound_.process(from_wire, batch);
}

void PacketWorker::process_released(const Tables& tables, Timestamp now, Output& output) {
  released_.clear();
  state_.held.take_released(tables.generation, limits::kBatchPackets, released_);
  if (released_.empty()) return;
  state_.arena.reset();
  Batch batch{state_, tables, now, output};
  outbound_.process_released(released_, batch);
}

PacketTrace PacketWorker::explain(Direction direction, Packet packet, const Tables& tables, Timestamp now) {
  state_.arena.reset();
  Output discarded;
  Batch batch{state_, tables, now, discarded, true};
  if (direction == Direction::kOutbound) {
    outbound_.process({&packet, 1}, batch);
  } else {
    inbound_.process({&packet, 1}, batch);
  }
  // Without an active policy nothing looks at the packet.
  PacketTrace trace = state_.traces.empty() ? PacketTrace{direction, {}, packet.bytes.size(), {}, {}, 0, 0}
                                            : std::move(state_.traces.front());
  state_.traces.clear();
  return trace;
}

void PacketWorker::tick(Timestamp now) {
  state_.nat_flows.tick(now);
  state_.boot.tick(now);
  outbound_.tick(now, *state_.counters);
  inbound_.tick(now, *state_.counters);
}

}  // namespace ipsec::driver

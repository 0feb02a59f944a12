#include "services/driver/core/packet_worker.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {

PacketWorker::PacketWorker(unsigned index, RandomSource& random, HeldPackets& held, NatFilters& nat_filters,
                           std::shared_ptr<WorkerCounters> counters, OwnAddresses* addresses, OffloadProvider* offload,
                           std::function<void()> gone)
    : state_(index, random, held, nat_filters, std::move(counters), addresses, offload), gone_(std::move(gone)) {}

PacketWorker::~PacketWorker() { gone_(); }

void PacketWorker::process_outbound(std::span<Packet> from_host, const Tables& tables, Timestamp now, Output& output) {
  begin_batch();
  Batch batch{state_, tables, now, output};
  outbound_.process(from_host, batch);
  end_batch(now);
}

void PacketWorker::process_inbound(std::span<Packet> from_wire, const Tables& tables, Timestamp now, Output& output) {
  begin_batch();
  Batch batch{state_, tables, now, output};
  inbound_.process(from_wire, batch);
  end_batch(now);
}

void PacketWorker::process_released(const Tables& tables, Timestamp now, Output& output) {
  released_.clear();
  state_.held.take_released(tables.generation, limits::kBatchPackets, released_);
  if (released_.empty()) return;
  begin_batch();
  Batch batch{state_, tables, now, output};
  outbound_.process_released(released_, batch);
  end_batch(now);
}

bool PacketWorker::process_offloaded(const Tables& tables, Timestamp now, Output& output) {
  begin_batch();
  const std::uint64_t* const port = ready_port(now);
  if (port == nullptr) {
    end_batch(now);
    return false;
  }
  output.port = *port;
  Batch batch{state_, tables, now, output};
  outbound_.protector().collect(batch);
  inbound_.process_offloaded(batch);
  return true;
}

const std::uint64_t* PacketWorker::ready_port(Timestamp now) const {
  if (const std::uint64_t* port = outbound_.protector().ready(now)) return port;
  return inbound_.offload().ready(now);
}

bool PacketWorker::has_offloaded() const {
  return outbound_.protector().has_offloaded() || !inbound_.offload().empty();
}

void PacketWorker::on_offloaded(std::function<void()> wake) { state_.offload_wake->call = std::move(wake); }

// The output of the call before is no longer used.
void PacketWorker::begin_batch() {
  state_.arena.reset();
  state_.offload_wake->wanted.store(false, std::memory_order_relaxed);
  outbound_.protector().begin_batch();
  inbound_.offload().begin_batch();
}

// Whoever finishes work from now on wakes this worker; what was finished a moment before does it here.
void PacketWorker::end_batch(Timestamp now) {
  if (!has_offloaded()) return;
  OffloadWake& wake = *state_.offload_wake;
  wake.wanted.store(true, std::memory_order_seq_cst);
  if (ready_port(now) != nullptr && wake.wanted.exchange(false, std::memory_order_seq_cst) && wake.call) wake.call();
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

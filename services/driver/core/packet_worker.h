#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "services/driver/core/held_packets.h"
#include "services/driver/core/inbound.h"
#include "services/driver/core/nat_filters.h"
#include "services/driver/core/outbound.h"
#include "services/driver/core/worker.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// The worker that Control makes: both directions over one state.
class PacketWorker final : public Worker {
 public:
  // `index` is that of its EspEngine; `addresses` and `offload` may be null; `gone` is called once, by the destructor,
  // to give it back.
  PacketWorker(unsigned index, RandomSource& random, HeldPackets& held, NatFilters& nat_filters,
               std::shared_ptr<WorkerCounters> counters, OwnAddresses* addresses, OffloadProvider* offload,
               std::function<void()> gone);
  ~PacketWorker() override;

  void process_outbound(std::span<Packet> from_host, const Tables& tables, Timestamp now, Output& output) override;
  void process_inbound(std::span<Packet> from_wire, const Tables& tables, Timestamp now, Output& output) override;
  void process_released(const Tables& tables, Timestamp now, Output& output) override;
  bool process_offloaded(const Tables& tables, Timestamp now, Output& output) override;
  bool has_offloaded() const override;
  void on_offloaded(std::function<void()> wake) override;
  PacketTrace explain(Direction direction, Packet packet, const Tables& tables, Timestamp now) override;
  void tick(Timestamp now) override;

 private:
  void begin_batch();
  void end_batch(Timestamp now);
  const std::uint64_t* ready_port(Timestamp now) const;

  WorkerState state_;
  OutboundPath outbound_{state_};
  InboundPath inbound_{state_};
  std::vector<HeldPackets::Released> released_;
  std::function<void()> gone_;
};

}  // namespace ipsec::driver

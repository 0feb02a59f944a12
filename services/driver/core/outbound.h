#pragma once

#include <optional>
#include <span>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/joiner.h"
#include "services/driver/core/protector.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// From the host to the wire. The documented steps and where they are:
//
//   OUT-01  process()           parse; boot mode
//   OUT-02  find_exemption()    ISAKMP and what else no filter touches
//           route()             an address that no policy lists yet; fragments are joined
//   OUT-03  decide()            filter:  none or permit (OUT-08): pass();  block: drop
//   OUT-04  decide()            SA:      soft: pass_soft();  usable: Protector (OUT-09 to OUT-19)
//   OUT-05  hold()              no SA, or a used-up one: hold the packet and ask IKE
//   OUT-06  process_released()  IKE has told of the SA: once more from OUT-02
//   OUT-07  HeldPackets         IKE could not: dropped there
//
// One thread.
class OutboundPath {
 public:
  explicit OutboundPath(WorkerState& state) : protector_(state) {}

  void process(std::span<const Packet> packets, Batch& batch);
  // Packets that were held; they stay as they are until the output was sent.
  void process_released(std::span<HeldPackets::Released> packets, Batch& batch);
  Protector& protector() { return protector_; }
  const Protector& protector() const { return protector_; }
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  void route(const Item& item, Batch& batch);
  std::optional<Verdict> find_exemption(const PacketView& view, const Tables& tables) const;
  void take_fragment(const Item& item, Batch& batch);
  void decide(const Item& item, const FlowDecision& decision, Batch& batch);
  Sa* choose_sa(const Item& item, const FlowDecision& decision, Batch& batch) const;
  void hold(const Item& item, const Filter& filter, Batch& batch);
  void pass_soft(const Item& item, Sa& sa, const Filter& filter, Batch& batch);
  // `filter`: the one that let it pass; null where none matched or none was asked.
  void pass(const Item& item, Verdict verdict, const Filter* filter, Batch& batch);

  FlowCache flows_{Direction::kOutbound};
  Joiner joiner_{{Verdict::kOutboundFragmentTaken, Verdict::kOutboundFragmentLost, Verdict::kOutboundMalformed}};
  Protector protector_;
};

}  // namespace ipsec::driver

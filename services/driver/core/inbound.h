#pragma once

#include <optional>
#include <span>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/inbound_offload.h"
#include "services/driver/core/joiner.h"
#include "services/driver/core/opener.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// From the wire to the host. The documented steps and where they are:
//
//   IN-01           process()         parse
//   IN-02           find_exemption()  ISAKMP and what else no filter touches; boot mode
//   IN-03, IN-04    route()           what the provider of offload says of the packet (InboundOffload)
//                   route()           an address that no policy lists yet
//   IN-05           route()           AH, ESP, ESP in UDP for this host: Opener (IN-15 to IN-24); else clear:
//   RFC 4301 8.2    take_too_big()    a packet-too-big from outside
//   IN-06, IN-07    decide()          filter: none, or permit: pass();  block: drop
//   IN-08           judge_clear()     negotiate: is there an SA for such packets?
//   IN-09 to IN-11  judge_clear()     no: inbound pass-through or fall back, or drop
//   IN-12 to IN-14  judge_clear()     yes: soft, or drop
//
// One thread.
class InboundPath {
 public:
  explicit InboundPath(WorkerState& state) : offload_(state) {}

  void process(std::span<const Packet> packets, Batch& batch);
  // Those of batch.output.port that came back from the provider of offload.
  void process_offloaded(Batch& batch);
  InboundOffload& offload() { return offload_; }
  const InboundOffload& offload() const { return offload_; }
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  void collect_offloaded(Batch& batch);
  void receive(const Packet& packet, const std::optional<PacketView>& view, const Opened& opened, Batch& batch);
  void route(const Item& item, Batch& batch);
  std::optional<Verdict> find_exemption(const PacketView& view, const Tables& tables) const;
  // Whether the packet was AH or ESP, or a part of it, for this host.
  bool take_secured(const Item& item, Batch& batch);

  void take_clear(const Item& item, Batch& batch);
  void take_too_big(const Item& item, const TooBigNotice& notice, Batch& batch);
  void conclude_too_big(const Item& item, bool believed, Batch& batch);
  void take_clear_fragment(const Item& item, Batch& batch);
  void decide(const Item& item, const FilterEntry* entry, Batch& batch);
  void judge_clear(const Item& item, const Filter& filter, Batch& batch);
  void pass(const Item& item, Verdict verdict, const Filter* filter, Batch& batch);

  InboundOffload offload_;
  FlowCache flows_{Direction::kInbound};
  Joiner joiner_{{Verdict::kInboundFragmentTaken, Verdict::kInboundFragmentLost, Verdict::kInboundMalformed}};
  Opener opener_{joiner_, flows_};
};

}  // namespace ipsec::driver

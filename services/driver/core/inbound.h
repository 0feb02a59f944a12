#pragma once

#include <optional>
#include <span>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/joiner.h"
#include "services/driver/core/opener.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// From the wire to the host. The documented steps and where they are:
//
//   IN-01           process()         parse
//   IN-02           find_exemption()  ISAKMP and what else no filter touches; boot mode
//                   route()           an address that no policy lists yet
//   IN-05           route()           AH, ESP, ESP in UDP for this host: Opener (IN-15 to IN-24); else clear:
//   IN-06, IN-07    decide()          filter: none, or permit: pass();  block: drop
//   IN-08           judge_clear()     negotiate: is there an SA for such packets?
//   IN-09 to IN-11  judge_clear()     no: inbound pass-through or fall back, or drop
//   IN-12 to IN-14  judge_clear()     yes: soft, or drop
//
// One thread.
class InboundPath {
 public:
  void process(std::span<const Packet> packets, Batch& batch);
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  void route(const Item& item, Batch& batch);
  std::optional<Verdict> find_exemption(const PacketView& view, const Tables& tables) const;
  // Whether the packet was AH or ESP, or a part of it, for this host.
  bool take_secured(const Item& item, Batch& batch);

  void take_clear(const Item& item, Batch& batch);
  void take_clear_fragment(const Item& item, Batch& batch);
  void decide(const Item& item, const FilterEntry* entry, Batch& batch);
  void judge_clear(const Item& item, const Filter& filter, Batch& batch);
  void pass(const Item& item, Verdict verdict, const Filter* filter, Batch& batch);

  FlowCache flows_{Direction::kInbound};
  Joiner joiner_{{Verdict::kInboundFragmentTaken, Verdict::kInboundFragmentLost, Verdict::kInboundMalformed}};
  Opener opener_{joiner_, flows_};
};

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/driver/core/reassembly.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// Joins fragments on the way of one direction and counts what becomes of them. One thread.
class Joiner {
 public:
  struct Verdicts {
    Verdict taken;
    Verdict lost;
    Verdict malformed;
  };
  explicit Joiner(const Verdicts& verdicts) : verdicts_(verdicts) {}

  // Forgets the datagrams of the batch before.
  void begin_batch() { joined_.clear(); }
  // The whole packet, valid until the next batch; nullopt as long as fragments are missing. Requires a fragment. Only
  // fragments of one `origin` are joined (an SPI; 0: in clear).
  std::optional<Item> join(const Item& fragment, Batch& batch, std::uint32_t origin = 0);
  void tick(Timestamp now, WorkerCounters& counters);

 private:
  Verdicts verdicts_;
  Reassembler reassembler_;
  std::vector<Bytes> joined_;
};

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/driver/core/flow_cache.h"
#include "services/driver/core/joiner.h"
#include "services/driver/core/merge.h"
#include "services/driver/core/second_pass.h"
#include "services/driver/core/worker_state.h"

namespace ipsec::driver {

// The secured half of the way in: AH, ESP and ESP in UDP for this host. The documented steps and where they are:
//
//   IN-15 to 17  take(), take_ah(), take_esp()  SPI, SA; replay check
//   IN-18        count_use()                    the time of use
//   IN-19        take_esp()                     opened by the provider of offload: accept() at once
//   IN-20, 21    take_ah(); open_waiting()      ICV of AH at once, ESP in batches; replay commit
//   IN-22        strip(), unwrap()              headers and trailer go; selectors; checksums behind a NAT
//   IN-23        unwrap(), deliver()            tunnel: the inner packet, which may be for take() again, or meets the
//                                               filters (SecondPass)
//   IN-24        deliver()                      to the stack, TCP segments merged
//
// One thread.
class Opener {
 public:
  // Both must outlive this: `joiner` joins fragments of protected packets, `flows` remembers inbound decisions.
  Opener(Joiner& joiner, FlowCache& flows) : joiner_(joiner), flows_(flows), second_pass_(flows) {}

  void begin_batch() { second_pass_.begin_batch(); }

  // A whole packet of protocol AH or ESP for this host.
  void take(const Item& item, Batch& batch) { take({item, 0, nullptr}, batch); }
  // A whole packet of UDP with ESP at `esp_offset`.
  void take_udp(const Item& item, std::size_t esp_offset, Batch& batch);
  // Delivers what waits for its cryptography.
  void finish(Batch& batch);
  void tick(Timestamp now, WorkerCounters& counters) { second_pass_.tick(now, counters); }

 private:
  struct Arrived {
    Item item;
    unsigned nesting = 0;          // how many protected packets this one was inside of
    const Sa* under_ah = nullptr;  // the bundle whose AH has been checked and removed
  };
  // An ESP packet that waits for its cryptography.
  struct Waiting {
    Arrived arrived;
    Sa* sa = nullptr;
    std::uint64_t sequence = 0;
  };

  void take(const Arrived& arrived, Batch& batch);
  void take_ah(const Arrived& arrived, Batch& batch);
  void take_esp(const Arrived& arrived, std::size_t esp_offset, Batch& batch);
  // Null: the drop has been concluded.
  Sa* find_sa(const Arrived& arrived, std::uint32_t spi, std::uint32_t sequence, Batch& batch);
  void open_waiting(Batch& batch);
  void finish_one(const Waiting& waiting, const EspJob& job, Batch& batch);
  // The cryptography was good.
  void accept(const Waiting& waiting, const EspJob& job, Batch& batch);
  void unwrap(const Waiting& waiting, MutableByteView payload, std::uint8_t next_header, Batch& batch);
  bool is_blocked(const PacketView& inner, const Tables& tables);
  void deliver(const Waiting& waiting, const PacketView& inner, Batch& batch);
  void hand_up(const Waiting& waiting, const Item& inner, Batch& batch);
  void count_use(const Waiting& waiting, std::size_t bytes, Batch& batch);
  void hear_answer(const Waiting& waiting, const PacketView& inner, Batch& batch);
  void follow_nat(const Waiting& waiting, Batch& batch);

  Joiner& joiner_;
  FlowCache& flows_;
  SecondPass second_pass_;
  std::vector<EspJob> jobs_;
  std::vector<Waiting> waiting_;  // of the same index
  // What is being finished while jobs_ and waiting_ collect packets that were inside.
  std::vector<EspJob> opened_;
  std::vector<Waiting> finishing_;
  Merger merger_;
};

}  // namespace ipsec::driver

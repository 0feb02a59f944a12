#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/bytes.h"
#include "services/common/time.h"
#include "services/driver/core/counters.h"
#include "services/driver/core/events.h"
#include "services/driver/core/lock.h"
#include "services/driver/core/packet_port.h"

namespace ipsec::driver {

// Packets that wait for an SA, and the acquires that were sent for them (seed rows DRV-22, DRV-23). Shared by all
// workers and the control side; every method may be called from any thread. Bounded by limits.h.
class HeldPackets {
 public:
  struct Request {
    std::uint64_t filter_id = 0;
    FiveTuple packet;
    IpAddress local;
    IpAddress peer;
    std::uint64_t generation = 0;  // of the tables in which no SA was found
    bool keep_only_last = false;   // profile windows2003
  };
  struct Outcome {
    std::optional<Acquire> acquire;  // to be sent to IKE
    // What to count now: the verdict of a packet that lost its place, or of this one. Held packets have none yet.
    std::optional<Verdict> verdict;
  };
  struct Released {
    Bytes bytes;
    OffloadInfo offload;
    // As in Item: the host sent it in fragments.
    std::size_t fragment_size = 0;
    std::uint32_t fragment_id = 0;
  };
  Outcome hold(const Request& request, Released packet, Timestamp now);

  // An SA for the pair is in the tables from this generation on.
  void release(std::uint64_t filter_id, const IpAddress& peer, std::uint64_t generation, Timestamp now);
  // The same for the pairs of this peer with any filter.
  void release(const IpAddress& peer, std::uint64_t generation, Timestamp now);
  // Moves out, in the order in which they came, packets released for tables of this generation or an older one; at most
  // `limit`.
  void take_released(std::uint64_t generation, std::size_t limit, std::vector<Released>& into);
  // Cheap.
  bool has_released() const { return released_count_.load(std::memory_order_acquire) != 0; }

  // The acquire came to nothing. False: unknown.
  bool fail(std::uint64_t acquire_id, Timestamp now);
  // Drops everything held for filters that `keeps` refuses, and forgets their acquires.
  template <typename Keeps>
  void drop_unless(Keeps keeps) {
    const LockGuard guard(lock_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto current = entry++;
      if (keeps(current->first.filter_id)) continue;
      drop(current->second, Verdict::kOutboundPolicyChanged);
      entries_.erase(current);
    }
  }
  // Gives up acquires that nobody answered and forgets what is over.
  void tick(Timestamp now);

  std::vector<Acquire> pending() const;
  struct Numbers {
    std::size_t held = 0;
    Duration last_hold{};
    Duration longest_hold{};
    std::array<std::uint64_t, kVerdictCount> dropped{};  // by the reason, of packets dropped outside a worker
  };
  Numbers numbers() const;

 private:
  struct Key {
    std::uint64_t filter_id = 0;
    IpAddress peer;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.filter_id, key.peer);
    }
  };
  struct Held {
    Released packet;
    Timestamp since;
    std::uint64_t generation = 0;  // once released
  };
  enum class State : std::uint8_t {
    kPending,  // an acquire is out
    kServed,   // an SA came; kept a while for workers that still look at older tables
    kBackOff,  // the last acquire failed
  };
  struct Entry {
    State state = State::kPending;
    Acquire acquire;
    Timestamp until;
    std::uint64_t generation = 0;  // of the SA, when served
    std::deque<Held> packets;
  };

  Outcome begin(Entry& entry, const Request& request, Held held, Timestamp now);
  std::optional<Verdict> append(Entry& entry, Held held, bool keep_only_last);
  void serve(Entry& entry, std::uint64_t generation, Timestamp now);
  void to_released(Held held, std::uint64_t generation, Timestamp now);
  void drop(Entry& entry, Verdict verdict);
  void forget_first(Entry& entry);

  mutable Lock lock_;
  absl::flat_hash_map<Key, Entry> entries_;
  std::deque<Held> released_;
  std::atomic<std::size_t> released_count_{0};
  std::size_t held_ = 0;  // packets in entries_ and released_
  std::size_t bytes_ = 0;
  std::uint64_t next_acquire_id_ = 1;
  Numbers numbers_;
};

}  // namespace ipsec::driver

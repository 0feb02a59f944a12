#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/time.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/audit.h"
#include "services/driver/core/counters.h"
#include "services/driver/core/held_packets.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/own_addresses.h"
#include "services/driver/core/packet_port.h"
#include "services/driver/core/tables.h"
#include "services/driver/core/worker.h"
#include "services/driver/crypto/esp_engine.h"

// What both directions of one worker share. One thread.
namespace ipsec::driver {

struct WorkerState {
  WorkerState(unsigned index, RandomSource& random, HeldPackets& held_packets,
              std::shared_ptr<WorkerCounters> own_counters, OwnAddresses* addresses)
      : engine(index, random), held(held_packets), counters(std::move(own_counters)), own_addresses(addresses) {}

  EspEngine engine;
  Arena arena;
  AuditLimiter audit;
  HeldPackets& held;
  std::shared_ptr<WorkerCounters> counters;
  OwnAddresses* own_addresses;  // null: not known
};

// One call of a worker: the snapshot it works with and where its results go.
struct Batch {
  WorkerState& state;
  const Tables& tables;
  Timestamp now;
  Output& output;
  bool own_addresses_are_fresh = false;

  // Whether the host has this address although the policy does not list it. Forwarded packets carry addresses that the
  // host does not have; the filters decide on them.
  bool is_unlisted(const IpAddress& address) {
    if (!tables.addresses_are_complete || state.own_addresses == nullptr) return false;
    if (tables.local_addresses.contains(address)) return false;
    if (!std::exchange(own_addresses_are_fresh, true)) state.own_addresses->refresh();
    return state.own_addresses->contains(address);
  }

  // What is known of a packet when its verdict is found, for the audit event.
  struct Facts {
    FiveTuple packet;
    std::uint32_t spi = 0;
    std::uint32_t sequence = 0;
    std::uint64_t filter_id = 0;
  };
  // Counts the verdict and, where it is one for the administrator, emits the event.
  void conclude(Verdict verdict, const Facts& facts) {
    state.counters->count(verdict);
    if (info(verdict).audit == VerdictAudit::kQuiet) return;
    if (const auto suppressed = state.audit.admit(verdict, now)) {
      output.events.push_back(
          AuditEvent{verdict, facts.packet, facts.spi, facts.sequence, facts.filter_id, *suppressed});
    }
  }
};

// A packet on its way through one direction.
struct Item {
  PacketView view;
  OffloadInfo offload;
  // The driver joined it from fragments: where it passes it is cut again, to the size its sender chose.
  std::size_t fragment_size = 0;  // 0: it came whole
  std::uint32_t fragment_id = 0;
};

}  // namespace ipsec::driver

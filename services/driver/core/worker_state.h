#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/time.h"
#include "services/driver/core/answer_limit.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/audit.h"
#include "services/driver/core/boot_filter.h"
#include "services/driver/core/counters.h"
#include "services/driver/core/held_packets.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/last_look.h"
#include "services/driver/core/nat_filters.h"
#include "services/driver/core/nat_flows.h"
#include "services/driver/core/offload.h"
#include "services/driver/core/own_addresses.h"
#include "services/driver/core/packet_port.h"
#include "services/driver/core/tables.h"
#include "services/driver/core/worker.h"
#include "services/driver/crypto/esp_engine.h"

// What both directions of one worker share. One thread.
namespace ipsec::driver {

struct WorkerState {
  WorkerState(unsigned index, RandomSource& random, HeldPackets& held_packets, NatFilters& of_nat,
              std::shared_ptr<WorkerCounters> own_counters, OwnAddresses* addresses, OffloadProvider* provider)
      : engine_index(index),
        engine(index, random),
        held(held_packets),
        nat_filters(of_nat),
        counters(std::move(own_counters)),
        own_addresses(addresses),
        offload(provider) {}

  unsigned engine_index;
  EspEngine engine;
  Arena arena;
  AuditLimiter audit;
  HeldPackets& held;
  NatFilters& nat_filters;
  std::shared_ptr<WorkerCounters> counters;
  OwnAddresses* own_addresses;  // null: not known
  OffloadProvider* offload;     // null: there is none
  std::shared_ptr<OffloadWake> offload_wake = std::make_shared<OffloadWake>();
  NatFlows nat_flows;
  BootFilter boot;
  AnswerLimit icmp_errors;
  LastLook last_look;
  std::deque<PacketTrace> traces;  // of this batch; they stay where they are
};

// One call of a worker: the snapshot it works with and where its results go.
struct Batch {
  WorkerState& state;
  const Tables& tables;
  Timestamp now;
  Output& output;
  bool dry = false;  // explains: nothing is sent, counted, held or used
  bool own_addresses_are_fresh = false;

  // Whether the host has this address although the policy does not list it. Forwarded packets carry addresses that the
  // host does not have; the filters decide on them.
  bool is_unlisted(const IpAddress& address) {
    if (!tables.addresses_are_complete || state.own_addresses == nullptr) return false;
    if (tables.local_addresses.contains(address)) return false;
    if (!std::exchange(own_addresses_are_fresh, true)) state.own_addresses->refresh();
    return state.own_addresses->contains(address);
  }

  // Null for a packet that is not traced.
  PacketTrace* begin_trace(Direction direction, const PacketView& packet) {
    if (tables.trace == nullptr && !dry) [[likely]]
      return nullptr;
    if (!dry && !tables.trace->admits(packet.tuple)) return nullptr;
    return &state.traces.emplace_back(PacketTrace{direction, packet.tuple, packet.bytes.size(), {}, {}, 0, 0});
  }
  // At the end of the batch: what was traced becomes events.
  void end_traces() {
    if (state.traces.empty() || dry) return;
    for (PacketTrace& trace : state.traces) output.events.emplace_back(std::move(trace));
    state.traces.clear();
  }

  // What is known of a packet when its verdict is found, for the audit event.
  struct Facts {
    FiveTuple packet;
    std::uint32_t spi = 0;
    std::uint64_t sequence = 0;
    std::uint64_t filter_id = 0;
    PacketTrace* trace = nullptr;
  };
  // Counts the verdict and, where it is one for the administrator, emits the event.
  void conclude(Verdict verdict, const Facts& facts) {
    if (facts.trace != nullptr) facts.trace->verdict = verdict;
    if (dry) return;
    state.counters->count(verdict);
    if (info(verdict).audit == VerdictAudit::kQuiet) return;
    if (const auto suppressed = state.audit.admit(verdict, now)) {
      output.events.push_back(
          AuditEvent{verdict, facts.packet, facts.spi, facts.sequence, facts.filter_id, *suppressed});
    }
  }
};

// What the provider of offload says of an ESP packet: opened under this SA and number, or that it failed to.
struct Opened {
  const Sa* sa = nullptr;  // null: it has not seen the packet
  std::uint64_t sequence = 0;
  bool good = false;
};

// A packet on its way through one direction.
struct Item {
  PacketView view;
  OffloadInfo offload;
  // The driver joined it from fragments: where it passes it is cut again, to the size its sender chose.
  std::size_t fragment_size = 0;  // 0: it came whole
  std::uint32_t fragment_id = 0;
  PacketTrace* trace = nullptr;
  Opened opened = {};
};

}  // namespace ipsec::driver

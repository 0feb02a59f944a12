#include "services/ike/core/sa_pairs.h"

#include <utility>

#include <fmt/format.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

// Without a main mode SA the peer is not told: it will notice by its own lifetimes.
void tell_peer(Turn& turn, const QuickModeSaPair& pair) {
  if (MainModeSa* sa = turn.state.main_modes.find_established(pair.local, pair.peer))
    send_quick_mode_delete(turn, *sa, pair.inbound_spi, false);
}

// KEY-10: a main mode SA whose quick modes are used up has no further use once their SAs are gone.
void drop_used_up(Turn& turn, const QuickModeSaPair& gone) {
  MainModeSa* sa = turn.state.main_modes.find(gone.main_mode_handle);
  if (sa == nullptr || sa->established() == nullptr || sa->has_room() || sa->exchanges_under_way() != 0) return;
  if (turn.state.quick_modes.count_of_main_mode(sa->handle, sa->peer.address) != 0) return;
  end_main_mode(turn, *sa, TellPeer::kOnce,
                {FailureReason::kLimitReached, "its quick modes are used up and their SAs gone"});
}

void forget(Turn& turn, const QuickModeSaPair& pair) {
  turn.state.quick_modes.remove(pair.inbound_spi);
  drop_used_up(turn, pair);
}

void report_ended(Turn& turn, const QuickModeSaPair& pair, std::string_view why) {
  turn.report("quick_mode_ended", Severity::kInformation,
              fmt::format("SAs with {} for {} ended: {}", pair.peer.to_string(), pair.outbound.to_string(), why),
              {{"peer", pair.peer.to_string()},
               {"local", pair.local.to_string()},
               {"rule", pair.rule.rule_name},
               {"spi_in", fmt::format("{:08x}", pair.inbound_spi)},
               {"spi_out", fmt::format("{:08x}", pair.outbound_spi)},
               {"reason", std::string(why)}});
}

std::string_view name(SaEndReason reason) {
  switch (reason) {
    case SaEndReason::kIdle:
      return "idle";
    case SaEndReason::kPolicy:
      return "policy";
    default:
      return "lifetime";
  }
}

}  // namespace

void handle_sa_ended(Turn& turn, const SaEnded& ended) {
  QuickModeSaPair* found = ended.direction == Direction::kInbound
                               ? turn.state.quick_modes.find_inbound(ended.spi)
                               : turn.state.quick_modes.find_outbound(ended.peer, ended.spi);
  if (found == nullptr) return;
  // A Delete names an inbound SA, so the end of an outbound one alone is nothing to tell; only an idle pair ends as a
  // whole.
  if (ended.direction == Direction::kOutbound) found->has_outbound = false;
  if (ended.direction == Direction::kOutbound && ended.reason != SaEndReason::kIdle) return;
  const QuickModeSaPair pair = *found;
  report_ended(turn, pair, name(ended.reason));
  tell_peer(turn, pair);
  turn.delete_pair(pair);
  forget(turn, pair);
}

void pair_deleted_by_peer(Turn& turn, MainModeSa& sa, std::uint32_t spi) {
  const QuickModeSaPair* found = turn.state.quick_modes.find_outbound(sa.peer.address, spi);
  if (found == nullptr || found->peer_identity != sa.established()->peer_identity) return;
  const QuickModeSaPair pair = *found;
  report_ended(turn, pair, "deleted by peer");
  turn.delete_pair(pair);
  turn.state.quick_modes.remove(pair.inbound_spi);
}

void delete_pair(Turn& turn, const QuickModeSaPair& pair) {
  report_ended(turn, pair, "deleted by request");
  tell_peer(turn, pair);
  turn.delete_pair(pair);
  turn.state.quick_modes.remove(pair.inbound_spi);
}

void handle_driver_restart(Turn& turn) {
  absl::erase_if(turn.state.requests,
                [](const auto& entry) { return entry.second.kind != PendingRequest::Kind::kComputeDh; });
  for (const QuickModeSaPair& pair : turn.state.quick_modes.all()) tell_peer(turn, pair);
  turn.state.quick_modes.clear();
  const Failure failure{FailureReason::kDriverFailed, "the driver has started anew"};
  for (const std::uint64_t handle : turn.state.main_modes.all()) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    // The new driver asks again for what it needs: nothing is tried again from here.
    for (const QuickModeWish& wish : take_waiting(turn, sa)) fail_wish(turn, wish, failure);
    for (auto& [id, exchange] : sa.exchanges) {
      if (!exchange.finished()) fail_quick_mode(turn, sa, exchange, failure);
    }
  }
}

void handle_delete_request(Turn& turn, const DeleteRequested& request) {
  if (request.quick_mode_too) {
    for (const QuickModeSaPair& pair :
         request.peer ? turn.state.quick_modes.with_peer(*request.peer) : turn.state.quick_modes.all())
      delete_pair(turn, pair);
  }
  const Failure failure{FailureReason::kDeletedByRequest, "an administrator asked for it"};
  for (const std::uint64_t handle :
       request.peer ? turn.state.main_modes.with_peer(*request.peer) : turn.state.main_modes.all()) {
    MainModeSa* sa = turn.state.main_modes.find(handle);
    if (sa == nullptr) continue;
    for (const QuickModeWish& wish : take_waiting(turn, *sa)) fail_wish(turn, wish, failure);
    if (sa->established() == nullptr) {
      fail_main_mode(turn, *sa, failure);
      continue;
    }
    for (auto& [id, exchange] : sa->exchanges) {
      if (!exchange.finished()) fail_quick_mode(turn, *sa, exchange, failure);
    }
    end_main_mode(turn, *sa, TellPeer::kOnce, failure);
  }
}

}  // namespace ipsec::ike

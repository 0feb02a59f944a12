#include "services/ike/core/sa_pairs.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/soft_sa.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

enum class WithoutMainMode { kSayNothing, kMakeOne };

// A lifetime ends on both hosts by itself; what ends otherwise must be told, or the peer goes on sending into nothing.
void tell_peer(Turn& turn, const QuickModeSaPair& pair, WithoutMainMode otherwise) {
  MainModeTable& table = turn.state.main_modes;
  MainModeSa* confirmed = table.find_confirmed(pair.local, pair.peer, pair.host);
  if (MainModeSa* sa = confirmed != nullptr ? confirmed : table.find_established(pair.local, pair.peer, pair.host)) {
    send_quick_mode_delete(turn, *sa, pair.inbound_spis());
    return;
  }
  if (otherwise == WithoutMainMode::kSayNothing) return;
  MainModeSa* sa = table.find_negotiating(pair.local, pair.peer, pair.host);
  if (sa == nullptr) {
    const auto begun = begin_main_mode(turn, pair.local, pair.peer, pair.host);
    if (std::holds_alternative<Failure>(begun)) return;
    sa = std::get<MainModeSa*>(begun);
  }
  if (sa->deletes_to_send.size() < kMaxWaitingPerPeer) sa->deletes_to_send.push_back(pair.inbound_spis());
}

// KEY-10: a main mode SA whose quick modes are used up has no further use once their SAs are gone.
void drop_used_up(Turn& turn, const QuickModeSaPair& gone) {
  MainModeSa* sa = turn.state.main_modes.find(gone.main_mode_handle);
  if (sa == nullptr || sa->established() == nullptr || sa->has_room() || sa->exchanges_under_way() != 0) return;
  if (turn.state.quick_modes.count_of_main_mode(sa->handle, sa->peer.address) != 0) return;
  end_main_mode(turn, *sa, TellPeer::kYes,
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

// `outbound` is null once replaced.
QuickModeSaPair pair_of(const SaParameters& inbound, const SaParameters* outbound, Timestamp now) {
  QuickModeSaPair pair;
  pair.inbound_spi = inbound.spi;
  pair.outbound_spi = inbound.pair_spi;
  if (inbound.ah) pair.inbound_ah_spi = inbound.ah->spi;
  if (outbound != nullptr && outbound->ah) pair.outbound_ah_spi = outbound->ah->spi;
  pair.has_outbound = outbound != nullptr;
  pair.protocol = inbound.protocol;
  pair.local = inbound.destination;
  pair.peer = inbound.source;
  pair.host.port = inbound.udp_peer_port;
  pair.rule.outbound_filter_id = outbound != nullptr ? outbound->filter_id : 0;
  pair.rule.inbound_filter_id = inbound.filter_id;
  pair.rule.encapsulation = inbound.encapsulation;
  pair.rule.policy.name = inbound.quick_mode_policy;
  pair.rule.rule_name = inbound.rule_name;
  pair.rule.dynamic = inbound.rule_name == kDefaultResponseRule;
  pair.outbound = inbound.selector.mirrored();
  pair.established_at = now;
  return pair;
}

// An SA may end before its quick mode is done, by a change of policy for instance.
void fail_unfinished(Turn& turn, const SaEnded& ended) {
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(ended.peer)) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    for (auto& [id, exchange] : sa.exchanges) {
      const bool outbound = ended.direction == Direction::kOutbound;
      const bool is_its = outbound ? find_exchange_by_peer_spi(sa, ended.protocol, ended.spi) == &exchange
                                   : exchange.own_spis.has(ended.spi);
      if (exchange.finished() || !is_its) continue;
      fail_quick_mode(turn, sa, exchange,
                      {FailureReason::kDriverFailed, fmt::format("the driver has ended its SA {:08x}", ended.spi)});
      return;
    }
  }
}

}  // namespace

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

void handle_sa_ended(Turn& turn, const SaEnded& ended) {
  if (soft_sa_ended(turn, ended)) return;
  QuickModeSaPair* found = ended.direction == Direction::kInbound
                               ? turn.state.quick_modes.find_inbound(ended.spi)
                               : turn.state.quick_modes.find_outbound(ended.peer, ended.spi);
  if (found == nullptr) {
    fail_unfinished(turn, ended);
    return;
  }
  // A Delete names an inbound SA, so the end of an outbound one alone is nothing to tell; only an idle pair ends as a
  // whole.
  if (ended.direction == Direction::kOutbound) found->has_outbound = false;
  if (ended.direction == Direction::kOutbound && ended.reason != SaEndReason::kIdle) return;
  const QuickModeSaPair pair = *found;
  report_ended(turn, pair, name(ended.reason));
  tell_peer(turn, pair,
            ended.reason == SaEndReason::kPolicy ? WithoutMainMode::kMakeOne : WithoutMainMode::kSayNothing);
  turn.delete_pair(pair);
  forget(turn, pair);
}

void handle_peer_moved(Turn& turn, const PeerMoved& moved) {
  const QuickModeSaPair* pair = turn.state.quick_modes.find_inbound(moved.spi);
  if (pair == nullptr || pair->host.is_any()) return;
  move_host(turn, pair->local, pair->peer, HostBehindNat(pair->host), moved.new_port);
  turn.report("peer_moved", Severity::kInformation,
              fmt::format("{} is at UDP port {} now, before at {}: a translator has changed it", pair->peer.to_string(),
                          moved.new_port, moved.old_port),
              {{"peer", pair->peer.to_string()},
               {"spi_in", fmt::format("{:08x}", moved.spi)},
               {"old_port", fmt::format("{}", moved.old_port)},
               {"new_port", fmt::format("{}", moved.new_port)}});
}

bool pair_deleted_by_peer(Turn& turn, MainModeSa& sa, SecurityProtocol protocol, std::uint32_t spi) {
  const QuickModeSaPair* found = turn.state.quick_modes.find_outbound(sa.peer.address, protocol, spi);
  if (found == nullptr || !belongs_to(*found, sa.proven()->peer_identity) || !may_be_same(found->host, sa.host()))
    return false;
  const QuickModeSaPair pair = *found;
  report_ended(turn, pair, "deleted by peer");
  turn.delete_pair(pair);
  turn.state.quick_modes.remove(pair.inbound_spi);
  return true;
}

void delete_pair(Turn& turn, const QuickModeSaPair& pair) {
  report_ended(turn, pair, "deleted by request");
  tell_peer(turn, pair, WithoutMainMode::kMakeOne);
  turn.delete_pair(pair);
  turn.state.quick_modes.remove(pair.inbound_spi);
}

void end_pairs_of_former_policy(Turn& turn) {
  const IkePolicy& policy = turn.state.policy;
  const bool none_assigned = is_unassigned(policy);
  for (const QuickModeSaPair& pair : turn.state.quick_modes.all()) {
    const bool is_kept = !pair.rule.dynamic || find_filter(policy, pair.rule.outbound_filter_id) != nullptr;
    if (!none_assigned && is_kept) continue;
    report_ended(turn, pair, none_assigned ? "no policy is assigned" : "its dynamic filter is gone");
    tell_peer(turn, pair, WithoutMainMode::kSayNothing);
    turn.delete_pair(pair);
    turn.state.quick_modes.remove(pair.inbound_spi);
  }
}

void handle_driver_restart(Turn& turn) {
  // What the workers compute goes on.
  absl::erase_if(turn.state.requests, [](const auto& entry) {
    const PendingRequest::Kind kind = entry.second.kind;
    return kind == PendingRequest::Kind::kReserveSpi || kind == PendingRequest::Kind::kInstallSa;
  });
  for (const QuickModeSaPair& pair : turn.state.quick_modes.all()) tell_peer(turn, pair, WithoutMainMode::kMakeOne);
  turn.state.quick_modes.clear();
  const Failure failure{FailureReason::kDriverFailed, "the driver has started anew"};
  forget_soft_sas(turn, failure);
  for (const std::uint64_t handle : turn.state.main_modes.all()) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    // The new driver asks again for what it needs: nothing is tried again from here.
    for (const QuickModeWish& wish : take_waiting(turn, sa)) fail_wish(turn, wish, failure);
    for (auto& [id, exchange] : sa.exchanges) {
      // The driver knows nothing yet of one that awaits a filter.
      if (!exchange.finished() && !std::holds_alternative<AwaitingFilter>(exchange.state))
        fail_quick_mode(turn, sa, exchange, failure);
    }
  }
}

bool belongs_to(const QuickModeSaPair& pair, const std::string& peer_identity) {
  return pair.peer_identity.empty() || pair.peer_identity == peer_identity;
}

void adopt_sas(Turn& turn, const DriverSasFound& found) {
  std::size_t adopted = 0;
  for (const SaParameters& inbound : found.sas) {
    if (inbound.direction != Direction::kInbound || turn.state.quick_modes.find_inbound(inbound.spi) != nullptr)
      continue;
    if (inbound.soft) {
      adopt_soft_sa(turn, inbound);
      continue;
    }
    const auto outbound = std::find_if(found.sas.begin(), found.sas.end(), [&](const SaParameters& sa) {
      return sa.direction == Direction::kOutbound && sa.spi == inbound.pair_spi && sa.destination == inbound.source;
    });
    turn.state.quick_modes.add(pair_of(inbound, outbound != found.sas.end() ? &*outbound : nullptr, turn.now));
    ++adopted;
  }
  if (adopted == 0) return;
  turn.report("sas_adopted", Severity::kInformation,
              fmt::format("{} pairs of SAs of an earlier IKE service taken over from the driver", adopted),
              {{"pairs", fmt::format("{}", adopted)}});
}

void handle_delete_request(Turn& turn, const DeleteRequested& request) {
  MainModeTable& table = turn.state.main_modes;
  QuickModeTable& pairs = turn.state.quick_modes;
  const Failure failure{FailureReason::kDeletedByRequest, "an administrator asked for it"};
  // A main mode that is begun below to tell the peer is not meant.
  const std::vector<std::uint64_t> handles = request.peer ? table.with_peer(*request.peer) : table.all();
  for (const std::uint64_t handle : handles) {
    MainModeSa* sa = table.find(handle);
    for (const QuickModeWish& wish : take_waiting(turn, *sa)) fail_wish(turn, wish, failure);
    for (auto& [id, exchange] : sa->exchanges) {
      if (!exchange.finished()) fail_quick_mode(turn, *sa, exchange, failure);
    }
    if (sa->half_open()) fail_main_mode(turn, *sa, failure);
  }
  if (request.quick_mode_too) {
    for (const QuickModeSaPair& pair : request.peer ? pairs.with_peer(*request.peer) : pairs.all())
      delete_pair(turn, pair);
    end_soft_sas(turn, request.peer, "deleted by request");
  }
  for (const std::uint64_t handle : handles) {
    MainModeSa* sa = table.find(handle);
    if (sa != nullptr && !sa->ended) end_main_mode(turn, *sa, TellPeer::kYes, failure);
  }
}

}  // namespace ipsec::ike

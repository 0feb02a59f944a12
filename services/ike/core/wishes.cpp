#include "services/ike/core/wishes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/quick_mode_selector.h"
#include "services/ike/core/soft_sa.h"

namespace ipsec::ike {

namespace {

// The peer's quick mode for the same traffic makes the SAs that are wanted; another one would make them twice.
void join_responder(Turn& turn, QuickModeExchange& exchange, const QuickModeWish& wish) {
  if (exchange.joined) {
    join(*exchange.joined, wish);
    return;
  }
  exchange.joined = wish;
  exchange.joined_until = turn.now + kJoinedPatience;
}

// The driver repeats its pending requests when it reconnects; a request for traffic that is already being negotiated
// joins it, whichever side began.
bool join_running(Turn& turn, const QuickModeWish& wish) {
  if (join_soft_sa(turn, wish)) return true;
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(wish.peer)) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    if (!may_be_same(sa.host(), wish.behind)) continue;
    for (QuickModeWish& waiting : sa.waiting) {
      if (!waiting.same_traffic(wish)) continue;
      join(waiting, wish);
      return true;
    }
    for (auto& [id, exchange] : sa.exchanges) {
      if (exchange.finished() || !exchange.serves(wish)) continue;
      if (exchange.facts.initiator) {
        join(exchange.wish, wish);
      } else {
        join_responder(turn, exchange, wish);
      }
      return true;
    }
  }
  return false;
}

void wait_for(Turn& turn, MainModeSa& sa, QuickModeWish wish) {
  if (sa.waiting.size() >= kMaxWaitingPerPeer || turn.state.waiting >= kMaxWaiting) {
    fail_wish(turn, wish, {FailureReason::kLimitReached, "too many requests wait for main mode"});
    return;
  }
  // SFT-04: who may go on in clear does not wait a minute for a peer that has not said a word. Whether one that has SAs
  // lives is not decided in a hurry.
  const bool silent = std::holds_alternative<AwaitingMessage2>(sa.state) && !sa.peer_has_spoken &&
                      !sa.decides_whether_lives && !does_ipsec(turn.state, wish.local, wish.peer);
  if (silent && may_go_on_in_clear(turn.state.policy, wish)) sa.resender.hasten(turn.now);
  ++turn.state.waiting;
  sa.waiting.push_back(std::move(wish));
}

}  // namespace

void join(QuickModeWish& running, const QuickModeWish& wish) {
  for (const std::uint64_t id : wish.acquire_ids) {
    const bool known =
        std::find(running.acquire_ids.begin(), running.acquire_ids.end(), id) != running.acquire_ids.end();
    if (!known) running.acquire_ids.push_back(id);
  }
  if (running.replaces_spi == 0) running.replaces_spi = wish.replaces_spi;
}

void handle_acquire(Turn& turn, const AcquireRequested& acquire) {
  ++turn.state.statistics.total_acquire;
  QuickModeWish wish;
  wish.acquire_ids = {acquire.acquire_id};
  wish.local = acquire.local;
  wish.peer = acquire.peer;
  const Filter* filter = find_filter(turn.state.policy, acquire.filter_id);
  if (filter == nullptr) {
    fail_unstarted(
        turn, wish,
        {FailureReason::kNoMatchingFilter, fmt::format("filter {:x} of the driver is not in policy '{}' here",
                                                       acquire.filter_id, turn.state.policy.policy_name)});
    return;
  }
  wish.rule = *find_quick_mode_rule(turn.state.policy, acquire.filter_id);
  wish.outbound = negotiated_selector(*filter, acquire.local, acquire.peer);
  if (join_running(turn, wish)) return;
  // It crossed the installing of the SAs that a quick mode of the peer has made.
  if (turn.state.quick_modes.made_since(wish.peer, acquire.filter_id, wish.outbound, turn.now - kJustMade)) {
    turn.actions.emplace_back(AcquireFailed{acquire.acquire_id, FailureReason::kAlreadyServed, "the SA is there"});
    return;
  }
  pursue(turn, std::move(wish));
}

void handle_rekey(Turn& turn, const RekeyRequested& rekey) {
  const QuickModeSaPair* pair = turn.state.quick_modes.find_outbound(rekey.peer, rekey.spi);
  if (pair == nullptr) {
    turn.report("rekey_of_unknown_sa", Severity::kWarning,
                fmt::format("the driver asks for a successor of SA {:08x} to {}, which is not known here", rekey.spi,
                            rekey.peer.to_string()),
                {{"peer", rekey.peer.to_string()}, {"spi", fmt::format("{:08x}", rekey.spi)}});
    return;
  }
  QuickModeWish wish;
  // The policy may have changed since; its present rule for this traffic counts.
  const auto rule = find_quick_mode_rule(turn.state.policy, pair->rule.outbound_filter_id);
  if (!rule) return;
  wish.rule = *rule;
  wish.outbound = pair->outbound;
  wish.local = pair->local;
  wish.peer = pair->peer;
  wish.behind = pair->host;
  wish.replaces_spi = rekey.spi;
  if (!join_running(turn, wish)) pursue(turn, std::move(wish));
}

void pursue(Turn& turn, QuickModeWish wish) {
  MainModeTable& table = turn.state.main_modes;
  if (MainModeSa* sa = table.find_usable(wish.local, wish.peer, wish.behind)) {
    if (sa->exchanges_under_way() < kMaxQuickModesPerMainMode) {
      begin_quick_mode(turn, *sa, std::move(wish), false);
    } else {
      wait_for(turn, *sa, std::move(wish));
    }
    return;
  }
  if (MainModeSa* sa = table.find_negotiating(wish.local, wish.peer, wish.behind)) {
    wait_for(turn, *sa, std::move(wish));
    return;
  }
  auto begun = begin_main_mode(turn, wish.local, wish.peer, wish.behind);
  if (const auto* failure = std::get_if<Failure>(&begun)) {
    fail_unstarted(turn, wish, *failure);
    return;
  }
  wait_for(turn, *std::get<MainModeSa*>(begun), std::move(wish));
}

void start_waiting(Turn& turn, MainModeSa& sa) {
  const bool fresh = turn.now == sa.established_at;
  while (!sa.waiting.empty() && sa.has_room() && sa.exchanges_under_way() < kMaxQuickModesPerMainMode) {
    QuickModeWish wish = std::move(sa.waiting.front());
    sa.waiting.pop_front();
    --turn.state.waiting;
    if (!may_be_same(sa.host(), wish.behind)) {
      fail_wish(turn, wish,
                {FailureReason::kIdentityRefused,
                 fmt::format("the SAs are with {} behind {}, and there {} has answered", wish.behind.identity,
                             wish.peer.to_string(), sa.proven()->peer_identity)});
      continue;
    }
    begin_quick_mode(turn, sa, std::move(wish), fresh);
  }
  if (sa.has_room()) return;
  for (QuickModeWish& wish : take_waiting(turn, sa)) pursue(turn, std::move(wish));
}

std::deque<QuickModeWish> take_waiting(Turn& turn, MainModeSa& sa) {
  turn.state.waiting -= sa.waiting.size();
  return std::exchange(sa.waiting, {});
}

void fail_unstarted(Turn& turn, const QuickModeWish& wish, const Failure& failure) {
  ++turn.state.statistics.negotiation_failures;
  FailedNegotiation failed;
  failed.mode = NegotiationMode::kQuick;
  failed.initiator = true;
  failed.local = {wish.local, 0};
  failed.peer = {wish.peer, 0};
  failed.failure = failure;
  if (failure.explanation) failed.explanation = *failure.explanation;
  failed.explanation.refused_by = Side::kThisHost;
  failed.explanation.at.clear();
  failed.rule_name = wish.rule.rule_name;
  failed.policy_name = wish.rule.policy.name;
  failed.filter = wish.rule.filter_text;
  turn.report_failed(std::move(failed), fmt::format("no negotiation with {}", wish.peer.to_string()));
  fail_wish(turn, wish, failure);
}

void fail_wish(Turn& turn, const QuickModeWish& wish, const Failure& failure) {
  Turn::Fields fields{{"local", wish.local.to_string()},
                      {"peer", wish.peer.to_string()},
                      {"role", "initiator"},
                      {"reason", std::string(name(failure.reason))},
                      {"rule", wish.rule.rule_name},
                      {"quick_mode_policy", wish.rule.policy.name}};
  if (!wish.rule.filter_text.empty()) fields["filter"] = wish.rule.filter_text;
  turn.report("negotiation_failed", Severity::kError,
              fmt::format("no SA with {} for {}: {}: {}", wish.peer.to_string(),
                          wish.rule.filter_text.empty() ? "a packet" : wish.rule.filter_text, name(failure.reason),
                          failure.text),
              std::move(fields));
  turn.state.statistics.acquire_fail += wish.acquire_ids.size();
  for (const std::uint64_t id : wish.acquire_ids)
    turn.actions.emplace_back(AcquireFailed{id, failure.reason, failure.text});
}

void part_from_exchange(Turn& turn, QuickModeWish wish, const Failure& failure) {
  switch (failure.reason) {
    case FailureReason::kPolicyChanged:
    case FailureReason::kDriverFailed:
    case FailureReason::kDeletedByRequest:
      fail_wish(turn, wish, failure);
      return;
    default:
      if (!join_running(turn, wish)) pursue(turn, std::move(wish));
  }
}

void retry_wish(Turn& turn, QuickModeWish wish, const Failure& failure) {
  if (wish.retried) {
    fail_wish(turn, wish, failure);
    return;
  }
  wish.retried = true;
  pursue(turn, std::move(wish));
}

}  // namespace ipsec::ike

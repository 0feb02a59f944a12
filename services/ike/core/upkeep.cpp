#include "services/ike/core/upkeep.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/dead_peer.h"
#include "services/ike/core/default_response.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/sa_pairs.h"
#include "services/ike/core/soft_sa.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

// KEY-11 against KEY-17: replaced early only while SAs depend on it and nothing newer is there.
void replace_main_mode(Turn& turn, MainModeSa& sa) {
  sa.replace_at = kNever;
  MainModeTable& table = turn.state.main_modes;
  const bool needed = turn.state.quick_modes.count_of_main_mode(sa.handle, sa.peer.address) != 0;
  const HostBehindNat host = sa.host();
  const bool newest = table.find_established(sa.local.address, sa.peer.address, host) == &sa;
  if (!needed || !newest || table.find_negotiating(sa.local.address, sa.peer.address, host) != nullptr) return;
  const auto begun = begin_main_mode(turn, sa.local.address, sa.peer.address, host);
  if (const auto* failure = std::get_if<Failure>(&begun)) {
    turn.report(sa, std::string(name(failure->reason)), Severity::kWarning,
                fmt::format("main mode with {} cannot be renewed: {}", sa.peer.to_string(), failure->text));
  }
}

void forget_main_mode(Turn& turn, MainModeSa& sa) {
  abandon_quick_modes(turn, sa, {FailureReason::kLimitReached, "the main mode SA has ended"}, LastMessages::kAbandon);
  turn.state.main_modes.remove(sa.handle);
}

void main_mode_sa_due(Turn& turn, MainModeSa& sa) {
  if (sa.half_open()) {
    main_mode_due(turn, sa);
    return;
  }
  if (!quick_modes_due(turn, sa)) return;
  if (sa.ended) {
    if (turn.now >= sa.ends_at) forget_main_mode(turn, sa);
    return;
  }
  if (turn.now >= sa.keep_alive_at) {
    // Of several main mode SAs over one mapping the newest keeps it alive.
    const bool newest = turn.state.main_modes.find_established(sa.local.address, sa.peer.address, sa.host()) == &sa;
    if (newest) turn.actions.emplace_back(SendKeepAlive{sa.local, sa.peer});
    sa.keep_alive_at = turn.now + kKeepAliveInterval;
  }
  watch_peer(turn, sa);
  if (sa.ended) return;
  if (turn.now >= sa.replace_at) replace_main_mode(turn, sa);
  if (turn.now >= sa.ends_at)
    end_main_mode(turn, sa, TellPeer::kYes, {FailureReason::kLimitReached, "its lifetime is over"});
}

void send_repetitions(Turn& turn) {
  auto& repeated = turn.state.repeated;
  while (!repeated.empty() && repeated.begin()->first <= turn.now) {
    RepeatedDatagram next = std::move(repeated.begin()->second);
    repeated.erase(repeated.begin());
    if (const MainModeSa* sa = turn.state.main_modes.find(next.handle)) next.datagram.peer = sa->peer;
    turn.send(next.datagram.local, next.datagram.peer, next.datagram.bytes);
    if (--next.left == 0) continue;
    next.pause *= 2;
    repeated.emplace(turn.now + next.pause, std::move(next));
  }
}

const Failure kPolicyChanged{FailureReason::kPolicyChanged, "the policy in force no longer has it"};

bool is_covered(const EngineState& state, const MainModeSa& sa) {
  const auto found =
      find_main_mode_rule(state.policy, sa.local.address, sa.peer.address, !sa.initiator, state.certificates);
  const auto* rule = std::get_if<MainModeRule>(&found);
  return rule != nullptr && same_authentication(*rule, sa.facts.rule);
}

bool has_filter(const IkePolicy& policy, const QuickModeRule& rule) {
  return find_filter(policy, rule.outbound_filter_id) != nullptr;
}

void fail_waiting_without_filter(Turn& turn, MainModeSa& sa) {
  for (QuickModeWish& wish : take_waiting(turn, sa)) {
    if (has_filter(turn.state.policy, wish.rule)) {
      sa.waiting.push_back(std::move(wish));
      ++turn.state.waiting;
    } else {
      fail_wish(turn, wish, kPolicyChanged);
    }
  }
}

void apply_policy(Turn& turn, MainModeSa& sa) {
  if (sa.ended) return;
  fail_waiting_without_filter(turn, sa);
  for (auto& [id, exchange] : sa.exchanges) {
    const bool is_under_way = !exchange.finished() && !std::holds_alternative<AwaitingFilter>(exchange.state);
    if (is_under_way && !has_filter(turn.state.policy, exchange.facts.rule))
      fail_quick_mode(turn, sa, exchange, kPolicyChanged);
  }
  if (is_covered(turn.state, sa)) return;
  if (sa.established() != nullptr) {
    end_main_mode(turn, sa, TellPeer::kYes, kPolicyChanged);
  } else {
    fail_main_mode(turn, sa, kPolicyChanged);
  }
}

}  // namespace

void do_what_is_due(Turn& turn) {
  send_repetitions(turn);
  turn.state.main_modes.settle();
  while (MainModeSa* sa = turn.state.main_modes.due(turn.now)) {
    main_mode_sa_due(turn, *sa);
    turn.state.main_modes.settle();
  }
}

Timestamp next_deadline(const EngineState& state) {
  const Timestamp repetition = state.repeated.empty() ? kNever : state.repeated.begin()->first;
  return std::min(repetition, state.main_modes.next_deadline());
}

void apply_policy(Turn& turn) {
  end_pairs_of_former_policy(turn);
  for (const std::uint64_t handle : turn.state.main_modes.all()) {
    if (MainModeSa* sa = turn.state.main_modes.find(handle)) apply_policy(turn, *sa);
  }
  apply_policy_to_soft_sas(turn);
  answer_awaiting_filter(turn);
  turn.state.refused.clear();
}

}  // namespace ipsec::ike

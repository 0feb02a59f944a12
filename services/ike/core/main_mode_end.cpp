#include <utility>

#include <fmt/format.h>

#include "services/ike/core/dead_peer.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_exchange.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/soft_sa.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

FailureReason timeout_reason(const MainModeState& state) {
  if (std::holds_alternative<AwaitingMessage2>(state)) return FailureReason::kTimeoutMessage2;
  if (std::holds_alternative<AwaitingMessage3>(state)) return FailureReason::kTimeoutMessage3;
  if (std::holds_alternative<AwaitingMessage4>(state)) return FailureReason::kTimeoutMessage4;
  if (std::holds_alternative<AwaitingMessage5>(state)) return FailureReason::kTimeoutMessage5;
  if (std::holds_alternative<AwaitingMessage6>(state)) return FailureReason::kTimeoutMessage6;
  // A computation of this host that never ended.
  return FailureReason::kLimitReached;
}

bool knows_fragments(const MainModeSa& sa) {
  return std::visit(
      [](const auto& state) {
        if constexpr (requires { state.choice; }) {
          return state.choice.extensions.fragmentation;
        } else {
          return false;
        }
      },
      sa.state);
}

// What most likely went wrong: what the peer hinted at, what could not be verified, or silence.
Failure timeout_failure(const MainModeSa& sa) {
  if (sa.suspicion) return *sa.suspicion;
  if (sa.resender.hinted()) return *sa.resender.hinted();
  Terms terms;
  if (std::holds_alternative<AwaitingMessage2>(sa.state)) terms.offered = offer_texts(sa.facts.rule.policy);
  return {timeout_reason(sa.state), fmt::format("{} did not answer ({})", sa.peer.to_string(), name(sa.state)),
          std::move(terms)};
}

void forget_failed(Turn& turn, MainModeSa& sa, const Failure& failure) {
  const auto wishes = take_waiting(turn, sa);
  const std::optional<HostBehindNat> dead = sa.decides_whether_lives;
  const IpAddress local = sa.local.address;
  const IpAddress peer = sa.peer.address;
  // SFT-03: only silence shows a host that does not do IPsec. Whoever has said anything at all does, and so does one
  // with which there are SAs.
  const bool silent = sa.initiator && failure.reason == FailureReason::kTimeoutMessage2 && !sa.peer_has_spoken &&
                      !does_ipsec(turn.state, local, peer);
  const std::uint32_t lifetime = sa.facts.rule.policy.lifetime_seconds;
  turn.state.main_modes.remove(sa.handle);
  if (dead) end_sas_of_dead_peer(turn, local, peer, *dead);
  for (const QuickModeWish& wish : wishes) {
    if (silent && may_go_on_in_clear(turn.state.policy, wish)) {
      begin_soft_sa(turn, wish, lifetime);
    } else {
      fail_wish(turn, wish, failure);
    }
  }
}

}  // namespace

Terms different_keys(const MainModeSa& sa) {
  const MainModeChoice* choice = choice_of(sa.state);
  if (choice != nullptr && is_signature(choice->method)) return {};
  const Endpoint& initiator = sa.initiator ? sa.local : sa.peer;
  const Endpoint& responder = sa.initiator ? sa.peer : sa.local;
  return {{fmt::format("a preshared key of {}", initiator.address.to_string())},
          {fmt::format("another preshared key on {}", responder.address.to_string())}};
}

FailedNegotiation failed_main_mode(const MainModeSa& sa, Failure failure, Timestamp now) {
  FailedNegotiation failed;
  failed.mode = NegotiationMode::kMain;
  failed.initiator = sa.initiator;
  failed.local = sa.local;
  failed.peer = sa.peer;
  failed.explanation = explanation_of(sa, failure, now);
  failed.failure = std::move(failure);
  failed.rule_name = sa.facts.rule.rule_name;
  failed.policy_name = sa.facts.rule.policy.name;
  return failed;
}

void main_mode_due(Turn& turn, MainModeSa& sa) {
  if (turn.now >= sa.give_up_at) {
    fail_main_mode(turn, sa, timeout_failure(sa));
    return;
  }
  switch (sa.resender.poll(turn.now)) {
    case Resender::Due::kSendAgain:
      // MS-IKEE 3.3: a message that has stayed unanswered for 3 s may have been too long for the way.
      if (sa.resender.times_sent_again() >= 2) sa.fragmenting = knows_fragments(sa);
      ++turn.state.statistics.retransmissions;
      turn.send(sa, sa.resender.datagram());
      break;
    case Resender::Due::kGiveUp:
      fail_main_mode(turn, sa, timeout_failure(sa));
      break;
    case Resender::Due::kNothing:
      break;
  }
}

void fail_main_mode(Turn& turn, MainModeSa& sa, const Failure& failure) {
  Statistics& statistics = turn.state.statistics;
  const bool reported = !sa.initiator && sa.suspicion.has_value();
  if (!reported) {
    ++statistics.negotiation_failures;
    if (!sa.initiator) ++statistics.receive_fail;
    if (is_about_authentication(failure.reason)) ++statistics.authentication_failures;
    const bool unproven = std::holds_alternative<AwaitingMessage3>(sa.state);
    if (unproven && !turn.may_report_unproven()) {
      forget_failed(turn, sa, failure);
      return;
    }
    Turn::Fields fields = fields_of(sa);
    fields["state"] = name(sa.state);
    turn.report_failed(failed_main_mode(sa, failure, turn.now),
                       fmt::format("main mode with {} failed", sa.peer.to_string()), std::move(fields));
  }
  forget_failed(turn, sa, failure);
}

void end_main_mode(Turn& turn, MainModeSa& sa, TellPeer tell, const Failure& why, LastMessages last) {
  if (tell == TellPeer::kYes) send_main_mode_delete(turn, sa);
  turn.report(sa, "main_mode_ended", Severity::kInformation,
              fmt::format("main mode with {} ended: {}: {}", sa.peer.to_string(), name(why.reason), why.text),
              {{"reason", std::string(name(why.reason))}});
  auto wishes = take_waiting(turn, sa);
  for (QuickModeWish& wish : abandon_quick_modes(turn, sa, why, last)) wishes.push_back(std::move(wish));
  sa.ended = true;
  sa.replace_at = sa.keep_alive_at = sa.probe_at = kNever;
  sa.ends_at = turn.now + kEndedMainModeLifetime;
  for (QuickModeWish& wish : wishes) retry_wish(turn, std::move(wish), why);
}

}  // namespace ipsec::ike

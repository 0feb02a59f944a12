#include "services/ike/core/main_mode.h"

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_exchange.h"
#include "services/ike/core/main_mode_initiator.h"
#include "services/ike/core/main_mode_responder.h"
#include "services/ike/core/main_mode_signatures.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

// RFC 3947 section 4: where a translator was found, everything later keeps to the ports found open then.
std::pair<Endpoint, Endpoint> endpoints_towards(Turn& turn, const IpAddress& local, const IpAddress& peer,
                                                const HostBehindNat& host) {
  const MainModeSa* older = turn.state.main_modes.find_established(local, peer, host);
  if (older != nullptr && older->local.port == kNatTraversalPort) return {older->local, older->peer};
  if (!host.is_any()) return {{local, kNatTraversalPort}, {peer, host.port}};
  return {{local, kIkePort}, {peer, kIkePort}};
}

// INITIAL-CONTACT is the truth only where nothing is known of the peer (RFC 2407 section 4.6.3.3).
bool knows_nothing_else(Turn& turn, const MainModeSa& sa) {
  return !turn.state.main_modes.has_other_established(sa) && !turn.state.quick_modes.any_with(sa.peer.address);
}

void become_established(Turn& turn, MainModeSa& sa) {
  const Established& established = *sa.established();
  sa.established_at = turn.now;
  sa.last_proof = turn.now;
  sa.give_up_at = kNever;
  const Duration lifetime = std::chrono::seconds(established.choice.lifetime_seconds);
  const unsigned percent = sa.initiator ? kMainModeRekeyPercentInitiator : kMainModeRekeyPercentResponder;
  sa.replace_at = turn.now + lifetime / 100 * percent;
  sa.ends_at = turn.now + lifetime;
  if (established.choice.nat.local_behind) sa.keep_alive_at = turn.now + kKeepAliveInterval;
  if (established.choice.extensions.dead_peer_detection) sa.probe_at = turn.now + kPeerSilence;
  turn.state.main_modes.count_established(sa);
  if (const HostBehindNat host = sa.host(); !host.is_any())
    move_host(turn, sa.local.address, sa.peer.address, host, host.port);
  ++turn.state.statistics.main_modes;
  const std::string_view nat = name(established.choice.nat);
  turn.report(sa, "main_mode_established", Severity::kInformation,
              fmt::format("main mode with {} ({}) as {}: {}, {} s{}", sa.peer.to_string(), established.peer_identity,
                          sa.initiator ? "initiator" : "responder", to_string(established.choice.offer),
                          established.choice.lifetime_seconds,
                          nat.empty() ? "" : fmt::format("; {} behind an address translator", nat)),
              {{"offer", to_string(established.choice.offer)},
               {"peer_identity", established.peer_identity},
               {"nat", std::string(nat)}});
  if (established.initial_contact) handle_initial_contact(turn, sa);
  const std::vector<SuiteSpis> deletes = std::exchange(sa.deletes_to_send, {});
  for (const SuiteSpis& spis : deletes) send_quick_mode_delete(turn, sa, spis);
  if (!deletes.empty() && sa.waiting.empty()) {
    end_main_mode(turn, sa, TellPeer::kYes,
                  {FailureReason::kDeletedByRequest, "it was made to delete quick mode SAs only"});
    return;
  }
  start_waiting(turn, sa);
}

std::string role_text(const MainModeSa& sa) {
  return fmt::format("{:016x} with {} as {}", sa.facts.initiator_cookie, sa.peer.to_string(),
                     sa.initiator ? "initiator" : "responder");
}

void log_step(Turn& turn, const MainModeSa& sa) {
  turn.log(LogCategory::kMainMode, kLogSteps, [&] { return fmt::format("{}: {}", role_text(sa), name(sa.state)); });
  const bool knows_nat =
      std::holds_alternative<AwaitingMessage5>(sa.state) || std::holds_alternative<AwaitingMessage6>(sa.state);
  if (!knows_nat) return;
  turn.log(LogCategory::kNat, kLogSteps, [&] {
    const NatFound nat = std::holds_alternative<AwaitingMessage5>(sa.state)
                             ? std::get<AwaitingMessage5>(sa.state).choice.nat
                             : std::get<AwaitingMessage6>(sa.state).choice.nat;
    return fmt::format("{}: {} behind an address translator, ports {} and {}", role_text(sa),
                       nat.any() ? name(nat) : "nobody", sa.local.port, sa.peer.port);
  });
}

// Takes the new state and does what the step wanted done: nothing of it happens before the step has succeeded.
template <typename State>
void commit(Turn& turn, MainModeSa& sa, State next, MainModeEffects effects) {
  sa.resender.stop();
  sa.suspicion.reset();
  sa.state = std::move(next);
  if (effects.float_ports && sa.local.port == kIkePort) sa.local.port = sa.peer.port = kNatTraversalPort;
  if (!effects.send.empty()) send_step(turn, sa, std::move(effects.send));
  if (effects.prove) turn.prove(sa, std::move(*effects.prove));
  if (effects.verify) turn.verify(sa, std::move(*effects.verify));
  log_step(turn, sa);
  if constexpr (std::is_same_v<State, AwaitingMessage5> || std::is_same_v<State, AwaitingMessage6>) {
    if (turn.state.telling_keys)
      turn.actions.emplace_back(TellMainModeKey{sa.facts.initiator_cookie, keys_of(sa.state)->protection.key});
  }
  if (effects.compute) turn.compute(sa, 0, std::move(*effects.compute));
  if constexpr (std::is_same_v<State, ComputingAnswer>) turn.state.main_modes.count_proven(sa);
  if constexpr (std::is_same_v<State, Established>) become_established(turn, sa);
}

template <typename State, typename Event>
std::optional<Ignored> run_step(Turn& turn, MainModeSa& sa, const State& state, const Event& event) {
  if constexpr (LegalTransition<State, Event>) {
    StepContext context{sa.facts, sa.local, sa.peer, turn.state.random, knows_nothing_else(turn, sa), {}};
    auto result = step(state, event, context);
    std::optional<Ignored> ignored;
    std::visit(
        [&](auto&& outcome) {
          using Outcome = std::decay_t<decltype(outcome)>;
          if constexpr (std::is_same_v<Outcome, Ignored>) {
            ignored = std::forward<decltype(outcome)>(outcome);
          } else if constexpr (std::is_same_v<Outcome, Failure>) {
            fail_main_mode(turn, sa, outcome);
          } else {
            commit(turn, sa, std::forward<decltype(outcome)>(outcome), std::move(context.effects));
          }
        },
        std::move(result));
    return ignored;
  } else {
    return Ignored{Ignored::Why::kUnexpected, "nothing of this kind is awaited"};
  }
}

template <typename Event>
std::optional<Ignored> run_step(Turn& turn, MainModeSa& sa, const Event& event) {
  return std::visit([&](const auto& state) { return run_step(turn, sa, state, event); }, sa.state);
}

}  // namespace

std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const MessageReceived& message) {
  return run_step(turn, sa, message);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const DhComputed& computed) {
  return run_step(turn, sa, computed);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const IdentityProven& proven) {
  return run_step(turn, sa, proven);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const PeerVerified& verified) {
  return run_step(turn, sa, verified);
}

std::string rule_text(const MainModeFacts& facts) {
  return fmt::format("{} and {}: rule '{}', main mode policy '{}': {}; {} s, quick modes per main mode {}",
                     facts.local.to_string(), facts.peer.to_string(), facts.rule.rule_name, facts.rule.policy.name,
                     fmt::join(offer_texts(facts.rule.policy), ", "), facts.rule.policy.lifetime_seconds,
                     facts.rule.policy.quick_mode_limit);
}

Cookie fresh_cookie(EngineState& state) {
  for (;;) {
    const Cookie cookie = state.random.u64();
    if (cookie != 0 && !state.main_modes.has_own_cookie(cookie)) return cookie;
  }
}

void send_step(Turn& turn, MainModeSa& sa, Bytes datagram) {
  turn.send(sa, datagram);
  if (sa.initiator) {
    sa.resender.start(std::move(datagram), turn.now);
  } else {
    sa.replies.answer(std::move(datagram));
  }
}

std::variant<MainModeSa*, Failure> begin_main_mode(Turn& turn, const IpAddress& local, const IpAddress& peer,
                                                   const HostBehindNat& host) {
  auto found = find_main_mode_rule(turn.state.policy, local, peer, false, turn.state.certificates);
  if (auto* failure = std::get_if<Failure>(&found)) return std::move(*failure);
  auto made = std::make_unique<MainModeSa>();
  made->initiator = true;
  made->facts = {fresh_cookie(turn.state), 0, local, peer, std::get<MainModeRule>(std::move(found))};
  std::tie(made->local, made->peer) = endpoints_towards(turn, local, peer, host);
  made->meant_for = host;
  made->created = turn.now;
  made->give_up_at = turn.now + kMainModeTime;
  StepContext context{made->facts, made->local, made->peer, turn.state.random, false, {}};
  made->state = start_main_mode(context);
  MainModeSa& sa = turn.state.main_modes.add(std::move(made));
  turn.log(LogCategory::kPolicy, kLogSteps, [&] { return rule_text(sa.facts); });
  send_step(turn, sa, std::move(context.effects.send));
  log_step(turn, sa);
  return &sa;
}

void main_mode_computed(Turn& turn, MainModeSa& sa, const DhComputed& computed) { advance(turn, sa, computed); }

void main_mode_proven(Turn& turn, MainModeSa& sa, const IdentityProven& proven) {
  if (const auto* proof = std::get_if<Proof>(&proven.result)) {
    turn.report(sa, "certificate_chosen", Severity::kInformation,
                fmt::format("for {}: {}", sa.peer.to_string(), proof->how), {});
  } else if (!sa.initiator) {
    send_clear_notify(turn, sa, NotifyType::kAuthenticationFailed);
  }
  advance(turn, sa, proven);
}

void main_mode_verified(Turn& turn, MainModeSa& sa, const PeerVerified& verified) {
  const auto* peer = std::get_if<ProvenPeer>(&verified.result);
  if (peer != nullptr) {
    turn.report(sa, "certificate_accepted", peer->note.empty() ? Severity::kInformation : Severity::kWarning,
                fmt::format("of {}: {}{}{}", sa.peer.to_string(), peer->certificate, peer->note.empty() ? "" : "; ",
                            peer->note),
                {{"certificate", peer->certificate}, {"note", peer->note}});
  } else if (!sa.initiator) {
    // So that the peer need not wait for its time-outs.
    send_clear_notify(turn, sa, NotifyType::kAuthenticationFailed);
  }
  advance(turn, sa, verified);
}

}  // namespace ipsec::ike

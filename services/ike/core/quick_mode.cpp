#include "services/ike/core/quick_mode.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_exchange.h"
#include "services/ike/core/quick_mode_initiator.h"
#include "services/ike/core/quick_mode_responder.h"
#include "services/ike/core/soft_sa.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

std::uint32_t fresh_message_id(EngineState& state, MainModeSa& sa) {
  for (;;) {
    const std::uint32_t id = state.random.u32();
    if (id != 0 && sa.used_message_ids.insert(id).second) return id;
  }
}

ProtectionSuite suite_of(const SaParameters& sa) {
  if (sa.protocol == SecurityProtocol::kAh) return {sa.integrity, std::nullopt};
  return {sa.ah ? std::optional(sa.ah->integrity) : std::nullopt, EspOffer{sa.cipher, sa.integrity}};
}

void report_established(Turn& turn, const MainModeSa& sa, const QuickModeExchange& exchange, const SaPair& pair) {
  const SaParameters& out = pair.outbound;
  const ProtectionSuite suite = suite_of(out);
  const bool unasked = out.pfs_group != DhGroup::kNone && !exchange.facts.rule.policy.pfs;
  const std::string pfs = out.pfs_group == DhGroup::kNone
                              ? ""
                              : fmt::format(", PFS {}{}", info(out.pfs_group).name,
                                            unasked ? " (accepted though the policy does not ask for it)" : "");
  Turn::Fields fields = fields_of(exchange);
  fields["spi_in"] = fmt::format("{:08x}", pair.inbound.spi);
  fields["spi_out"] = fmt::format("{:08x}", out.spi);
  fields["offer"] = to_string(suite);
  turn.report(sa, "quick_mode_established", Severity::kInformation,
              fmt::format("SAs with {} for {}: {} in {} mode{}, SPIs {:08x} in and {:08x} out", sa.peer.to_string(),
                          exchange.facts.outbound.to_string(), to_string(suite), name(out.encapsulation), pfs,
                          pair.inbound.spi, out.spi),
              std::move(fields));
}

void become_established(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const SaPair& pair) {
  QuickModeSaPair record;
  record.inbound_spi = pair.inbound.spi;
  record.outbound_spi = pair.outbound.spi;
  record.protocol = pair.inbound.protocol;
  if (pair.inbound.ah) record.inbound_ah_spi = pair.inbound.ah->spi;
  if (pair.outbound.ah) record.outbound_ah_spi = pair.outbound.ah->spi;
  record.local = exchange.facts.local;
  record.peer = exchange.facts.peer;
  record.host = sa.host();
  record.peer_identity = sa.proven()->peer_identity;
  record.main_mode_handle = sa.handle;
  record.rule = exchange.facts.rule;
  record.outbound = exchange.facts.outbound;
  record.established_at = turn.now;
  end_soft_sas(turn, record.peer, "the peer does IPsec");
  const HostBehindNat host = record.host;
  const std::vector<std::uint32_t> replaced = turn.state.quick_modes.add(std::move(record));
  if (!host.is_any()) {
    // The driver tells hosts behind one address apart by ports, which may have changed since this exchange began.
    for (const std::uint32_t spi : replaced)
      turn.delete_sa(spi, Direction::kOutbound, pair.outbound.protocol, pair.outbound.destination);
    if (pair.inbound.udp_peer_port != host.port) turn.actions.emplace_back(MovePeer{pair.inbound.spi, host.port});
  }
  ++turn.state.statistics.quick_modes;
  report_established(turn, sa, exchange, pair);
}

void send_step(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Bytes datagram) {
  turn.send(sa, datagram);
  // Message 3 needs no answer; a repeated message 2 gets it again. Message 2 does: without message 3 the responder has
  // no outbound SA. And so does message 3 where message 4 is promised.
  const bool awaits_answer = std::holds_alternative<AwaitingAnswer>(exchange.state) ||
                             std::holds_alternative<AwaitingConfirmation>(exchange.state) ||
                             std::holds_alternative<AwaitingConnected>(exchange.state);
  exchange.replies.answer(datagram);
  if (awaits_answer) exchange.resender.start(std::move(datagram), turn.now);
}

void release(Turn& turn, QuickModeExchange& exchange, const SuiteSpis& unused) {
  for (const SecurityProtocol protocol : {SecurityProtocol::kEsp, SecurityProtocol::kAh}) {
    if (unused.of(protocol) == 0) continue;
    turn.delete_sa(unused.of(protocol), Direction::kInbound, protocol, exchange.facts.peer);
    exchange.own_spis.of(protocol) = 0;
  }
}

template <typename State>
void commit(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, State next, QuickModeEffects effects) {
  const bool was_finished = exchange.finished();
  const std::uint32_t message_id = exchange.facts.message_id;
  exchange.resender.stop();
  exchange.connected_until = std::is_same_v<State, AwaitingConnected> ? turn.now + kConnectedPatience : kNever;
  if constexpr (std::is_same_v<State, QuickModeFinished>) {
    finish(turn, exchange, std::move(next));
  } else {
    exchange.state = std::move(next);
  }
  for (const SecurityProtocol protocol : effects.reserve) turn.reserve_spi(sa, message_id, protocol);
  release(turn, exchange, effects.release);
  if (effects.compute) turn.compute(sa, message_id, std::move(*effects.compute));
  for (SaParameters& parameters : effects.install) turn.install(sa, message_id, std::move(parameters));
  if (!effects.send.empty()) send_step(turn, sa, exchange, std::move(effects.send));
  if (effects.initial_contact && !sa.ended) handle_initial_contact(turn, sa);
  if constexpr (std::is_same_v<State, QuickModeFinished>) {
    if (was_finished) return;
    const auto& finished = std::get<QuickModeFinished>(exchange.state);
    become_established(turn, sa, exchange, *finished.pair);
    start_waiting(turn, sa);
  }
}

template <typename Event>
std::optional<Ignored> run_step(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const Event& event) {
  QuickModeContext context{exchange.facts, *sa.proven(), turn.state.random, {}};
  std::optional<Ignored> ignored;
  const auto take = [&](auto&& outcome) {
    using Outcome = std::decay_t<decltype(outcome)>;
    if constexpr (std::is_same_v<Outcome, Ignored>) {
      ignored = std::forward<decltype(outcome)>(outcome);
    } else if constexpr (std::is_same_v<Outcome, Failure>) {
      fail_quick_mode(turn, sa, exchange, outcome);
    } else {
      commit(turn, sa, exchange, std::forward<decltype(outcome)>(outcome), std::move(context.effects));
    }
  };
  std::visit(
      [&](const auto& state) {
        using State = std::decay_t<decltype(state)>;
        if constexpr (LegalTransition<State, Event>) {
          auto result = step(state, event, context);
          std::visit(take, std::move(result));
        } else {
          ignored = Ignored{Ignored::Why::kUnexpected, "nothing of this kind is awaited"};
        }
      },
      exchange.state);
  return ignored;
}

QuickModeExchange* find_live(MainModeSa& sa, std::uint32_t message_id) {
  const auto found = sa.exchanges.find(message_id);
  return found != sa.exchanges.end() && !found->second.finished() ? &found->second : nullptr;
}

}  // namespace

std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange,
                               const MessageReceived& message) {
  return run_step(turn, sa, exchange, message);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const DhComputed& computed) {
  return run_step(turn, sa, exchange, computed);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const OwnSpi& own) {
  return run_step(turn, sa, exchange, own);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const PatienceOver& over) {
  return run_step(turn, sa, exchange, over);
}
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const SaInstalled& installed) {
  return run_step(turn, sa, exchange, installed);
}

void enter(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, PreparingAnswer first, QuickModeEffects effects) {
  commit(turn, sa, exchange, std::move(first), std::move(effects));
}

Choice<QuickModePolicy> carriable(const EngineState& state, const Established& main_mode,
                                  const QuickModePolicy& policy) {
  const NatFound& nat = main_mode.choice.nat;
  if (nat.any() && !state.driver.udp_encapsulation) {
    return Failure{
        FailureReason::kNatUnsupported,
        fmt::format("{} behind an address translator, and the IPsec driver of this host does not carry ESP in UDP",
                    name(nat))};
  }
  if (!nat.any() && state.driver.ah) return policy;
  QuickModePolicy rest = policy;
  std::erase_if(rest.offers, [](const QuickModeOffer& offer) { return offer.ah.has_value(); });
  if (!rest.offers.empty()) return rest;
  if (nat.any()) {
    return Failure{
        FailureReason::kAhBehindNat,
        fmt::format("{} behind an address translator, which changes what AH protects, and policy '{}' has no "
                    "offer without AH: {}; ESP alone passes",
                    name(nat), policy.name, offers_text(policy)),
        {offer_texts(policy), {}}};
  }
  return Failure{FailureReason::kDriverFailed,
                 fmt::format("the IPsec driver of this host has no AH, and policy '{}' has no offer without: {}",
                             policy.name, offers_text(policy)),
                 {offer_texts(policy), {}}};
}

QuickModeFacts facts_of(const MainModeSa& sa, std::uint32_t message_id, bool initiator) {
  QuickModeFacts facts;
  facts.initiator_cookie = sa.facts.initiator_cookie;
  facts.responder_cookie = sa.facts.responder_cookie;
  facts.message_id = message_id;
  facts.initiator = initiator;
  facts.local = sa.local.address;
  facts.peer = sa.peer.address;
  if (sa.proven()->choice.nat.any()) {
    facts.udp_local_port = sa.local.port;
    facts.udp_peer_port = sa.peer.port;
  }
  return facts;
}

void finish(Turn& turn, QuickModeExchange& exchange, QuickModeFinished state) {
  exchange.resender.stop();
  exchange.joined.reset();
  exchange.joined_until = kNever;
  exchange.connected_until = kNever;
  exchange.forget_at = turn.now + kFinishedQuickModeLifetime;
  exchange.state = std::move(state);
}

Turn::Fields fields_of(const QuickModeExchange& exchange) {
  return {{"filter", exchange.facts.rule.filter_text},
          {"quick_mode_policy", exchange.facts.rule.policy.name},
          {"rule", exchange.facts.rule.rule_name},
          {"role", exchange.facts.initiator ? "initiator" : "responder"},
          {"selector", exchange.facts.outbound.to_string()}};
}

void begin_quick_mode(Turn& turn, MainModeSa& sa, QuickModeWish wish, bool on_fresh_main_mode) {
  const std::uint32_t message_id = fresh_message_id(turn.state, sa);
  QuickModeFacts facts = facts_of(sa, message_id, true);
  facts.rule = wish.rule;
  facts.outbound = wish.outbound;
  facts.replaces_spi = wish.replaces_spi;
  auto carried = carriable(turn.state, *sa.established(), wish.rule.policy);
  if (const auto* failure = std::get_if<Failure>(&carried)) {
    fail_unstarted(turn, wish, *failure);
    return;
  }
  facts.rule.policy = std::get<QuickModePolicy>(std::move(carried));
  QuickModeContext context{facts, *sa.established(), turn.state.random, {}};
  auto started = start_quick_mode(context);
  if (const auto* failure = std::get_if<Failure>(&started)) {
    fail_unstarted(turn, wish, *failure);
    return;
  }
  ++sa.quick_modes;
  QuickModeExchange& exchange = sa.exchanges[message_id];
  exchange.facts = std::move(facts);
  exchange.wish = std::move(wish);
  exchange.on_fresh_main_mode = on_fresh_main_mode;
  exchange.created = turn.now;
  exchange.forget_at = turn.now + kQuickModeTime;
  commit(turn, sa, exchange, std::get<PreparingOffer>(std::move(started)), std::move(context.effects));
}

bool quick_mode_computed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const DhComputed& computed) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  return exchange != nullptr && !advance(turn, sa, *exchange, computed);
}

bool quick_mode_spi_reserved(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const OwnSpi& own) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  if (exchange == nullptr) return false;
  exchange->own_spis.of(own.protocol) = own.spi;
  return !advance(turn, sa, *exchange, own);
}

bool quick_mode_sa_installed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const SaInstalled& installed) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  return exchange != nullptr && !advance(turn, sa, *exchange, installed);
}

void quick_mode_driver_failed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const std::string& text) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  if (exchange == nullptr) return;
  fail_quick_mode(turn, sa, *exchange, {FailureReason::kDriverFailed, fmt::format("the driver refused: {}", text)});
}

}  // namespace ipsec::ike

#include <utility>

#include <fmt/format.h>

#include "services/ike/core/explain.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_exchange.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

// Gives back what the driver holds for an exchange that comes to nothing.
void release_sas(Turn& turn, const QuickModeExchange& exchange) {
  const IpAddress& peer = exchange.facts.peer;
  for (const SecurityProtocol protocol : {SecurityProtocol::kEsp, SecurityProtocol::kAh}) {
    const std::uint32_t spi = exchange.own_spis.of(protocol);
    if (spi != 0) turn.delete_sa(spi, Direction::kInbound, protocol, peer);
  }
  const auto release_outbound = [&](const SaParameters& sa) {
    turn.delete_sa(sa.spi, Direction::kOutbound, sa.protocol, peer);
  };
  if (const auto* installing = std::get_if<InstallingPair>(&exchange.state))
    release_outbound(installing->pair.outbound);
  if (const auto* installing = std::get_if<InstallingOutbound>(&exchange.state))
    release_outbound(installing->pair.outbound);
}

// From message 1 on the initiator's, from message 2 on the responder's SPI is known to the peer.
bool peer_knows_spi(const QuickModeExchange& exchange) {
  return exchange.own_spis.name() != 0 && !std::holds_alternative<PreparingOffer>(exchange.state) &&
         !std::holds_alternative<PreparingAnswer>(exchange.state) &&
         !std::holds_alternative<InstallingInbound>(exchange.state);
}

// Both sides have agreed; the SAs are being installed, or message 3 is on its way.
bool is_nearly_done(const QuickModeExchange& exchange) {
  return std::holds_alternative<InstallingPair>(exchange.state) ||
         std::holds_alternative<AwaitingConnected>(exchange.state) ||
         std::holds_alternative<AwaitingConfirmation>(exchange.state) ||
         std::holds_alternative<InstallingOutbound>(exchange.state);
}

Failure timeout_failure(const MainModeSa& sa, const QuickModeExchange& exchange) {
  if (exchange.resender.hinted()) return *exchange.resender.hinted();
  const bool initiator = exchange.facts.initiator;
  return {initiator ? FailureReason::kTimeoutQuickMode2 : FailureReason::kTimeoutQuickMode3,
          fmt::format("{} did not answer quick mode message {}", sa.peer.to_string(), initiator ? 1 : 2),
          {initiator ? offered_terms(exchange.facts) : std::vector<std::string>(), {}}};
}

// What is wrong with an exchange that has taken too long on this host.
Failure overdue_failure(const QuickModeExchange& exchange) {
  if (!std::holds_alternative<AwaitingFilter>(exchange.state))
    return {FailureReason::kDriverFailed, "the driver did not answer in time"};
  return {FailureReason::kNoMatchingFilter,
          fmt::format("the policy agent made no filter for {} within {} s", exchange.facts.outbound.to_string(),
                      std::chrono::duration_cast<std::chrono::seconds>(kFilterPatience).count())};
}

// A peer that has missed the last answer repeats its message, and must not find SAs in the answer of before: of message
// 2 it learns that it is refused, of message 4 that the SAs are gone.
void answer_repetitions_of_failed(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const Failure& failure,
                                  Bytes gone) {
  if (const auto* waiting = std::get_if<AwaitingConfirmation>(&exchange.state)) {
    const SuiteSpis peers = waiting->pair.outbound.spis();
    exchange.replies.answer(write_notify(turn, sa, refusal_of(failure.reason), peers.protocol(), peers.name(), {}));
  } else {
    exchange.replies.answer(std::move(gone));
  }
}

// RTY-04, RTY-05: silence on a main mode SA that was made earlier means that the peer has lost it. False: the SA is
// gone.
bool give_up(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange) {
  const Failure failure = timeout_failure(sa, exchange);
  const bool silent = sa.last_quick_mode <= exchange.created && !sa.ended;
  if (!exchange.facts.initiator || exchange.on_fresh_main_mode || !silent) {
    fail_quick_mode(turn, sa, exchange, failure);
    return true;
  }
  report_failure(turn, sa, exchange, failure);
  send_quick_mode_delete(turn, sa, exchange.own_spis);
  end_main_mode(turn, sa, TellPeer::kYes, failure);
  return false;
}

}  // namespace

NotifyType refusal_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNoMatchingFilter:
    case FailureReason::kInvalidIdentity:
      return NotifyType::kInvalidIdInformation;
    case FailureReason::kInvalidKeyExchange:
      return NotifyType::kInvalidKeyInformation;
    case FailureReason::kDriverFailed:
      return NotifyType::kInvalidSpi;
    default:
      return NotifyType::kNoProposalChosen;
  }
}

void report_failure(Turn& turn, const MainModeSa& sa, const QuickModeExchange& exchange, const Failure& failure) {
  Statistics& statistics = turn.state.statistics;
  ++statistics.negotiation_failures;
  if (!exchange.facts.initiator) ++statistics.receive_fail;
  FailedNegotiation failed;
  failed.mode = NegotiationMode::kQuick;
  failed.initiator = exchange.facts.initiator;
  failed.local = sa.local;
  failed.peer = sa.peer;
  failed.failure = failure;
  failed.explanation = explanation_of(sa, exchange, failure, turn.now);
  failed.rule_name = exchange.facts.rule.rule_name;
  failed.policy_name = exchange.facts.rule.policy.name;
  failed.filter = exchange.facts.rule.filter_text;
  Turn::Fields fields = fields_of(exchange);
  fields.merge(fields_of(sa));
  turn.report_failed(std::move(failed), fmt::format("quick mode with {} failed", sa.peer.to_string()),
                     std::move(fields));
}

bool quick_modes_due(Turn& turn, MainModeSa& sa) {
  for (auto entry = sa.exchanges.begin(); entry != sa.exchanges.end();) {
    QuickModeExchange& exchange = entry->second;
    if (turn.now >= exchange.forget_at && exchange.finished()) {
      entry = sa.exchanges.erase(entry);
      continue;
    }
    ++entry;
    if (turn.now >= exchange.forget_at) {
      fail_quick_mode(turn, sa, exchange, overdue_failure(exchange));
      continue;
    }
    if (turn.now >= exchange.joined_until) {
      exchange.joined_until = kNever;
      pursue(turn, *std::exchange(exchange.joined, std::nullopt));
    }
    if (turn.now >= exchange.connected_until) advance(turn, sa, exchange, PatienceOver{});
    const Resender::Due due = exchange.resender.poll(turn.now);
    if (due == Resender::Due::kSendAgain) {
      ++turn.state.statistics.retransmissions;
      turn.send(sa, exchange.resender.datagram());
    } else if (due == Resender::Due::kGiveUp && !give_up(turn, sa, exchange)) {
      return false;
    }
  }
  return true;
}

void fail_quick_mode(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const Failure& failure, TellPeer tell) {
  report_failure(turn, sa, exchange, failure);
  release_sas(turn, exchange);
  if (tell == TellPeer::kYes && peer_knows_spi(exchange)) {
    Bytes gone = send_quick_mode_delete(turn, sa, exchange.own_spis);
    if (!exchange.facts.initiator) answer_repetitions_of_failed(turn, sa, exchange, failure, std::move(gone));
  } else if (tell == TellPeer::kYes && !exchange.facts.initiator) {
    exchange.replies.answer(send_notify(turn, sa, refusal_of(failure.reason), SecurityProtocol::kEsp, 0, {}));
  }
  const QuickModeWish wish = std::move(exchange.wish);
  auto joined = std::exchange(exchange.joined, std::nullopt);
  const bool initiator = exchange.facts.initiator;
  finish(turn, exchange, {});
  if (initiator) fail_wish(turn, wish, failure);
  if (joined) part_from_exchange(turn, std::move(*joined), failure);
  start_waiting(turn, sa);
}

std::deque<QuickModeWish> abandon_quick_modes(Turn& turn, MainModeSa& sa, const Failure& why, LastMessages last) {
  std::deque<QuickModeWish> wishes;
  for (auto& [id, exchange] : sa.exchanges) {
    if (exchange.finished() || (last == LastMessages::kAwait && is_nearly_done(exchange))) continue;
    release_sas(turn, exchange);
    if (exchange.facts.initiator) {
      wishes.push_back(std::move(exchange.wish));
    } else {
      report_failure(turn, sa, exchange, why);
      if (exchange.joined) wishes.push_back(std::move(*exchange.joined));
    }
    finish(turn, exchange, {});
  }
  return wishes;
}

QuickModeExchange* find_exchange_by_peer_spi(MainModeSa& sa, SecurityProtocol protocol, std::uint32_t spi) {
  for (auto& [id, exchange] : sa.exchanges) {
    const SaPair* pair = nullptr;
    if (const auto* state = std::get_if<InstallingPair>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<AwaitingConnected>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<InstallingInbound>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<AwaitingConfirmation>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<InstallingOutbound>(&exchange.state)) pair = &state->pair;
    if (pair != nullptr && pair->outbound.spis().of(protocol) == spi) return &exchange;
  }
  return nullptr;
}

}  // namespace ipsec::ike

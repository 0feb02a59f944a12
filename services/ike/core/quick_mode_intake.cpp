#include <utility>

#include <fmt/format.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_exchange.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/quick_mode_responder.h"

namespace ipsec::ike {

namespace {

void count_ignored(Turn& turn, const Ignored& ignored) {
  Statistics& statistics = turn.state.statistics;
  switch (ignored.why) {
    case Ignored::Why::kMalformed:
      ++statistics.invalid_packets_received;
      break;
    case Ignored::Why::kUnexpected:
      ++statistics.unexpected_messages;
      break;
    case Ignored::Why::kNotAuthentic:
      ++statistics.undecryptable_messages;
      break;
  }
}

void receive_known(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const Header& header,
                   const DatagramReceived& datagram) {
  const Digest digest = digest_of(datagram.bytes);
  if (exchange.replies.is_repetition(digest)) {
    if (exchange.replies.answer().empty()) return;
    ++turn.state.statistics.duplicates_answered;
    turn.send(sa, exchange.replies.answer());
    return;
  }
  const bool fourth_message = exchange.finished() || std::holds_alternative<AwaitingConnected>(exchange.state);
  const ReplyStore before = exchange.replies;
  exchange.replies.begin(digest);
  if (const auto ignored = advance(turn, sa, exchange, MessageReceived{header, datagram.bytes})) {
    exchange.replies = before;
    count_ignored(turn, *ignored);
    return;
  }
  sa.last_proof = sa.last_quick_mode = turn.now;
  follow_peer(turn, sa, datagram);
  // It needs no answer, and a repeated message 2 still does.
  if (fourth_message) exchange.replies = before;
}

// What a refusal of message 1 is about: its first proposal.
struct FirstProposal {
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  std::uint32_t spi = 0;
};
FirstProposal first_proposal(const PayloadChain& message1) {
  const Proposal& proposal = message1.find<SaPayload>()->proposals.front();
  const bool is_ah = proposal.protocol == static_cast<std::uint8_t>(SecurityProtocol::kAh);
  return {is_ah ? SecurityProtocol::kAh : SecurityProtocol::kEsp,
          proposal.spi.size() == 4 ? load_u32(proposal.spi.data()) : 0};
}

// The refusal is remembered like an answer, so that a repeated message 1 gets it again.
void refuse(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const FirstProposal& about,
            const Failure& failure) {
  report_failure(turn, sa, exchange, failure);
  Bytes alternatives;
  if (failure.explanation && sa.proven()->choice.extensions.explanations)
    alternatives = failure.explanation->alternatives;
  exchange.replies.answer(
      send_notify(turn, sa, refusal_of(failure.reason), about.protocol, about.spi, std::move(alternatives)));
  finish(turn, exchange, {});
}

// The candidates with what can be carried of their policies. Failure: that of the first one.
Choice<QuickModeMatch> carried(const EngineState& state, const Established& main_mode, const QuickModeMatch& match) {
  QuickModeMatch left{{}, match.identities};
  std::optional<Failure> first;
  for (QuickModeCandidate candidate : match.candidates) {
    auto policy = carriable(state, main_mode, candidate.rule.policy);
    if (auto* failure = std::get_if<Failure>(&policy)) {
      if (!first) first = std::move(*failure);
      continue;
    }
    candidate.rule.policy = std::get<QuickModePolicy>(std::move(policy));
    left.candidates.push_back(std::move(candidate));
  }
  if (left.candidates.empty()) return *first;
  return left;
}

void begin_answer(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram, Opened message1) {
  sa.last_proof = sa.last_quick_mode = turn.now;
  follow_peer(turn, sa, datagram);
  sa.used_message_ids.insert(header.message_id);
  QuickModeExchange& exchange = sa.exchanges[header.message_id];
  exchange.facts = facts_of(sa, header.message_id, false);
  exchange.created = turn.now;
  exchange.forget_at = turn.now + kQuickModeTime;
  exchange.replies.begin(digest_of(datagram.bytes));
  handle_notifies(turn, sa, message1.chain);
  answer_message1(turn, sa, exchange, std::move(message1));
}

void receive_message1(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram) {
  Statistics& statistics = turn.state.statistics;
  // QM-10, QM-17: a message id serves once; with that a message 1 of the past is dead.
  if (sa.used_message_ids.contains(header.message_id) || sa.exchanges_under_way() >= kMaxQuickModesPerMainMode) {
    ++statistics.unexpected_messages;
    return;
  }
  const MessageReceived message{header, datagram.bytes};
  auto read =
      open_phase2(*sa.established(), message, first_iv(*sa.established(), header.message_id), MessageKind::kQuickMode1);
  if (const auto* ignored = std::get_if<Ignored>(&read)) {
    count_ignored(turn, *ignored);
    return;
  }
  auto& opened = std::get<Opened>(read);
  const Phase1Keys& keys = sa.established()->keys;
  if (!has_hash(opened.chain,
                message_hash(keys.hash, keys.family.skeyid_a.view(), header.message_id, opened.chain.after_first()))) {
    ++statistics.undecryptable_messages;
    return;
  }
  if (!sa.has_room()) {
    end_main_mode(turn, sa, TellPeer::kYes,
                  {FailureReason::kLimitReached,
                   fmt::format("all {} quick modes of this main mode are used up", sa.quick_mode_limit())});
    return;
  }
  begin_answer(turn, sa, header, datagram, std::move(opened));
}

}  // namespace

void answer_message1(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Opened message1) {
  const FirstProposal about = first_proposal(message1.chain);
  const auto matched =
      match_quick_mode_request(message1.chain, turn.state.policy, *sa.established(), sa.local.address, sa.peer.address);
  if (const auto* failure = std::get_if<Failure>(&matched)) {
    refuse(turn, sa, exchange, about, *failure);
    return;
  }
  // What a refusal is reported with.
  const QuickModeCandidate& first = std::get<QuickModeMatch>(matched).candidates.front();
  exchange.facts.rule = first.rule;
  exchange.facts.outbound = first.outbound;
  turn.log(LogCategory::kPolicy, kLogSteps, [&] {
    return fmt::format("{} asks for {}: rule '{}', {}, quick mode policy '{}': {}", sa.peer.to_string(),
                       exchange.facts.outbound.mirrored().to_string(), exchange.facts.rule.rule_name,
                       exchange.facts.rule.filter_text, exchange.facts.rule.policy.name,
                       offers_text(exchange.facts.rule.policy));
  });
  const auto possible = carried(turn.state, *sa.established(), std::get<QuickModeMatch>(matched));
  if (const auto* failure = std::get_if<Failure>(&possible)) {
    refuse(turn, sa, exchange, about, *failure);
    return;
  }
  const auto& match = std::get<QuickModeMatch>(possible);
  const auto chosen = choose_quick_mode_answer(message1.chain, match, *sa.established(), sa.facts.rule.policy);
  if (const auto* failure = std::get_if<Failure>(&chosen)) {
    refuse(turn, sa, exchange, about, *failure);
    return;
  }
  const auto& request = std::get<QuickModeRequest>(chosen);
  // Once, however long it waits for a filter.
  if (!std::holds_alternative<AwaitingFilter>(exchange.state)) ++sa.quick_modes;
  if (request.rule.outbound_filter_id == 0) {
    await_filter(turn, sa, exchange, std::move(message1));
    return;
  }
  exchange.facts.rule = request.rule;
  exchange.facts.outbound = request.outbound;
  exchange.facts.replaces_spi = turn.state.quick_modes.outbound_in_use(
      sa.peer.address, sa.host(), request.rule.outbound_filter_id, request.outbound);
  QuickModeContext context{exchange.facts, *sa.established(), turn.state.random, {}};
  PreparingAnswer next = answer_quick_mode(request, std::move(message1.next_iv), context);
  enter(turn, sa, exchange, std::move(next), std::move(context.effects));
}

void receive_quick_mode(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram) {
  if (header.message_id == 0) {
    ++turn.state.statistics.invalid_packets_received;
    return;
  }
  const auto known = sa.exchanges.find(header.message_id);
  if (known != sa.exchanges.end()) {
    receive_known(turn, sa, known->second, header, datagram);
  } else if (sa.ended) {
    answer_invalid_cookie(turn, header, datagram);
  } else {
    receive_message1(turn, sa, header, datagram);
  }
}

}  // namespace ipsec::ike

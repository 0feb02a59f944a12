#include "services/ike/core/quick_mode.h"

#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"
#include "services/ike/core/quick_mode_initiator.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/quick_mode_responder.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

std::uint32_t fresh_message_id(EngineState& state, MainModeSa& sa) {
  for (;;) {
    const std::uint32_t id = state.random.u32();
    if (id != 0 && sa.used_message_ids.insert(id).second) return id;
  }
}

QuickModeFacts facts_of(const MainModeSa& sa, std::uint32_t message_id, bool initiator) {
  QuickModeFacts facts;
  facts.initiator_cookie = sa.facts.initiator_cookie;
  facts.responder_cookie = sa.facts.responder_cookie;
  facts.message_id = message_id;
  facts.initiator = initiator;
  facts.local = sa.local.address;
  facts.peer = sa.peer.address;
  return facts;
}

void finish(Turn& turn, QuickModeExchange& exchange, QuickModeFinished state) {
  exchange.resender.stop();
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

void report_established(Turn& turn, const MainModeSa& sa, const QuickModeExchange& exchange, const SaPair& pair) {
  const SaParameters& out = pair.outbound;
  const EspOffer esp{out.cipher, out.integrity};
  const bool unasked = out.pfs_group != DhGroup::kNone && !exchange.facts.rule.policy.pfs;
  const std::string pfs = out.pfs_group == DhGroup::kNone
                              ? ""
                              : fmt::format(", PFS {}{}", info(out.pfs_group).name,
                                            unasked ? " (accepted though the policy does not ask for it)" : "");
  Turn::Fields fields = fields_of(exchange);
  fields["spi_in"] = fmt::format("{:08x}", pair.inbound.spi);
  fields["spi_out"] = fmt::format("{:08x}", out.spi);
  fields["offer"] = to_string(esp);
  turn.report(sa, "quick_mode_established", Severity::kInformation,
              fmt::format("SAs with {} for {}: {} in {} mode{}, SPIs {:08x} in and {:08x} out", sa.peer.to_string(),
                          exchange.facts.outbound.to_string(), to_string(esp), name(out.encapsulation), pfs,
                          pair.inbound.spi, out.spi),
              std::move(fields));
}

void become_established(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const SaPair& pair) {
  QuickModeSaPair record;
  record.inbound_spi = pair.inbound.spi;
  record.outbound_spi = pair.outbound.spi;
  record.local = exchange.facts.local;
  record.peer = exchange.facts.peer;
  record.peer_identity = sa.proven()->peer_identity;
  record.main_mode_handle = sa.handle;
  record.rule = exchange.facts.rule;
  record.outbound = exchange.facts.outbound;
  record.established_at = turn.now;
  turn.state.quick_modes.add(std::move(record));
  ++turn.state.statistics.quick_modes;
  report_established(turn, sa, exchange, pair);
}

void send_step(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Bytes datagram) {
  turn.send(sa, datagram);
  // Message 3 needs no answer; a repeated message 2 gets it again. Message 2 does: without message 3 the responder has
  // no outbound SA.
  const bool awaits_answer = std::holds_alternative<AwaitingAnswer>(exchange.state) ||
                             std::holds_alternative<AwaitingConfirmation>(exchange.state);
  exchange.replies.answer(datagram);
  if (awaits_answer || exchange.awaits_message4) exchange.resender.start(std::move(datagram), turn.now);
}

template <typename State>
void commit(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, State next, QuickModeEffects effects) {
  const bool was_finished = exchange.finished();
  const std::uint32_t message_id = exchange.facts.message_id;
  exchange.resender.stop();
  if constexpr (std::is_same_v<State, QuickModeFinished>) {
    finish(turn, exchange, std::move(next));
  } else {
    exchange.state = std::move(next);
  }
  if (effects.reserve_spi) turn.reserve_spi(sa, message_id);
  if (effects.compute) turn.compute(sa, message_id, std::move(*effects.compute));
  for (SaParameters& parameters : effects.install) turn.install(sa, message_id, std::move(parameters));
  if (!effects.send.empty()) send_step(turn, sa, exchange, std::move(effects.send));
  if constexpr (std::is_same_v<State, QuickModeFinished>) {
    if (effects.initial_contact && !sa.ended) handle_initial_contact(turn, sa);
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
      ignored = std::move(outcome);
    } else if constexpr (std::is_same_v<Outcome, Failure>) {
      fail_quick_mode(turn, sa, exchange, outcome);
    } else {
      commit(turn, sa, exchange, std::move(outcome), std::move(context.effects));
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
  const bool fourth_message = exchange.finished();
  const bool commit_bit = (header.flags & kFlagCommit) != 0;
  if (std::holds_alternative<AwaitingAnswer>(exchange.state)) exchange.awaits_message4 = commit_bit;
  const ReplyStore before = exchange.replies;
  exchange.replies.begin(digest);
  if (const auto ignored = run_step(turn, sa, exchange, MessageReceived{header, datagram.bytes})) {
    exchange.replies = before;
    count_ignored(turn, *ignored);
    return;
  }
  sa.last_proof = turn.now;
  // It needs no answer, and a repeated message 2 still does.
  if (fourth_message) exchange.replies = before;
}

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

std::uint32_t initiator_spi(const PayloadChain& message1) {
  const Proposal& proposal = message1.find<SaPayload>()->proposals.front();
  return proposal.spi.size() == 4 ? load_u32(proposal.spi.data()) : 0;
}

void report_failure(Turn& turn, const MainModeSa& sa, const QuickModeExchange& exchange, const Failure& failure) {
  Statistics& statistics = turn.state.statistics;
  ++statistics.negotiation_failures;
  if (!exchange.facts.initiator) ++statistics.receive_fail;
  Turn::Fields fields = fields_of(exchange);
  turn.report(sa, std::string(name(failure.reason)), Severity::kError,
              fmt::format("quick mode with {} failed: {}", sa.peer.to_string(), failure.text), std::move(fields));
}

// The refusal is remembered like an answer, so that a repeated message 1 gets it again.
void refuse(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, std::uint32_t spi, const Failure& failure) {
  report_failure(turn, sa, exchange, failure);
  exchange.replies.answer(send_notify(turn, sa, refusal_of(failure.reason), spi));
  finish(turn, exchange, {});
}

void answer_message1(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram,
                     Opened opened) {
  sa.last_proof = turn.now;
  sa.used_message_ids.insert(header.message_id);
  QuickModeExchange& exchange = sa.exchanges[header.message_id];
  exchange.facts = facts_of(sa, header.message_id, false);
  exchange.created = turn.now;
  exchange.forget_at = turn.now + kQuickModeTime;
  exchange.replies.begin(digest_of(datagram.bytes));
  handle_notifies(turn, sa, opened.chain);

  auto read = read_quick_mode_request(opened.chain, turn.state.policy, *sa.established(), sa.facts.rule.policy,
                                      sa.local.address, sa.peer.address);
  if (const auto* failure = std::get_if<Failure>(&read)) {
    refuse(turn, sa, exchange, initiator_spi(opened.chain), *failure);
    return;
  }
  const auto& request = std::get<QuickModeRequest>(read);
  ++sa.quick_modes;
  exchange.facts.rule = request.rule;
  exchange.facts.outbound = request.outbound;
  exchange.facts.replaces_spi =
      turn.state.quick_modes.outbound_in_use(sa.peer.address, request.rule.outbound_filter_id, request.outbound);
  QuickModeContext context{exchange.facts, *sa.established(), turn.state.random, {}};
  PreparingAnswer next = answer_quick_mode(request, std::move(opened.next_iv), context);
  commit(turn, sa, exchange, std::move(next), std::move(context.effects));
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
  answer_message1(turn, sa, header, datagram, std::move(opened));
}

// Gives back what the driver holds for an exchange that comes to nothing.
void release_sas(Turn& turn, const QuickModeExchange& exchange) {
  if (exchange.own_spi == 0) return;
  turn.delete_sa(exchange.own_spi, Direction::kInbound, SecurityProtocol::kEsp, exchange.facts.peer);
  if (const auto* installing = std::get_if<InstallingPair>(&exchange.state)) {
    turn.delete_sa(installing->pair.outbound.spi, Direction::kOutbound, SecurityProtocol::kEsp, exchange.facts.peer);
  }
  if (const auto* installing = std::get_if<InstallingOutbound>(&exchange.state)) {
    turn.delete_sa(installing->pair.outbound.spi, Direction::kOutbound, SecurityProtocol::kEsp, exchange.facts.peer);
  }
}

// From message 1 on the initiator's, from message 2 on the responder's SPI is known to the peer.
bool peer_knows_spi(const QuickModeExchange& exchange) {
  return exchange.own_spi != 0 && !std::holds_alternative<PreparingOffer>(exchange.state) &&
         !std::holds_alternative<PreparingAnswer>(exchange.state) &&
         !std::holds_alternative<InstallingInbound>(exchange.state);
}

// Both sides have agreed; the SAs are being installed, or message 3 is on its way.
bool is_nearly_done(const QuickModeExchange& exchange) {
  return std::holds_alternative<InstallingPair>(exchange.state) ||
         std::holds_alternative<AwaitingConfirmation>(exchange.state) ||
         std::holds_alternative<InstallingOutbound>(exchange.state);
}

Failure timeout_failure(const MainModeSa& sa, const QuickModeExchange& exchange) {
  if (exchange.resender.hinted()) return *exchange.resender.hinted();
  const bool initiator = exchange.facts.initiator;
  return {initiator ? FailureReason::kTimeoutQuickMode2 : FailureReason::kTimeoutQuickMode3,
          fmt::format("{} did not answer quick mode message {}", sa.peer.to_string(), initiator ? 1 : 2)};
}

// RTY-04, RTY-05: silence on a main mode SA that was made earlier means that the peer has lost it. False: the SA is
// gone.
bool give_up(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange) {
  // Only message 4 is missing: both SAs are in place.
  if (exchange.finished()) return true;
  const Failure failure = timeout_failure(sa, exchange);
  const bool silent = sa.last_proof <= exchange.created && !sa.ended;
  if (!exchange.facts.initiator || exchange.on_fresh_main_mode || !silent) {
    fail_quick_mode(turn, sa, exchange, failure);
    return true;
  }
  report_failure(turn, sa, exchange, failure);
  send_quick_mode_delete(turn, sa, exchange.own_spi);
  end_main_mode(turn, sa, TellPeer::kYes, failure);
  return false;
}

QuickModeExchange* find_live(MainModeSa& sa, std::uint32_t message_id) {
  const auto found = sa.exchanges.find(message_id);
  return found != sa.exchanges.end() && !found->second.finished() ? &found->second : nullptr;
}

}  // namespace

void begin_quick_mode(Turn& turn, MainModeSa& sa, QuickModeWish wish, bool on_fresh_main_mode) {
  const std::uint32_t message_id = fresh_message_id(turn.state, sa);
  QuickModeFacts facts = facts_of(sa, message_id, true);
  facts.rule = wish.rule;
  facts.outbound = wish.outbound;
  facts.replaces_spi = wish.replaces_spi;
  QuickModeContext context{facts, *sa.established(), turn.state.random, {}};
  auto started = start_quick_mode(context);
  if (const auto* failure = std::get_if<Failure>(&started)) {
    ++turn.state.statistics.negotiation_failures;
    fail_wish(turn, wish, *failure);
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

bool quick_mode_computed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const DhComputed& computed) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  return exchange != nullptr && !run_step(turn, sa, *exchange, computed);
}

bool quick_mode_spi_reserved(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const SpiReserved& reserved) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  if (exchange == nullptr) return false;
  exchange->own_spi = reserved.spi;
  return !run_step(turn, sa, *exchange, reserved);
}

bool quick_mode_sa_installed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const SaInstalled& installed) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  return exchange != nullptr && !run_step(turn, sa, *exchange, installed);
}

void quick_mode_driver_failed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const std::string& text) {
  QuickModeExchange* exchange = find_live(sa, message_id);
  if (exchange == nullptr) return;
  fail_quick_mode(turn, sa, *exchange, {FailureReason::kDriverFailed, fmt::format("the driver refused: {}", text)});
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
      fail_quick_mode(turn, sa, exchange, {FailureReason::kDriverFailed, "the driver did not answer in time"});
      continue;
    }
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
    send_quick_mode_delete(turn, sa, exchange.own_spi);
  } else if (tell == TellPeer::kYes && !exchange.facts.initiator) {
    exchange.replies.answer(send_notify(turn, sa, refusal_of(failure.reason), 0));
  }
  const QuickModeWish wish = std::move(exchange.wish);
  const bool initiator = exchange.facts.initiator;
  finish(turn, exchange, {});
  if (initiator) fail_wish(turn, wish, failure);
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
    }
    finish(turn, exchange, {});
  }
  return wishes;
}

QuickModeExchange* find_exchange_by_peer_spi(MainModeSa& sa, std::uint32_t spi) {
  for (auto& [id, exchange] : sa.exchanges) {
    const SaPair* pair = nullptr;
    if (const auto* state = std::get_if<InstallingPair>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<InstallingInbound>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<AwaitingConfirmation>(&exchange.state)) pair = &state->pair;
    if (const auto* state = std::get_if<InstallingOutbound>(&exchange.state)) pair = &state->pair;
    if (pair != nullptr && pair->outbound.spi == spi) return &exchange;
  }
  return nullptr;
}

}  // namespace ipsec::ike

#include "services/ike/core/main_mode.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_initiator.h"
#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/main_mode_responder.h"
#include "services/ike/core/quick_mode.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

constexpr std::uint16_t kIkePort = 500;

Cookie fresh_cookie(EngineState& state) {
  for (;;) {
    const Cookie cookie = state.random.u64();
    if (cookie != 0 && !state.main_modes.has_own_cookie(cookie)) return cookie;
  }
}

// INITIAL-CONTACT is the truth only where nothing is known of the peer (RFC 2407 section 4.6.3.3).
bool knows_nothing_else(Turn& turn, const MainModeSa& sa) {
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(sa.peer.address)) {
    if (handle != sa.handle && !turn.state.main_modes.at(handle).ended) return false;
  }
  return !turn.state.quick_modes.any_with(sa.peer.address);
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
  turn.state.main_modes.count_established(sa);
  ++turn.state.statistics.main_modes;
  turn.report(sa, "main_mode_established", Severity::kInformation,
              fmt::format("main mode with {} ({}) as {}: {}, {} s", sa.peer.to_string(), established.peer_identity,
                          sa.initiator ? "initiator" : "responder", to_string(established.choice.offer),
                          established.choice.lifetime_seconds),
              {{"offer", to_string(established.choice.offer)}, {"peer_identity", established.peer_identity}});
  if (established.initial_contact) handle_initial_contact(turn, sa);
  const std::vector<std::uint32_t> deletes = std::exchange(sa.deletes_to_send, {});
  for (const std::uint32_t spi : deletes) send_quick_mode_delete(turn, sa, spi);
  if (!deletes.empty() && sa.waiting.empty()) {
    end_main_mode(turn, sa, TellPeer::kYes,
                  {FailureReason::kDeletedByRequest, "it was made to delete quick mode SAs only"});
    return;
  }
  start_waiting(turn, sa);
}

void send_step(Turn& turn, MainModeSa& sa, Bytes datagram) {
  turn.send(sa, datagram);
  if (sa.initiator) {
    sa.resender.start(std::move(datagram), turn.now);
  } else {
    sa.replies.answer(std::move(datagram));
  }
}

// Takes the new state and does what the step wanted done: nothing of it happens before the step has succeeded.
template <typename State>
void commit(Turn& turn, MainModeSa& sa, State next, MainModeEffects effects) {
  sa.resender.stop();
  sa.suspicion.reset();
  sa.state = std::move(next);
  if (!effects.send.empty()) send_step(turn, sa, std::move(effects.send));
  if (effects.compute) turn.compute(sa, 0, std::move(*effects.compute));
  if constexpr (std::is_same_v<State, Established>) become_established(turn, sa);
}

struct StepEnd {
  std::optional<Ignored> ignored;  // otherwise the SA has moved on or is gone
};

template <typename State, typename Event>
StepEnd run_step(Turn& turn, MainModeSa& sa, const State& state, const Event& event) {
  if constexpr (LegalTransition<State, Event>) {
    StepContext context{sa.facts, turn.state.random, knows_nothing_else(turn, sa), {}};
    auto result = step(state, event, context);
    StepEnd end;
    std::visit(
        [&](auto&& outcome) {
          using Outcome = std::decay_t<decltype(outcome)>;
          if constexpr (std::is_same_v<Outcome, Ignored>) {
            end.ignored = std::move(outcome);
          } else if constexpr (std::is_same_v<Outcome, Failure>) {
            fail_main_mode(turn, sa, outcome);
          } else {
            commit(turn, sa, std::move(outcome), std::move(context.effects));
          }
        },
        std::move(result));
    return end;
  } else {
    return {Ignored{Ignored::Why::kUnexpected, "nothing of this kind is awaited"}};
  }
}

template <typename Event>
StepEnd run_step(Turn& turn, MainModeSa& sa, const Event& event) {
  return std::visit([&](const auto& state) { return run_step(turn, sa, state, event); }, sa.state);
}

// A wrong preshared key shows in message 5 or 6. It is named once; but since anybody can forge such a message the SA
// keeps waiting for a right one until its time is up.
void suspect_authentication(Turn& turn, MainModeSa& sa, const std::string& text) {
  const bool first = !sa.suspicion;
  sa.suspicion =
      Failure{FailureReason::kAuthenticationFailed,
              fmt::format("{}; with preshared keys this means that the two sides have different keys (rule '{}')", text,
                          sa.facts.rule.rule_name)};
  if (sa.initiator) return;
  send_clear_notify(turn, sa, NotifyType::kAuthenticationFailed);
  if (!first) return;
  ++turn.state.statistics.authentication_failures;
  ++turn.state.statistics.negotiation_failures;
  ++turn.state.statistics.receive_fail;
  turn.report(sa, std::string(name(FailureReason::kAuthenticationFailed)), Severity::kError,
              fmt::format("{} could not prove itself: {}", sa.peer.to_string(), sa.suspicion->text));
}

void count_ignored(Turn& turn, MainModeSa& sa, const Ignored& ignored) {
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
      suspect_authentication(turn, sa, ignored.text);
      break;
  }
}

// The answer to a repeated request is the same as before, octet for octet.
bool answer_repetition(Turn& turn, MainModeSa& sa, const Digest& digest) {
  if (!sa.replies.is_repetition(digest)) return false;
  if (!sa.replies.answer().empty()) {
    ++turn.state.statistics.duplicates_answered;
    turn.send(sa, sa.replies.answer());
  }
  return true;
}

void receive_later_message(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram) {
  const Digest digest = digest_of(datagram.bytes);
  if (answer_repetition(turn, sa, digest)) return;
  const std::uint64_t handle = sa.handle;
  const ReplyStore before = sa.replies;
  sa.replies.begin(digest);
  const Cookie responder_before = sa.facts.responder_cookie;
  // RFC 2408 section 3.1: the responder's cookie comes with message 2.
  if (sa.initiator && responder_before == 0) sa.facts.responder_cookie = header.responder_cookie;
  const StepEnd end = run_step(turn, sa, MessageReceived{header, datagram.bytes});
  if (!end.ignored) return;
  if (MainModeSa* still = turn.state.main_modes.find(handle)) {
    still->replies = before;
    still->facts.responder_cookie = responder_before;
    count_ignored(turn, *still, *end.ignored);
  }
}

void refuse_message1(Turn& turn, const Header& header, const DatagramReceived& datagram, const Failure& failure,
                     const std::string& rule) {
  Statistics& statistics = turn.state.statistics;
  ++statistics.negotiation_failures;
  ++statistics.receive_fail;
  turn.report(std::string(name(failure.reason)), Severity::kError,
              fmt::format("main mode of {} refused: {}", datagram.peer.to_string(), failure.text),
              {{"local", datagram.local.to_string()},
               {"peer", datagram.peer.to_string()},
               {"role", "responder"},
               {"rule", rule}});
  Header answer = header;
  answer.exchange = ExchangeType::kInformational;
  answer.message_id = turn.state.random.u32();
  const std::vector<PayloadContent> payloads = {
      NotifyPayload{kDoiIpsec, kProtocolIsakmp, NotifyType::kNoProposalChosen, {}, {}}};
  Bytes octets = write_clear_message(answer, payloads);
  turn.send(datagram.local, datagram.peer, octets);
  auto& refused = turn.state.refused;
  if (refused.size() < kMaxRefusedRemembered) {
    refused[{datagram.peer, header.initiator_cookie}] = {turn.now + kHalfOpenLifetime, std::move(octets)};
  }
}

bool answer_refused_again(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  auto& refused = turn.state.refused;
  std::erase_if(refused, [&](const auto& entry) { return entry.second.forget_at <= turn.now; });
  const auto found = refused.find({datagram.peer, header.initiator_cookie});
  if (found == refused.end()) return false;
  turn.send(datagram.local, datagram.peer, found->second.answer);
  return true;
}

bool half_open_bound_reached(Turn& turn, const IpAddress& peer) {
  const MainModeTable& table = turn.state.main_modes;
  return table.half_open() >= kMaxHalfOpen || table.half_open(peer) >= kMaxHalfOpenPerAddress;
}

void answer_message1(Turn& turn, const Header& header, const DatagramReceived& datagram, const PayloadChain& chain) {
  const auto found = find_main_mode_rule(turn.state.policy, datagram.local.address, datagram.peer.address, true);
  if (const auto* failure = std::get_if<Failure>(&found)) {
    refuse_message1(turn, header, datagram, *failure, "");
    return;
  }
  const MainModeFacts facts{header.initiator_cookie, fresh_cookie(turn.state), datagram.local.address,
                            datagram.peer.address, std::get<MainModeRule>(found)};
  StepContext context{facts, turn.state.random, false, {}};
  auto answered = answer_main_mode(chain, context);
  if (const auto* failure = std::get_if<Failure>(&answered)) {
    refuse_message1(turn, header, datagram, *failure, facts.rule.rule_name);
    return;
  }
  auto made = std::make_unique<MainModeSa>();
  made->facts = facts;
  made->local = datagram.local;
  made->peer = datagram.peer;
  made->created = turn.now;
  made->give_up_at = turn.now + kHalfOpenLifetime;
  made->state = std::get<AwaitingMessage3>(std::move(answered));
  MainModeSa& sa = turn.state.main_modes.add(std::move(made));
  sa.replies.begin(digest_of(datagram.bytes));
  send_step(turn, sa, std::move(context.effects.send));
}

void receive_message1(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  if (MainModeSa* sa = turn.state.main_modes.find_by_message1(datagram.peer, header.initiator_cookie)) {
    // Only while message 3 has not come: later the initiator has long had its answer.
    if (!answer_repetition(turn, *sa, digest_of(datagram.bytes))) ++turn.state.statistics.unexpected_messages;
    return;
  }
  if (answer_refused_again(turn, header, datagram)) return;
  auto read = datagram.bytes.size() <= kMaxMessage1Size
                  ? read_clear({header, datagram.bytes}, MessageKind::kMainMode1)
                  : std::variant<PayloadChain, Ignored>(Ignored{Ignored::Why::kMalformed, "too long"});
  if (std::holds_alternative<Ignored>(read)) {
    ++turn.state.statistics.invalid_packets_received;
    return;
  }
  if (half_open_bound_reached(turn, datagram.peer.address)) {
    ++turn.state.statistics.half_open_refused;
    return;
  }
  answer_message1(turn, header, datagram, std::get<PayloadChain>(read));
}

FailureReason timeout_reason(const MainModeState& state) {
  if (std::holds_alternative<AwaitingMessage2>(state)) return FailureReason::kTimeoutMessage2;
  if (std::holds_alternative<AwaitingMessage3>(state)) return FailureReason::kTimeoutMessage3;
  if (std::holds_alternative<AwaitingMessage4>(state)) return FailureReason::kTimeoutMessage4;
  if (std::holds_alternative<AwaitingMessage5>(state)) return FailureReason::kTimeoutMessage5;
  if (std::holds_alternative<AwaitingMessage6>(state)) return FailureReason::kTimeoutMessage6;
  // A computation of this host that never ended.
  return FailureReason::kLimitReached;
}

// What most likely went wrong: what the peer hinted at, what could not be verified, or silence.
Failure timeout_failure(const MainModeSa& sa) {
  if (sa.suspicion) return *sa.suspicion;
  if (sa.resender.hinted()) return *sa.resender.hinted();
  return {timeout_reason(sa.state), fmt::format("{} did not answer ({})", sa.peer.to_string(), name(sa.state))};
}

}  // namespace

std::variant<MainModeSa*, Failure> begin_main_mode(Turn& turn, const IpAddress& local, const IpAddress& peer) {
  auto found = find_main_mode_rule(turn.state.policy, local, peer, false);
  if (auto* failure = std::get_if<Failure>(&found)) return std::move(*failure);
  auto made = std::make_unique<MainModeSa>();
  made->initiator = true;
  made->facts = {fresh_cookie(turn.state), 0, local, peer, std::get<MainModeRule>(std::move(found))};
  made->local = {local, kIkePort};
  made->peer = {peer, kIkePort};
  made->created = turn.now;
  made->give_up_at = turn.now + kMainModeTime;
  StepContext context{made->facts, turn.state.random, false, {}};
  made->state = start_main_mode(context);
  MainModeSa& sa = turn.state.main_modes.add(std::move(made));
  send_step(turn, sa, std::move(context.effects.send));
  return &sa;
}

void receive_main_mode(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  if (header.message_id != 0 || header.initiator_cookie == 0) {
    ++turn.state.statistics.invalid_packets_received;
    return;
  }
  if (header.responder_cookie == 0) {
    receive_message1(turn, header, datagram);
    return;
  }
  MainModeSa* sa = find_by_cookies(turn, header, datagram);
  if (sa == nullptr) {
    ++turn.state.statistics.invalid_cookies_received;
    return;
  }
  receive_later_message(turn, *sa, header, datagram);
}

void main_mode_computed(Turn& turn, MainModeSa& sa, const DhComputed& computed) { run_step(turn, sa, computed); }

void main_mode_due(Turn& turn, MainModeSa& sa) {
  if (turn.now >= sa.give_up_at) {
    fail_main_mode(turn, sa, timeout_failure(sa));
    return;
  }
  switch (sa.resender.poll(turn.now)) {
    case Resender::Due::kSendAgain:
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
    if (failure.reason == FailureReason::kAuthenticationFailed) ++statistics.authentication_failures;
    turn.report(sa, std::string(name(failure.reason)), Severity::kError,
                fmt::format("main mode with {} failed: {}", sa.peer.to_string(), failure.text),
                {{"state", name(sa.state)}});
  }
  const auto wishes = take_waiting(turn, sa);
  turn.state.main_modes.remove(sa.handle);
  for (const QuickModeWish& wish : wishes) fail_wish(turn, wish, failure);
}

void end_main_mode(Turn& turn, MainModeSa& sa, TellPeer tell, const Failure& why, LastMessages last) {
  if (tell == TellPeer::kYes) send_main_mode_delete(turn, sa);
  turn.report(sa, "main_mode_ended", Severity::kInformation,
              fmt::format("main mode with {} ended: {}: {}", sa.peer.to_string(), name(why.reason), why.text),
              {{"reason", std::string(name(why.reason))}});
  auto wishes = take_waiting(turn, sa);
  for (QuickModeWish& wish : abandon_quick_modes(turn, sa, why, last)) wishes.push_back(std::move(wish));
  sa.ended = true;
  sa.replace_at = kNever;
  sa.ends_at = turn.now + kEndedMainModeLifetime;
  for (QuickModeWish& wish : wishes) retry_wish(turn, std::move(wish), why);
}

}  // namespace ipsec::ike

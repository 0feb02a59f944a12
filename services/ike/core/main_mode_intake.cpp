#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "services/ike/core/alternatives.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_exchange.h"
#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/main_mode_responder.h"
#include "services/ike/core/unread.h"

namespace ipsec::ike {

namespace {

// A wrong preshared key shows in message 5 or 6. It is named once; but since anybody can forge such a message the SA
// keeps waiting for a right one until its time is up.
void suspect_authentication(Turn& turn, MainModeSa& sa, const std::string& text) {
  const bool first = !sa.suspicion;
  const MainModeChoice* choice = choice_of(sa.state);
  const bool by_key = choice == nullptr || !is_signature(choice->method);
  sa.suspicion =
      Failure{FailureReason::kAuthenticationFailed,
              fmt::format("{}{}", text,
                          by_key ? "; with preshared keys this means that the two sides have different keys" : ""),
              different_keys(sa)};
  if (sa.initiator) return;
  send_clear_notify(turn, sa, NotifyType::kAuthenticationFailed);
  if (!first) return;
  ++turn.state.statistics.authentication_failures;
  ++turn.state.statistics.negotiation_failures;
  ++turn.state.statistics.receive_fail;
  turn.report_failed(failed_main_mode(sa, *sa.suspicion, turn.now),
                     fmt::format("{} could not prove itself", sa.peer.to_string()), fields_of(sa));
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
  const std::pair<Endpoint, Endpoint> endpoints_before{sa.local, sa.peer};
  // The initiator moves to port 4500 with message 5, and message 6 goes where it came from. A forged one changes
  // nothing.
  if (std::holds_alternative<AwaitingMessage5>(sa.state)) {
    sa.local.port = datagram.local.port;
    sa.peer.port = datagram.peer.port;
  }
  // RFC 2408 section 3.1: the responder's cookie comes with message 2.
  if (sa.initiator && responder_before == 0) sa.facts.responder_cookie = header.responder_cookie;
  const auto ignored = advance(turn, sa, MessageReceived{header, datagram.bytes});
  if (!ignored) return;
  if (MainModeSa* still = turn.state.main_modes.find(handle)) {
    still->replies = before;
    still->peer_has_spoken = true;
    still->facts.responder_cookie = responder_before;
    std::tie(still->local, still->peer) = endpoints_before;
    count_ignored(turn, *still, *ignored);
  }
}

// Message 1 may bear anybody's address: the answer is never longer than it.
Bytes alternatives_within(const Failure& failure, std::size_t size) {
  constexpr std::size_t kWithoutData = kHeaderSize + 12;
  if (!failure.explanation || size <= kWithoutData) return {};
  auto told = read_alternatives(failure.explanation->alternatives);
  return told ? write_alternatives(*std::move(told), size - kWithoutData) : Bytes();
}

void refuse_message1(Turn& turn, const Header& header, const DatagramReceived& datagram, const Failure& failure,
                     const MainModeRule& rule, const Extensions& extensions) {
  Statistics& statistics = turn.state.statistics;
  ++statistics.negotiation_failures;
  ++statistics.receive_fail;
  FailedNegotiation failed;
  failed.local = datagram.local;
  failed.peer = datagram.peer;
  failed.failure = failure;
  if (failure.explanation) failed.explanation = *failure.explanation;
  failed.rule_name = rule.rule_name;
  failed.policy_name = rule.rule_name.empty() ? "" : rule.policy.name;
  if (turn.may_report_unproven())
    turn.report_failed(std::move(failed), fmt::format("main mode of {} refused", datagram.peer.to_string()));
  Header answer = header;
  answer.exchange = ExchangeType::kInformational;
  answer.message_id = turn.state.random.u32();
  NotifyPayload notify{kDoiIpsec, kProtocolIsakmp, NotifyType::kNoProposalChosen, {}, {}};
  if (extensions.explanations) notify.data = alternatives_within(failure, datagram.bytes.size());
  const std::vector<PayloadContent> payloads = {std::move(notify)};
  Bytes octets = write_clear_message(answer, payloads);
  turn.send(datagram.local, datagram.peer, octets);
  auto& refused = turn.state.refused;
  if (refused.size() < kMaxRefusedRemembered) {
    refused[{datagram.peer, header.initiator_cookie}] = {turn.now + kHalfOpenLifetime, std::move(octets)};
  }
}

bool answer_refused_again(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  turn.forget_refused();
  const auto& refused = turn.state.refused;
  const auto found = refused.find({datagram.peer, header.initiator_cookie});
  // One without an answer is from before there was a policy.
  if (found == refused.end() || found->second.answer.empty()) return false;
  turn.send(datagram.local, datagram.peer, found->second.answer);
  return true;
}

// Room for one more half-open SA. First messages cost their sender nothing and may bear anybody's address, so the
// oldest that still waits for message 3 goes: a peer that means it has answered within a round trip. Those that have
// sent message 3 stay.
bool make_room(Turn& turn, const IpAddress& peer) {
  MainModeTable& table = turn.state.main_modes;
  MainModeSa* evicted = nullptr;
  if (table.half_open(peer) >= kMaxHalfOpenPerAddress) {
    evicted = table.oldest_unproven(peer);
  } else if (table.half_open() >= kMaxHalfOpen) {
    evicted = table.oldest_unproven();
  } else {
    return true;
  }
  if (evicted == nullptr) return false;
  ++turn.state.statistics.half_open_evicted;
  table.remove(evicted->handle);
  return true;
}

// No rule is for this peer, or its rule has no method that can be used.
void refuse_without_rule(Turn& turn, const Header& header, const DatagramReceived& datagram, Failure failure,
                         const PayloadChain& chain) {
  MainModeRule rule;
  const auto terms = find_main_mode_terms(turn.state.policy, datagram.local.address, datagram.peer.address);
  if (terms) {
    failure.explanation = explain_unusable_methods(*chain.find<SaPayload>(), *terms->policy, *terms->authentication);
    rule.rule_name = terms->rule_name;
    rule.policy.name = terms->policy->name;
  }
  refuse_message1(turn, header, datagram, failure, rule, extensions_of(chain, datagram.peer.address.family()));
}

void answer_message1(Turn& turn, const Header& header, const DatagramReceived& datagram, const PayloadChain& chain) {
  const auto found = find_main_mode_rule(turn.state.policy, datagram.local.address, datagram.peer.address, true,
                                         turn.state.certificates);
  if (const auto* failure = std::get_if<Failure>(&found)) {
    refuse_without_rule(turn, header, datagram, *failure, chain);
    return;
  }
  const MainModeFacts facts{header.initiator_cookie, fresh_cookie(turn.state), datagram.local.address,
                            datagram.peer.address, std::get<MainModeRule>(found)};
  turn.log(LogCategory::kPolicy, kLogSteps, [&] { return rule_text(facts); });
  StepContext context{facts, datagram.local, datagram.peer, turn.state.random, false, {}};
  auto answered = answer_main_mode(chain, context);
  if (const auto* failure = std::get_if<Failure>(&answered)) {
    refuse_message1(turn, header, datagram, *failure, facts.rule, extensions_of(chain, datagram.peer.address.family()));
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

void report_unanswered(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  if (!turn.may_report_unanswered(datagram.peer, header.initiator_cookie)) return;
  report_unread(turn, datagram, FailureReason::kNoPolicy,
                "no policy is assigned on this host, so that it does not answer",
                explain_unread("main mode message 1", "whether this host is to have a policy", true));
}

void receive_message1(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  if (MainModeSa* sa = turn.state.main_modes.find_by_message1(datagram.peer, header.initiator_cookie)) {
    // Only while message 3 has not come: later the initiator has long had its answer.
    if (!answer_repetition(turn, *sa, digest_of(datagram.bytes))) ++turn.state.statistics.unexpected_messages;
    return;
  }
  // Whoever answers does IPsec: a refusal would keep peers from falling back to clear with a host that has no policy
  // (SFT-03), and one that is about to get its policy would lose the peer.
  if (is_unassigned(turn.state.policy)) {
    ++turn.state.statistics.unexpected_messages;
    report_unanswered(turn, header, datagram);
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
  if (!make_room(turn, datagram.peer.address)) {
    ++turn.state.statistics.half_open_refused;
    return;
  }
  answer_message1(turn, header, datagram, std::get<PayloadChain>(read));
}

}  // namespace

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

}  // namespace ipsec::ike

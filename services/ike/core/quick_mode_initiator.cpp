#include "services/ike/core/quick_mode_initiator.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/wire/identity.h"

namespace ipsec::ike {

namespace {

Header header_of(const QuickModeFacts& facts) {
  return phase2_header(facts.initiator_cookie, facts.responder_cookie, ExchangeType::kQuickMode, facts.message_id);
}

AwaitingAnswer send_offer(const PreparingOffer& ready, QuickModeContext& context) {
  const QuickModeFacts& facts = context.facts;
  const DhGroup group = pfs_group(facts.rule.policy, context.main_mode);
  AwaitingAnswer next{ready.spis, ready.pair, context.random.bytes(kNonceSize), *identities_of(facts.outbound), {}};
  std::vector<PayloadContent> payloads;
  payloads.emplace_back(quick_mode_offers(
      facts.rule.policy, wire_encapsulation(facts.rule.encapsulation, context.main_mode), group, ready.spis));
  payloads.emplace_back(NoncePayload{next.nonce_i});
  if (ready.pair) payloads.emplace_back(KeyExchangePayload{to_bytes(ready.pair->public_value())});
  payloads.emplace_back(next.identities.initiator);
  payloads.emplace_back(next.identities.responder);
  for (PayloadContent& address : own_original_addresses(context, facts.rule.encapsulation))
    payloads.push_back(std::move(address));
  Sealed sealed = seal_with_hash1(context.main_mode, first_iv(context.main_mode, facts.message_id), header_of(facts),
                                  std::move(payloads));
  next.iv = std::move(sealed.next_iv);
  context.effects.send = std::move(sealed.datagram);
  return next;
}

ResultOf<PreparingOffer, OwnSpi> send_when_ready(PreparingOffer state, QuickModeContext& context) {
  const QuickModePolicy& policy = context.facts.rule.policy;
  const auto protocols = protocols_of(policy);
  const bool some_missing = std::any_of(protocols.begin(), protocols.end(),
                                        [&](SecurityProtocol protocol) { return state.spis.of(protocol) == 0; });
  if (some_missing || (policy.pfs && !state.pair)) return state;
  return send_offer(state, context);
}

// RFC 2409 section 5.5: the responder returns the identities it was sent. Both may be missing where they say no more
// than the addresses. Where a translator is on the way, transport mode is between two hosts that know each other by
// other addresses than themselves; some return those.
std::optional<Failure> check_identities(const PayloadChain& chain, const AwaitingAnswer& state,
                                        const QuickModeContext& context) {
  const QuickModeFacts& facts = context.facts;
  const auto returned = chain.all<IdentificationPayload>();
  if (returned.empty()) {
    const Selector hosts{AddressRange::host(facts.local), AddressRange::host(facts.peer), kProtocolAny, {}, {}};
    if (facts.outbound == hosts) return std::nullopt;
    return Failure{FailureReason::kInvalidIdentity,
                   fmt::format("the peer left out the identities; proposed was {}", facts.outbound.to_string())};
  }
  if (returned.size() == 2) {
    const auto answered = selector_of({*returned[0], *returned[1]});
    const auto proposed = selector_of(state.identities);
    if (answered.ok() && proposed.ok() && *answered == *proposed) return std::nullopt;
    const bool in_transport_mode = facts.rule.encapsulation == Encapsulation::kTransport;
    const NatFound& nat = context.main_mode.choice.nat;
    if (answered.ok() && in_transport_mode && translated(*answered, nat, facts.local, facts.peer) == facts.outbound)
      return std::nullopt;
  }
  std::string text;
  for (const IdentificationPayload* identity : returned) text += fmt::format(" {}", to_string(*identity));
  return Failure{
      FailureReason::kInvalidIdentity,
      fmt::format("the peer answered with other identities:{}; proposed was {}", text, facts.outbound.to_string())};
}

Choice<InstallingPair> install(QuickModeContext& context, const ComputingPfsSecret& agreed, const SecretBytes& secret) {
  const ProtectionSuite& suite = agreed.choice.suite;
  const SuiteSpis spis{suite.esp ? agreed.spis.esp : 0, suite.ah ? agreed.spis.ah : 0};
  auto made = make_sa_pair(context, agreed.choice, spis, agreed.nonce_i, agreed.nonce_r, secret);
  if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);
  context.effects.release = {suite.esp ? 0 : agreed.spis.esp, suite.ah ? 0 : agreed.spis.ah};
  auto& pair = std::get<SaPair>(made);
  const Phase1Keys& keys = context.main_mode.keys;
  const SecretBytes hash = quick_mode_hash3(keys.hash, keys.family.skeyid_a.view(), context.facts.message_id,
                                            agreed.nonce_i, agreed.nonce_r);
  Sealed message3 = seal(keys.protection, agreed.iv, header_of(context.facts), with_hash(hash, {}));
  if (agreed.connected_promised) {
    context.effects.install = {pair.inbound};
    return InstallingPair{std::move(pair), 1, true, std::move(message3.datagram), std::move(message3.next_iv)};
  }
  context.effects.install = {pair.inbound, pair.outbound};
  return InstallingPair{without_keys(std::move(pair)), 2, false, std::move(message3.datagram),
                        std::move(message3.next_iv)};
}

void apply_lifetimes(const PayloadChain& chain, QuickModeChoice& choice) {
  for (const NotifyPayload* notify : chain.all<NotifyPayload>()) {
    if (notify->type == NotifyType::kResponderLifetime) apply_responder_lifetime(*notify, choice);
  }
}

// CONNECTED or other notifies; whatever it says, the peer has sent it when it was ready.
std::variant<Opened, Ignored> read_message4(const MessageReceived& message, ByteView iv,
                                            const QuickModeContext& context) {
  auto read = open_phase2(context.main_mode, message, iv, MessageKind::kQuickMode4);
  const auto* opened = std::get_if<Opened>(&read);
  if (opened == nullptr) return read;
  const Phase1Keys& keys = context.main_mode.keys;
  if (!has_hash(opened->chain, message_hash(keys.hash, keys.family.skeyid_a.view(), context.facts.message_id,
                                            opened->chain.after_first()))) {
    return Ignored{Ignored::Why::kNotAuthentic, "quick mode message 4 has a wrong HASH"};
  }
  return read;
}

}  // namespace

std::variant<PreparingOffer, Failure> start_quick_mode(QuickModeContext& context) {
  const QuickModePolicy& policy = context.facts.rule.policy;
  if (const auto identities = identities_of(context.facts.outbound); !identities.ok()) {
    return Failure{FailureReason::kInvalidIdentity, identities.status().message()};
  }
  context.effects.reserve = protocols_of(policy);
  if (policy.pfs) context.effects.compute = {pfs_group(policy, context.main_mode), nullptr, {}};
  return PreparingOffer{};
}

ResultOf<PreparingOffer, OwnSpi> step(const PreparingOffer& state, const OwnSpi& own, QuickModeContext& context) {
  PreparingOffer next = state;
  next.spis.of(own.protocol) = own.spi;
  return send_when_ready(std::move(next), context);
}

ResultOf<PreparingOffer, DhComputed> step(const PreparingOffer& state, const DhComputed& computed,
                                          QuickModeContext& context) {
  return send_when_ready({state.spis, computed.own}, context);
}

ResultOf<AwaitingAnswer, MessageReceived> step(const AwaitingAnswer& state, const MessageReceived& message,
                                               QuickModeContext& context) {
  auto read = open_phase2(context.main_mode, message, state.iv, MessageKind::kQuickMode2);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  auto& opened = std::get<Opened>(read);
  const PayloadChain& chain = opened.chain;
  const Phase1Keys& keys = context.main_mode.keys;
  if (!has_hash(chain, quick_mode_hash2(keys.hash, keys.family.skeyid_a.view(), context.facts.message_id, state.nonce_i,
                                        chain.after_first()))) {
    return Ignored{Ignored::Why::kNotAuthentic, "quick mode message 2 has a wrong HASH"};
  }

  const DhGroup group = state.pair ? state.pair->group() : DhGroup::kNone;
  auto verified = verify_quick_mode(*chain.find<SaPayload>(), context.facts.rule.policy,
                                    wire_encapsulation(context.facts.rule.encapsulation, context.main_mode), group);
  if (auto* failure = std::get_if<Failure>(&verified)) return std::move(*failure);
  auto& choice = std::get<QuickModeChoice>(verified);
  apply_lifetimes(chain, choice);
  choice.original = read_original_addresses(chain, context.main_mode.choice.extensions.nat_traversal);
  if (auto failure = check_identities(chain, state, context)) return std::move(*failure);

  ComputingPfsSecret agreed{state.spis,
                            choice,
                            state.nonce_i,
                            to_bytes(chain.body_of(PayloadType::kNonce)),
                            (message.header.flags & kFlagCommit) != 0,
                            std::move(opened.next_iv)};
  const KeyExchangePayload* key_exchange = chain.find<KeyExchangePayload>();
  if ((key_exchange != nullptr) != (group != DhGroup::kNone)) {
    return Failure{FailureReason::kPfsMismatch,
                   fmt::format("the peer answered {} a key exchange", key_exchange != nullptr ? "with" : "without")};
  }
  if (key_exchange == nullptr) {
    auto installing = install(context, agreed, SecretBytes());
    if (auto* failure = std::get_if<Failure>(&installing)) return std::move(*failure);
    return std::get<InstallingPair>(std::move(installing));
  }
  if (key_exchange->value.size() != info(group).public_size) {
    return Failure{FailureReason::kInvalidKeyExchange,
                   fmt::format("KE payload of {} octets for {}", key_exchange->value.size(), info(group).name)};
  }
  context.effects.compute = {group, state.pair, key_exchange->value};
  return agreed;
}

ResultOf<ComputingPfsSecret, DhComputed> step(const ComputingPfsSecret& state, const DhComputed& computed,
                                              QuickModeContext& context) {
  if (!computed.secret.ok()) return Failure{FailureReason::kInvalidKeyExchange, computed.secret.status().message()};
  auto installing = install(context, state, *computed.secret);
  if (auto* failure = std::get_if<Failure>(&installing)) return std::move(*failure);
  return std::get<InstallingPair>(std::move(installing));
}

ResultOf<InstallingPair, SaInstalled> step(const InstallingPair& state, const SaInstalled&, QuickModeContext& context) {
  InstallingPair next = state;
  if (--next.answers_missing > 0) return next;
  context.effects.send = state.message3;
  if (state.connected_promised) return AwaitingConnected{state.pair, state.iv};
  return QuickModeFinished{state.pair, state.iv};
}

ResultOf<AwaitingConnected, MessageReceived> step(const AwaitingConnected& state, const MessageReceived& message,
                                                  QuickModeContext& context) {
  auto read = read_message4(message, state.iv, context);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  auto& opened = std::get<Opened>(read);
  context.effects.initial_contact = says_initial_contact(opened.chain);
  context.effects.install = {state.pair.outbound};
  return InstallingOutbound{without_keys(state.pair), {}, std::move(opened.next_iv)};
}

ResultOf<AwaitingConnected, PatienceOver> step(const AwaitingConnected& state, const PatienceOver&,
                                               QuickModeContext& context) {
  context.effects.install = {state.pair.outbound};
  return InstallingOutbound{without_keys(state.pair), {}, state.iv};
}

ResultOf<QuickModeFinished, MessageReceived> step(const QuickModeFinished& state, const MessageReceived& message,
                                                  QuickModeContext& context) {
  if (!context.facts.initiator || state.iv.empty()) return Ignored{Ignored::Why::kUnexpected, "quick mode is finished"};
  auto read = read_message4(message, state.iv, context);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  auto& opened = std::get<Opened>(read);
  context.effects.initial_contact = says_initial_contact(opened.chain);
  return QuickModeFinished{state.pair, std::move(opened.next_iv)};
}

}  // namespace ipsec::ike

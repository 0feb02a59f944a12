#include "services/ike/core/main_mode_initiator.h"

#include <utility>
#include <vector>

#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/main_mode_signatures.h"

namespace ipsec::ike {

AwaitingMessage2 start_main_mode(StepContext& context) {
  SaPayload offers = main_mode_offers(context.facts.rule.policy, context.facts.rule.methods);
  AwaitingMessage2 state{body_octets(offers)};
  std::vector<PayloadContent> payloads = announcements(context.facts.peer.family());
  payloads.insert(payloads.begin(), std::move(offers));
  context.effects.send = write_clear_message(main_mode_header(context.facts), payloads);
  return state;
}

ResultOf<AwaitingMessage2, MessageReceived> step(const AwaitingMessage2& state, const MessageReceived& message,
                                                 StepContext& context) {
  auto read = read_clear(message, MessageKind::kMainMode2);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  const auto& chain = std::get<PayloadChain>(read);
  auto verified = verify_main_mode(*chain.find<SaPayload>(), context.facts.rule.policy, context.facts.rule.methods);
  if (auto* failure = std::get_if<Failure>(&verified)) return std::move(*failure);
  auto& choice = std::get<MainModeChoice>(verified);
  choice.extensions = extensions_of(chain, context.facts.peer.family());
  context.effects.compute = {choice.offer.group, nullptr, {}};
  return MakingKeyPair{state.sa_body, choice};
}

ResultOf<MakingKeyPair, DhComputed> step(const MakingKeyPair& state, const DhComputed& computed, StepContext& context) {
  AwaitingMessage4 next{state.sa_body, state.choice, computed.own, context.random.bytes(kNonceSize)};
  std::vector<PayloadContent> payloads = own_nat_detection(context, state.choice);
  payloads.insert(payloads.begin(),
                  {KeyExchangePayload{to_bytes(computed.own->public_value())}, NoncePayload{next.nonce_i}});
  context.effects.send = write_clear_message(main_mode_header(context.facts), payloads);
  return next;
}

ResultOf<AwaitingMessage4, MessageReceived> step(const AwaitingMessage4& state, const MessageReceived& message,
                                                 StepContext& context) {
  auto read = read_clear(message, MessageKind::kMainMode4);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  const auto& chain = std::get<PayloadChain>(read);
  auto exchange = read_key_exchange(chain, state.choice.offer.group);
  if (auto* failure = std::get_if<Failure>(&exchange)) return std::move(*failure);
  const auto& peer = std::get<KeyExchange>(exchange);
  context.effects.compute = {state.choice.offer.group, state.own, to_bytes(peer.public_value)};
  MainModeChoice choice = state.choice;
  note_nat(chain, context, choice);
  return ComputingSecret{state.sa_body,     choice, state.nonce_i, to_bytes(peer.public_value), to_bytes(peer.nonce),
                         requests_in(chain)};
}

ResultOf<ComputingSecret, DhComputed> step(const ComputingSecret& state, const DhComputed& computed,
                                           StepContext& context) {
  auto made = make_keys(context.facts, state.choice, state.nonce_i, state.nonce_r, computed.secret);
  if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);
  if (is_signature(state.choice.method)) {
    ProvingAsInitiator proving{state.sa_body, state.choice, to_bytes(computed.own->public_value()), state.public_r,
                               std::get<Phase1Keys>(std::move(made))};
    context.effects.prove =
        proof_request(context.facts, state.choice, proving.keys, {proving.public_i, proving.public_r, proving.sa_body},
                      Role::kInitiator, state.requests);
    return proving;
  }
  AwaitingMessage6 next{state.sa_body,
                        state.choice,
                        to_bytes(computed.own->public_value()),
                        state.public_r,
                        std::get<Phase1Keys>(std::move(made)),
                        {}};
  const Bytes iv = phase1_iv(next.keys.hash, next.public_i, next.public_r, info(state.choice.offer.cipher).block_size);
  Sealed message =
      write_identity(context, next.keys, iv, {next.public_i, next.public_r, next.sa_body}, Role::kInitiator);
  next.iv = std::move(message.next_iv);
  context.effects.send = std::move(message.datagram);
  context.effects.float_ports = state.choice.nat.any();
  return next;
}

ResultOf<AwaitingMessage6, MessageReceived> step(const AwaitingMessage6& state, const MessageReceived& message,
                                                 StepContext& context) {
  if (is_signature(state.choice.method)) return verify_responder(state, message, context);
  auto read = read_identity(context.facts, message, state.keys, state.iv,
                            {state.public_i, state.public_r, state.sa_body}, Role::kResponder, state.choice.nat);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
  auto& peer = std::get<PeerProof>(read);
  return Established{state.choice, state.keys, std::move(peer.next_iv), std::move(peer.identity), peer.initial_contact};
}

}  // namespace ipsec::ike

#include "services/ike/core/main_mode_responder.h"

#include <utility>
#include <vector>

#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/main_mode_signatures.h"

namespace ipsec::ike {

std::variant<AwaitingMessage3, Failure> answer_main_mode(const PayloadChain& message1, StepContext& context) {
  auto chosen = choose_main_mode(*message1.find<SaPayload>(), context.facts.rule.policy, context.facts.rule.methods,
                                 context.explains);
  if (auto* failure = std::get_if<Failure>(&chosen)) return std::move(*failure);
  auto& answer = std::get<MainModeAnswer>(chosen);
  answer.choice.extensions = extensions_of(message1, context.facts.peer.family());
  std::vector<PayloadContent> payloads = confirmations(answer.choice.extensions);
  payloads.insert(payloads.begin(), std::move(answer.sa));
  context.effects.send = write_clear_message(main_mode_header(context.facts), payloads);
  return AwaitingMessage3{to_bytes(message1.body_of(PayloadType::kSa)), answer.choice};
}

ResultOf<AwaitingMessage3, MessageReceived> step(const AwaitingMessage3& state, const MessageReceived& message,
                                                 StepContext& context) {
  auto read = read_clear(message, MessageKind::kMainMode3);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  const auto& chain = std::get<PayloadChain>(read);
  auto exchange = read_key_exchange(chain, state.choice.offer.group);
  if (auto* failure = std::get_if<Failure>(&exchange)) return std::move(*failure);
  const auto& peer = std::get<KeyExchange>(exchange);
  context.effects.compute = {state.choice.offer.group, nullptr, to_bytes(peer.public_value)};
  MainModeChoice choice = state.choice;
  note_nat(chain, context, choice);
  return ComputingAnswer{state.sa_body, choice, to_bytes(peer.public_value), to_bytes(peer.nonce), requests_in(chain)};
}

ResultOf<ComputingAnswer, DhComputed> step(const ComputingAnswer& state, const DhComputed& computed,
                                           StepContext& context) {
  const Bytes nonce_r = context.random.bytes(kNonceSize);
  auto made = make_keys(context.facts, state.choice, state.nonce_i, nonce_r, computed.secret);
  if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);
  AwaitingMessage5 next{state.sa_body,
                        state.choice,
                        state.public_i,
                        to_bytes(computed.own->public_value()),
                        std::get<Phase1Keys>(std::move(made)),
                        {},
                        state.requests};
  next.iv = phase1_iv(next.keys.hash, next.public_i, next.public_r, info(state.choice.offer.cipher).block_size);
  std::vector<PayloadContent> payloads = own_nat_detection(context, state.choice);
  payloads.insert(payloads.begin(), {KeyExchangePayload{next.public_r}, NoncePayload{nonce_r}});
  if (is_signature(state.choice.method)) add_requests(context.facts, payloads);
  context.effects.send = write_clear_message(main_mode_header(context.facts), payloads);
  return next;
}

ResultOf<AwaitingMessage5, MessageReceived> step(const AwaitingMessage5& state, const MessageReceived& message,
                                                 StepContext& context) {
  if (is_signature(state.choice.method)) return verify_initiator(state, message, context);
  const Transcript transcript{state.public_i, state.public_r, state.sa_body};
  auto read =
      read_identity(context.facts, message, state.keys, state.iv, transcript, Role::kInitiator, state.choice.nat);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
  auto& peer = std::get<PeerProof>(read);
  Sealed answer = write_identity(context, state.keys, peer.next_iv, transcript, Role::kResponder);
  context.effects.send = std::move(answer.datagram);
  return Established{state.choice, state.keys, std::move(answer.next_iv), std::move(peer.identity),
                     peer.initial_contact};
}

}  // namespace ipsec::ike

#include "services/ike/core/main_mode_signatures.h"

#include <utility>

#include <fmt/format.h>

#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/wire/identity.h"

namespace ipsec::ike {

namespace {

Phase1Transcript transcript_of(const MainModeFacts& facts, const Transcript& t) {
  return {facts.initiator_cookie, facts.responder_cookie, t.public_i, t.public_r, t.sa_body};
}

SignatureMethod method_of(const MainModeChoice& choice) { return static_cast<SignatureMethod>(choice.method); }

CertificateTerms terms_of(const MainModeFacts& facts, const MainModeChoice& choice) {
  CertificateTerms terms = facts.rule.certificates;
  terms.method = method_of(choice);
  return terms;
}

std::vector<Bytes> bodies_of(const PayloadChain& chain, PayloadType type) {
  std::vector<Bytes> bodies;
  for (const OpaquePayload* payload : chain.all<OpaquePayload>()) {
    if (payload->type == type) bodies.push_back(payload->body);
  }
  return bodies;
}

FailureReason reason_of(Refused why) {
  switch (why) {
    case Refused::kNoCertificate:
      return FailureReason::kNoCertificate;
    case Refused::kSigningFailed:
      return FailureReason::kSigningFailed;
    case Refused::kRevoked:
      return FailureReason::kCertificateRevoked;
    case Refused::kRevocationUnknown:
      return FailureReason::kRevocationUnknown;
    case Refused::kIdentity:
      return FailureReason::kIdentityRefused;
    case Refused::kSignature:
      return FailureReason::kAuthenticationFailed;
    case Refused::kAccount:
      return FailureReason::kAccountRefused;
    case Refused::kMalformed:
    case Refused::kNotTrusted:
      break;
  }
  return FailureReason::kCertificateRefused;
}

Failure failure_of(const Refusal& refusal) {
  return {reason_of(refusal.why), refusal.text, {refusal.offered, refusal.configured}};
}

struct Claimed {
  PeerClaim claim;
  std::vector<Bytes> requests;
  bool initial_contact = false;
  Bytes next_iv;
};

// A message that decrypts to its payloads comes from whoever did the key exchange: what is wrong with it is his
// failure.
std::variant<Claimed, Ignored, Failure> read_claim(const StepContext& context, const MessageReceived& message,
                                                   const MainModeChoice& choice, const Phase1Keys& keys, ByteView iv,
                                                   const Transcript& transcript, Role sender) {
  auto read = open_last_message(message, keys, iv, sender);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  auto& opened = std::get<Opened>(read);
  const std::vector<Bytes> signatures = bodies_of(opened.chain, PayloadType::kSignature);
  if (signatures.empty()) {
    return Failure{FailureReason::kAuthenticationFailed,
                   fmt::format("the peer sent no SIG, though both sides agreed on {}", method_name(choice.method))};
  }
  const IdentificationPayload& identity = *opened.chain.find<IdentificationPayload>();
  if (const Status checked = check_identity(identity, context.facts.peer, choice.nat); !checked.ok()) {
    return Failure{FailureReason::kIdentityRefused, checked.message()};
  }
  const Phase1Transcript covered = transcript_of(context.facts, transcript);
  const Integrity hash = signed_hash(method_of(choice), keys.hash);
  const ByteView body = opened.chain.body_of(PayloadType::kIdentification);
  const SecretBytes expected = sender == Role::kInitiator ? hash_i(hash, keys.family.skeyid.view(), covered, body)
                                                          : hash_r(hash, keys.family.skeyid.view(), covered, body);
  return Claimed{{terms_of(context.facts, choice),
                  identity,
                  bodies_of(opened.chain, PayloadType::kCertificate),
                  {expected.view().begin(), expected.view().end()},
                  signatures.front()},
                 requests_in(opened.chain),
                 says_initial_contact(opened.chain),
                 std::move(opened.next_iv)};
}

Sealed write_proof(const StepContext& context, const Phase1Keys& keys, ByteView iv, const Proof& proof, Role sender) {
  std::vector<PayloadContent> payloads = {proof.identity, OpaquePayload{PayloadType::kCertificate, proof.certificates}};
  if (sender == Role::kInitiator) add_requests(context.facts, payloads);
  payloads.emplace_back(OpaquePayload{PayloadType::kSignature, proof.signature});
  if (context.say_initial_contact) payloads.emplace_back(initial_contact(context.facts));
  return seal(keys.protection, iv, main_mode_header(context.facts), payloads);
}

}  // namespace

std::vector<Bytes> requests_in(const PayloadChain& chain) { return bodies_of(chain, PayloadType::kCertificateRequest); }

void add_requests(const MainModeFacts& facts, std::vector<PayloadContent>& payloads) {
  for (const Bytes& body : facts.rule.certificate_requests)
    payloads.emplace_back(OpaquePayload{PayloadType::kCertificateRequest, body});
}

ProofRequest proof_request(const MainModeFacts& facts, const MainModeChoice& choice, const Phase1Keys& keys,
                           const Transcript& transcript, Role role, std::vector<Bytes> requests) {
  const Phase1Transcript covered = transcript_of(facts, transcript);
  return {terms_of(facts, choice), std::move(requests), keys.hash, keys.family.skeyid,
          role == Role::kInitiator ? covered_by_hash_i(covered) : covered_by_hash_r(covered)};
}

ResultOf<ProvingAsInitiator, IdentityProven> step(const ProvingAsInitiator& state, const IdentityProven& proven,
                                                  StepContext& context) {
  if (const auto* refusal = std::get_if<Refusal>(&proven.result)) return failure_of(*refusal);
  const auto& proof = std::get<Proof>(proven.result);
  const Bytes iv =
      phase1_iv(state.keys.hash, state.public_i, state.public_r, info(state.choice.offer.cipher).block_size);
  Sealed message = write_proof(context, state.keys, iv, proof, Role::kInitiator);
  context.effects.send = std::move(message.datagram);
  context.effects.float_ports = state.choice.nat.any();
  return AwaitingMessage6{state.sa_body,      state.choice, state.public_i,
                          state.public_r,     state.keys,   std::move(message.next_iv),
                          proof.identity_text};
}

ResultOf<AwaitingMessage6, MessageReceived> verify_responder(const AwaitingMessage6& state,
                                                             const MessageReceived& message, StepContext& context) {
  auto read = read_claim(context, message, state.choice, state.keys, state.iv,
                         {state.public_i, state.public_r, state.sa_body}, Role::kResponder);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
  auto& claimed = std::get<Claimed>(read);
  context.effects.verify = std::move(claimed.claim);
  return VerifyingResponder{state.choice, state.keys, std::move(claimed.next_iv), claimed.initial_contact,
                            state.own_identity};
}

ResultOf<VerifyingResponder, PeerVerified> step(const VerifyingResponder& state, const PeerVerified& verified,
                                                StepContext&) {
  if (const auto* refusal = std::get_if<Refusal>(&verified.result)) return failure_of(*refusal);
  return Established{state.choice,          state.keys,
                     state.last_block,      std::get<ProvenPeer>(verified.result).identity,
                     state.initial_contact, state.own_identity};
}

ResultOf<AwaitingMessage5, MessageReceived> verify_initiator(const AwaitingMessage5& state,
                                                             const MessageReceived& message, StepContext& context) {
  auto read = read_claim(context, message, state.choice, state.keys, state.iv,
                         {state.public_i, state.public_r, state.sa_body}, Role::kInitiator);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
  auto& claimed = std::get<Claimed>(read);
  context.effects.verify = std::move(claimed.claim);
  std::vector<Bytes> requests = state.requests;
  requests.insert(requests.end(), claimed.requests.begin(), claimed.requests.end());
  return VerifyingInitiator{state.sa_body,       state.choice,
                            state.public_i,      state.public_r,
                            state.keys,          std::move(claimed.next_iv),
                            std::move(requests), claimed.initial_contact};
}

ResultOf<VerifyingInitiator, PeerVerified> step(const VerifyingInitiator& state, const PeerVerified& verified,
                                                StepContext& context) {
  if (const auto* refusal = std::get_if<Refusal>(&verified.result)) return failure_of(*refusal);
  context.effects.prove =
      proof_request(context.facts, state.choice, state.keys, {state.public_i, state.public_r, state.sa_body},
                    Role::kResponder, state.requests);
  return ProvingAsResponder{state.choice, state.keys, state.iv, std::get<ProvenPeer>(verified.result).identity,
                            state.initial_contact};
}

ResultOf<ProvingAsResponder, IdentityProven> step(const ProvingAsResponder& state, const IdentityProven& proven,
                                                  StepContext& context) {
  if (const auto* refusal = std::get_if<Refusal>(&proven.result)) return failure_of(*refusal);
  const auto& proof = std::get<Proof>(proven.result);
  Sealed answer = write_proof(context, state.keys, state.iv, proof, Role::kResponder);
  context.effects.send = std::move(answer.datagram);
  return Established{state.choice,          state.keys,         std::move(answer.next_iv), state.peer_identity,
                     state.initial_contact, proof.identity_text};
}

}  // namespace ipsec::ike

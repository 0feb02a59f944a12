#pragma once

#include <vector>

#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/transitions.h"

// Main mode with signatures (RFC 2409 section 5.1; AUC-01): what messages 4 to 6 are then, and the states between.
namespace ipsec::ike {

// The CERTREQ payloads of a message.
std::vector<Bytes> requests_in(const PayloadChain& chain);
// Ours: those of the rule.
void add_requests(const MainModeFacts& facts, std::vector<PayloadContent>& payloads);

// What this host, in this role, has to prove. `requests` are the peer's.
ProofRequest proof_request(const MainModeFacts& facts, const MainModeChoice& choice, const Phase1Keys& keys,
                           const Transcript& transcript, Role role, std::vector<Bytes> requests);

// Messages 6 and 5: what they claim is in context.effects.verify. Requires a choice of a signature method.
ResultOf<AwaitingMessage6, MessageReceived> verify_responder(const AwaitingMessage6& state,
                                                             const MessageReceived& message, StepContext& context);
ResultOf<AwaitingMessage5, MessageReceived> verify_initiator(const AwaitingMessage5& state,
                                                             const MessageReceived& message, StepContext& context);

// Sends message 5.
ResultOf<ProvingAsInitiator, IdentityProven> step(const ProvingAsInitiator& state, const IdentityProven& proven,
                                                  StepContext& context);
ResultOf<VerifyingResponder, PeerVerified> step(const VerifyingResponder& state, const PeerVerified& verified,
                                                StepContext& context);
ResultOf<VerifyingInitiator, PeerVerified> step(const VerifyingInitiator& state, const PeerVerified& verified,
                                                StepContext& context);
// Sends message 6.
ResultOf<ProvingAsResponder, IdentityProven> step(const ProvingAsResponder& state, const IdentityProven& proven,
                                                  StepContext& context);

}  // namespace ipsec::ike

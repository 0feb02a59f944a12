#pragma once

#include "services/ike/core/transitions.h"

// Main mode as initiator. Steps read the old state, leave it untouched, and return the new one; context.effects counts
// only then.
namespace ipsec::ike {

// Message 1 is in context.effects.send.
AwaitingMessage2 start_main_mode(StepContext& context);

// Message 2: the choice must be one of our offers. context.facts must already hold the responder cookie.
ResultOf<AwaitingMessage2, MessageReceived> step(const AwaitingMessage2& state, const MessageReceived& message,
                                                 StepContext& context);
// Sends message 3.
ResultOf<MakingKeyPair, DhComputed> step(const MakingKeyPair& state, const DhComputed& computed, StepContext& context);
ResultOf<AwaitingMessage4, MessageReceived> step(const AwaitingMessage4& state, const MessageReceived& message,
                                                 StepContext& context);
// Sends message 5.
ResultOf<ComputingSecret, DhComputed> step(const ComputingSecret& state, const DhComputed& computed,
                                           StepContext& context);
ResultOf<AwaitingMessage6, MessageReceived> step(const AwaitingMessage6& state, const MessageReceived& message,
                                                 StepContext& context);

}  // namespace ipsec::ike

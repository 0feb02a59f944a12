#pragma once

#include "services/ike/core/transitions.h"
#include "services/ike/wire/message.h"

// Main mode as responder; see main_mode_initiator.h.
namespace ipsec::ike {

// Message 1, already through both gates; message 2 is in context.effects.send. Failure where no offer fits.
std::variant<AwaitingMessage3, Failure> answer_main_mode(const PayloadChain& message1, StepContext& context);

ResultOf<AwaitingMessage3, MessageReceived> step(const AwaitingMessage3& state, const MessageReceived& message,
                                                 StepContext& context);
// Sends message 4.
ResultOf<ComputingAnswer, DhComputed> step(const ComputingAnswer& state, const DhComputed& computed,
                                           StepContext& context);
// Sends message 6.
ResultOf<AwaitingMessage5, MessageReceived> step(const AwaitingMessage5& state, const MessageReceived& message,
                                                 StepContext& context);

}  // namespace ipsec::ike

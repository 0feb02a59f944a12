#pragma once

#include <optional>

#include "services/ike/core/quick_mode.h"
#include "services/ike/core/quick_mode_states.h"

// One quick mode taken from state to state: shared by the files behind quick_mode.h and default_response.h and by
// nobody else.
//   quick_mode.cpp         begin; the driver's and the workers' answers
//   quick_mode_intake.cpp  messages of the peer
//   quick_mode_end.cpp     repetitions, time-outs, failures
//   default_response.cpp   those that wait for a dynamic filter
namespace ipsec::ike {

// Takes the step of this state for this event, or says why there is none. A step that fails ends the exchange.
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const MessageReceived& message);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const DhComputed& computed);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const OwnSpi& own);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const PatienceOver& over);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const SaInstalled& installed);
// Holds a message 1 whose HASH(1) is right against the policy: it goes on, waits for a filter, or is refused.
void answer_message1(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Opened message1);
// The state in which it waits (default_response.cpp). The facts say what for.
void await_filter(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Opened message1);
// The first state in which a responder does something.
void enter(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, PreparingAnswer first, QuickModeEffects effects);

// What of the policy can be had under this main mode SA with the present driver: without the offers with AH where the
// driver has none, or a translator is between the two (NAT-05). Failure where nothing is left.
Choice<QuickModePolicy> carriable(const EngineState& state, const Established& main_mode,
                                  const QuickModePolicy& policy);

QuickModeFacts facts_of(const MainModeSa& sa, std::uint32_t message_id, bool initiator);
// Nothing is awaited any more; the exchange is kept a while to answer repeated messages.
void finish(Turn& turn, QuickModeExchange& exchange, QuickModeFinished state);

Turn::Fields fields_of(const QuickModeExchange& exchange);
void report_failure(Turn& turn, const MainModeSa& sa, const QuickModeExchange& exchange, const Failure& failure);
// How a failure is said to the peer.
NotifyType refusal_of(FailureReason reason);

}  // namespace ipsec::ike

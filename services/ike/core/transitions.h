#pragma once

#include <type_traits>
#include <variant>

#include "services/ike/core/events.h"
#include "services/ike/core/failure.h"
#include "services/ike/core/main_mode_states.h"
#include "services/ike/core/quick_mode_states.h"

// The legal (state, event, next state) of main mode and quick mode. A step function returns the Outcome of its row, so
// a step into a state that is not listed does not compile; a pair that is not listed has no step function, and such a
// message is "unexpected".
namespace ipsec::ike {

template <typename... Next>
using Outcome = std::variant<Ignored, Failure, Next...>;

template <typename State, typename Event>
struct Transition {};

// clang-format off
// initiator
template <> struct Transition<AwaitingMessage2, MessageReceived> { using Result = Outcome<MakingKeyPair>; };
template <> struct Transition<MakingKeyPair, DhComputed> { using Result = Outcome<AwaitingMessage4>; };
template <> struct Transition<AwaitingMessage4, MessageReceived> { using Result = Outcome<ComputingSecret>; };
template <> struct Transition<ComputingSecret, DhComputed> { using Result = Outcome<AwaitingMessage6, ProvingAsInitiator>; };
template <> struct Transition<ProvingAsInitiator, IdentityProven> { using Result = Outcome<AwaitingMessage6>; };
template <> struct Transition<AwaitingMessage6, MessageReceived> { using Result = Outcome<Established, VerifyingResponder>; };
template <> struct Transition<VerifyingResponder, PeerVerified> { using Result = Outcome<Established>; };
// responder
template <> struct Transition<AwaitingMessage3, MessageReceived> { using Result = Outcome<ComputingAnswer>; };
template <> struct Transition<ComputingAnswer, DhComputed> { using Result = Outcome<AwaitingMessage5>; };
template <> struct Transition<AwaitingMessage5, MessageReceived> { using Result = Outcome<Established, VerifyingInitiator>; };
template <> struct Transition<VerifyingInitiator, PeerVerified> { using Result = Outcome<ProvingAsResponder>; };
template <> struct Transition<ProvingAsResponder, IdentityProven> { using Result = Outcome<Established>; };

// quick mode, initiator
template <> struct Transition<PreparingOffer, OwnSpi> { using Result = Outcome<PreparingOffer, AwaitingAnswer>; };
template <> struct Transition<PreparingOffer, DhComputed> { using Result = Outcome<PreparingOffer, AwaitingAnswer>; };
template <> struct Transition<AwaitingAnswer, MessageReceived> { using Result = Outcome<ComputingPfsSecret, InstallingPair>; };
template <> struct Transition<ComputingPfsSecret, DhComputed> { using Result = Outcome<InstallingPair>; };
template <> struct Transition<InstallingPair, SaInstalled> { using Result = Outcome<InstallingPair, AwaitingConnected, QuickModeFinished>; };
template <> struct Transition<AwaitingConnected, MessageReceived> { using Result = Outcome<InstallingOutbound>; };
template <> struct Transition<AwaitingConnected, PatienceOver> { using Result = Outcome<InstallingOutbound>; };
template <> struct Transition<QuickModeFinished, MessageReceived> { using Result = Outcome<QuickModeFinished>; };
// quick mode, responder; the last row for both
template <> struct Transition<PreparingAnswer, OwnSpi> { using Result = Outcome<PreparingAnswer, InstallingInbound>; };
template <> struct Transition<PreparingAnswer, DhComputed> { using Result = Outcome<PreparingAnswer, InstallingInbound>; };
template <> struct Transition<InstallingInbound, SaInstalled> { using Result = Outcome<AwaitingConfirmation>; };
template <> struct Transition<AwaitingConfirmation, MessageReceived> { using Result = Outcome<InstallingOutbound>; };
template <> struct Transition<InstallingOutbound, SaInstalled> { using Result = Outcome<QuickModeFinished>; };
// clang-format on

template <typename State, typename Event>
concept LegalTransition = requires {
  typename Transition<State, Event>::Result;
};

template <typename State, typename Event>
using ResultOf = typename Transition<State, Event>::Result;

}  // namespace ipsec::ike

#pragma once

#include "services/ike/core/transitions.h"

// Quick mode as initiator; steps as in main_mode_initiator.h.
namespace ipsec::ike {

// Asks for SPIs and, with PFS, a key pair. Failure where the selector cannot be said. The policy has an offer.
std::variant<PreparingOffer, Failure> start_quick_mode(QuickModeContext& context);

// Message 1 goes out once all of it is there.
ResultOf<PreparingOffer, OwnSpi> step(const PreparingOffer& state, const OwnSpi& own, QuickModeContext& context);
ResultOf<PreparingOffer, DhComputed> step(const PreparingOffer& state, const DhComputed& computed,
                                          QuickModeContext& context);
ResultOf<AwaitingAnswer, MessageReceived> step(const AwaitingAnswer& state, const MessageReceived& message,
                                               QuickModeContext& context);
ResultOf<ComputingPfsSecret, DhComputed> step(const ComputingPfsSecret& state, const DhComputed& computed,
                                              QuickModeContext& context);
// Message 3 goes out once both SAs are installed; where the peer promises message 4, once the inbound SA is.
ResultOf<InstallingPair, SaInstalled> step(const InstallingPair& state, const SaInstalled& installed,
                                           QuickModeContext& context);
// Message 4, or that it has been waited for long enough: installs the outbound SA. The commit bit is not authenticated,
// so a peer that never meant it is waited for no longer than that.
ResultOf<AwaitingConnected, MessageReceived> step(const AwaitingConnected& state, const MessageReceived& message,
                                                  QuickModeContext& context);
ResultOf<AwaitingConnected, PatienceOver> step(const AwaitingConnected& state, const PatienceOver& over,
                                               QuickModeContext& context);
// A fourth message that was not promised, CONNECTED or other notifies of an authenticated peer (QM-05 to QM-07).
ResultOf<QuickModeFinished, MessageReceived> step(const QuickModeFinished& state, const MessageReceived& message,
                                                  QuickModeContext& context);

}  // namespace ipsec::ike

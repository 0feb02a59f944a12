#pragma once

#include "services/ike/core/transitions.h"

// Quick mode as initiator; steps as in main_mode_initiator.h.
namespace ipsec::ike {

// Asks for an SPI and, with PFS, a key pair. Failure where the policy has no usable offer or the selector cannot be
// said.
std::variant<PreparingOffer, Failure> start_quick_mode(QuickModeContext& context);

// Message 1 goes out once both are there.
ResultOf<PreparingOffer, SpiReserved> step(const PreparingOffer& state, const SpiReserved& reserved,
                                           QuickModeContext& context);
ResultOf<PreparingOffer, DhComputed> step(const PreparingOffer& state, const DhComputed& computed,
                                          QuickModeContext& context);
ResultOf<AwaitingAnswer, MessageReceived> step(const AwaitingAnswer& state, const MessageReceived& message,
                                               QuickModeContext& context);
ResultOf<ComputingPfsSecret, DhComputed> step(const ComputingPfsSecret& state, const DhComputed& computed,
                                              QuickModeContext& context);
// Message 3 goes out once both SAs are installed.
ResultOf<InstallingPair, SaInstalled> step(const InstallingPair& state, const SaInstalled& installed,
                                           QuickModeContext& context);
// A fourth message, CONNECTED or other notifies of an authenticated peer (QM-05 to QM-07).
ResultOf<QuickModeFinished, MessageReceived> step(const QuickModeFinished& state, const MessageReceived& message,
                                                  QuickModeContext& context);

}  // namespace ipsec::ike

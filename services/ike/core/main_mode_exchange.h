#pragma once

#include <optional>

#include "services/ike/core/main_mode.h"
#include "services/ike/core/main_mode_states.h"

// One main mode taken from state to state: shared by the three files behind main_mode.h and by nobody else.
//   main_mode.cpp         begin; steps and what they lead to
//   main_mode_intake.cpp  messages of the peer
//   main_mode_end.cpp     repetitions, time-outs, failures, the end
namespace ipsec::ike {

// Takes the step of this state for this event, or says why there is none. A step that fails ends the SA: it is gone
// where nothing is returned, unless it has moved on.
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const MessageReceived& message);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const DhComputed& computed);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const IdentityProven& proven);
std::optional<Ignored> advance(Turn& turn, MainModeSa& sa, const PeerVerified& verified);

// What a failed authentication was about, as far as that is clear: preshared keys differ.
Terms different_keys(const MainModeSa& sa);
FailedNegotiation failed_main_mode(const MainModeSa& sa, Failure failure, Timestamp now);

// Which rule is followed with a peer, and what it offers, for the log.
std::string rule_text(const MainModeFacts& facts);
// Not 0 and no other SA's.
Cookie fresh_cookie(EngineState& state);
// Sends what a step has made; an initiator repeats it until answered, a responder where asked again.
void send_step(Turn& turn, MainModeSa& sa, Bytes datagram);

}  // namespace ipsec::ike

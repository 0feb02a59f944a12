#pragma once

#include <string>

#include "services/ike/core/explain.h"
#include "services/ike/core/turn.h"

// First messages that this host does not even read, and ICMP errors for its own: nothing is done, but somebody will
// want to know.
namespace ipsec::ike {

// An entry in the log and an event, for a main mode that the sender of `datagram` wanted to begin.
void report_unread(Turn& turn, const DatagramReceived& datagram, FailureReason reason, std::string text,
                   ExplanationPointer explanation);

// Where it is the first message of an exchange or a version of IKE that is not spoken here; others are left alone.
void report_unsupported(Turn& turn, const DatagramReceived& datagram);

// Remembers it for main modes under way with this peer.
void note_unreachable(Turn& turn, const PeerUnreachable& event);

}  // namespace ipsec::ike

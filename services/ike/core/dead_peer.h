#pragma once

#include "services/ike/core/turn.h"

// Finding out that a peer is gone (RFC 3706). Only peers that have announced it are asked, only while there are SAs
// with them, and only after they have been silent.
namespace ipsec::ike {

// Asks when it is time to, and ends everything with a peer that does not answer.
void watch_peer(Turn& turn, MainModeSa& sa);
// R-U-THERE: answers it. The acknowledgement itself is proof enough that the peer lives: it has verified.
void answer_probe(Turn& turn, MainModeSa& sa, const NotifyPayload& probe);

}  // namespace ipsec::ike

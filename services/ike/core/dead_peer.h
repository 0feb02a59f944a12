#pragma once

#include "services/ike/core/turn.h"

// Finding out that a peer is gone (RFC 3706). Only peers that have announced it are asked, only while there are SAs
// with them, and only after they have been silent.
namespace ipsec::ike {

// Asks when it is time to. A peer that does not answer gets one more chance: a new main mode.
void watch_peer(Turn& turn, MainModeSa& sa);
// That main mode has failed, too.
void end_sas_of_dead_peer(Turn& turn, const IpAddress& local, const IpAddress& peer, const HostBehindNat& host);
// R-U-THERE: answers it. The acknowledgement itself is proof enough that the peer lives: it has verified.
void answer_probe(Turn& turn, MainModeSa& sa, const NotifyPayload& probe);

}  // namespace ipsec::ike

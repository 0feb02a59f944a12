#pragma once

#include "services/ike/core/turn.h"

// Aggressive mode (RFC 2409 section 5.4). This host never begins it and never answers it but with a refusal (AGG-04):
// it shows who asks, and with preshared keys it hands everybody who asks a hash to try words against.
namespace ipsec::ike {

// Answers a first message of it with UNSUPPORTED-EXCHANGE-TYPE. The answers are bounded, since anybody can cause them
// in anybody's name. A host without policy says nothing.
void refuse_aggressive_mode(Turn& turn, const Header& header, const DatagramReceived& datagram);

}  // namespace ipsec::ike

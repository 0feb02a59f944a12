#pragma once

#include <variant>

#include "services/ike/core/turn.h"

// Main modes between their states: sending, repeating, failing, ending.
namespace ipsec::ike {

// Sends message 1. Failure where no rule covers the two hosts.
std::variant<MainModeSa*, Failure> begin_main_mode(Turn& turn, const IpAddress& local, const IpAddress& peer,
                                                   const HostBehindNat& host = {});

// A datagram of the main mode exchange.
void receive_main_mode(Turn& turn, const Header& header, const DatagramReceived& datagram);
void main_mode_computed(Turn& turn, MainModeSa& sa, const DhComputed& computed);
// A certificate was chosen and has signed, or the peer's was looked at.
void main_mode_proven(Turn& turn, MainModeSa& sa, const IdentityProven& proven);
void main_mode_verified(Turn& turn, MainModeSa& sa, const PeerVerified& verified);
// Retransmission and time-outs of an SA that is not established.
void main_mode_due(Turn& turn, MainModeSa& sa);

// Ends an SA that is not established: event, failed wishes. The SA is gone afterwards.
void fail_main_mode(Turn& turn, MainModeSa& sa, const Failure& failure);

// Ends an established SA. Quick modes under way and wishes in its queue are tried again under another one; quick mode
// SAs stay. It still reads what the peer says under it for a while, so that quick modes that only wait for their last
// message can finish.
enum class TellPeer { kNo, kYes };
enum class LastMessages { kAwait, kAbandon };
void end_main_mode(Turn& turn, MainModeSa& sa, TellPeer tell, const Failure& why,
                   LastMessages last = LastMessages::kAwait);

}  // namespace ipsec::ike

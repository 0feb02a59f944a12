#pragma once

#include <variant>

#include "services/ike/core/turn.h"

// Main modes between their states: sending, repeating, failing, ending.
namespace ipsec::ike {

// Sends message 1. Failure where no rule covers the two hosts.
std::variant<MainModeSa*, Failure> begin_main_mode(Turn& turn, const IpAddress& local, const IpAddress& peer);

// A datagram of the main mode exchange.
void receive_main_mode(Turn& turn, const Header& header, const DatagramReceived& datagram);
void main_mode_computed(Turn& turn, MainModeSa& sa, const DhComputed& computed);
// Retransmission and time-outs of an SA that is not established.
void main_mode_due(Turn& turn, MainModeSa& sa);

// Ends an SA that is not established: event, failed wishes. The SA is gone afterwards.
void fail_main_mode(Turn& turn, MainModeSa& sa, const Failure& failure);

// Ends an established SA. Quick modes under way and wishes in its queue are tried again under another one; quick mode
// SAs stay. The peer is told unless it said so itself. The SA is gone afterwards.
enum class TellPeer { kNo, kOnce, kRepeatedly };
void end_main_mode(Turn& turn, MainModeSa& sa, TellPeer tell, const Failure& why);

}  // namespace ipsec::ike

#pragma once

#include <deque>

#include "services/ike/core/main_mode.h"
#include "services/ike/core/turn.h"

// Quick modes between their states: sending, repeating, installing, failing.
namespace ipsec::ike {

// Requires sa.has_room().
void begin_quick_mode(Turn& turn, MainModeSa& sa, QuickModeWish wish, bool on_fresh_main_mode);

// A datagram of the quick mode exchange under an SA that is no longer half-open.
void receive_quick_mode(Turn& turn, MainModeSa& sa, const Header& header, const DatagramReceived& datagram);

// Answers to requests. The exchange may have ended meanwhile; then false, and the caller gives back what was granted.
bool quick_mode_computed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const DhComputed& computed);
bool quick_mode_spi_reserved(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const OwnSpi& own);
bool quick_mode_sa_installed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const SaInstalled& installed);
void quick_mode_driver_failed(Turn& turn, MainModeSa& sa, std::uint32_t message_id, const std::string& text);

// Retransmissions, time-outs and forgetting. False: the SA is gone, because its peer is.
bool quick_modes_due(Turn& turn, MainModeSa& sa);

// Ends this exchange: SAs are removed, the peer is told where it may have some, the wish fails.
void fail_quick_mode(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, const Failure& failure,
                     TellPeer tell = TellPeer::kYes);

// Ends the exchanges under way, or those that wait for more than their last message, without telling the peer, and
// returns the wishes behind those we began.
std::deque<QuickModeWish> abandon_quick_modes(Turn& turn, MainModeSa& sa, const Failure& why, LastMessages last);

// The exchange that a notify or delete of the peer is about; nullptr where it is about none.
QuickModeExchange* find_exchange_by_peer_spi(MainModeSa& sa, SecurityProtocol protocol, std::uint32_t spi);

}  // namespace ipsec::ike

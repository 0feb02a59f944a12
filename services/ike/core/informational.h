#pragma once

#include "services/ike/core/turn.h"

// Notifies and deletes (RFC 2409 section 5.7), and finding the SA of a datagram.
namespace ipsec::ike {

// The SA of a datagram with both cookies; nullptr where there is none, or where the datagram comes from or to another
// address.
MainModeSa* find_by_cookies(Turn& turn, const Header& header, const DatagramReceived& datagram);

// A datagram of the informational exchange. In clear it is a hint that ends nothing; encrypted it counts.
void receive_informational(Turn& turn, const Header& header, const DatagramReceived& datagram);
// The peer's end of the SA after a message of its that has verified: a translator may give it another port at any time
// (RFC 3947 section 7).
void follow_peer(Turn& turn, MainModeSa& sa, const DatagramReceived& datagram);
// Everything that is with this host behind a translator goes on at its new port.
void move_host(Turn& turn, const IpAddress& local, const IpAddress& peer, const HostBehindNat& host,
               std::uint16_t port);
// Notifies that may also stand in other messages of an authenticated peer.
void handle_notifies(Turn& turn, MainModeSa& sa, const PayloadChain& chain);
// Drops what this peer had before the present SA began (RFC 2407 section 4.6.3.3).
void handle_initial_contact(Turn& turn, MainModeSa& sa);

// A quick mode message of an SA that is not known here.
void answer_invalid_cookie(Turn& turn, const Header& header, const DatagramReceived& datagram);

// A hint to a peer that has no keys yet.
void send_clear_notify(Turn& turn, MainModeSa& sa, NotifyType type);
// Authenticated; require an established SA. The octets are returned, too, for repetition. `data`: alternatives.h.
Bytes write_notify(Turn& turn, MainModeSa& sa, NotifyType type, SecurityProtocol protocol, std::uint32_t spi,
                   Bytes data);
Bytes send_notify(Turn& turn, MainModeSa& sa, NotifyType type, SecurityProtocol protocol, std::uint32_t spi,
                  Bytes data);
// R-U-THERE or its acknowledgement.
void send_probe(Turn& turn, MainModeSa& sa, NotifyType type, std::uint32_t sequence);
void send_main_mode_delete(Turn& turn, MainModeSa& sa);
// Of our inbound SAs with these SPIs, of which there is one at least.
Bytes send_quick_mode_delete(Turn& turn, MainModeSa& sa, const SuiteSpis& spis);

}  // namespace ipsec::ike

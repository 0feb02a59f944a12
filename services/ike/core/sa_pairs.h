#pragma once

#include "services/ike/core/turn.h"

// The end of quick mode SAs: by the driver, by the peer, by an administrator (QM-21, KEY-09, KEY-10, KEY-14).
namespace ipsec::ike {

// The driver has ended an SA: the peer is told.
void handle_sa_ended(Turn& turn, const SaEnded& ended);
// The peer has deleted its inbound SA `spi`: both of ours go.
void pair_deleted_by_peer(Turn& turn, MainModeSa& sa, std::uint32_t spi);
// Removes a pair here and tells the peer.
void delete_pair(Turn& turn, const QuickModeSaPair& pair);
// The driver has lost everything.
void handle_driver_restart(Turn& turn);
void handle_delete_request(Turn& turn, const DeleteRequested& request);

}  // namespace ipsec::ike

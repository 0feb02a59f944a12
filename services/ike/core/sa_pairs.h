#pragma once

#include <string_view>

#include "services/ike/core/turn.h"

// The end of quick mode SAs: by the driver, by the peer, by an administrator (QM-21, KEY-09, KEY-10, KEY-14).
namespace ipsec::ike {

// "idle", "policy", "lifetime"
std::string_view name(SaEndReason reason);

// The driver has ended an SA: the peer is told.
void handle_sa_ended(Turn& turn, const SaEnded& ended);
// A translator has given the peer another port: IKE goes on there, too.
void handle_peer_moved(Turn& turn, const PeerMoved& moved);
// The peer has deleted its inbound SA `spi`: both of ours go. False where there is none.
bool pair_deleted_by_peer(Turn& turn, MainModeSa& sa, SecurityProtocol protocol, std::uint32_t spi);
// Removes a pair here and tells the peer.
void delete_pair(Turn& turn, const QuickModeSaPair& pair);
// SAs that end with the policy before, of which the peer must hear while there is a main mode, since this host goes on
// in clear: those of dynamic filters that are gone, and all of them where no policy is assigned any more.
void end_pairs_of_former_policy(Turn& turn);
// The driver has lost everything.
void handle_driver_restart(Turn& turn);
// The driver has SAs that nobody here knows.
void adopt_sas(Turn& turn, const DriverSasFound& found);
// Whether the pair was made with the peer of this proven identity. Of an adopted pair the identity is not known:
// whoever proves itself at its address has it.
bool belongs_to(const QuickModeSaPair& pair, const std::string& peer_identity);
void handle_delete_request(Turn& turn, const DeleteRequested& request);

}  // namespace ipsec::ike

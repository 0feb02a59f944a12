#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/time.h"
#include "services/ike/core/turn.h"

// Soft SAs (SFT-01 to SFT-06): what a peer that does not answer gets where the filter action allows to fall back to
// clear. They carry no keys and no peer knows of them; the driver lets the packets of their selector pass and ends them
// when they are idle or their lifetime is over. Then the next packet tries security again.
namespace ipsec::ike {

// Whether the policy in force lets this wish end in clear: its filter allows it, is of transport mode, and a packet
// waits. A mere renewal never does: the SA before it still protects.
bool may_go_on_in_clear(const IkePolicy& policy, const QuickModeWish& wish);

// Whether the peer is known to do IPsec: there are SAs with it, or a main mode has come about.
bool does_ipsec(EngineState& state, const IpAddress& local, const IpAddress& peer);

// Requires may_go_on_in_clear() and a peer that has kept silent and is not known to do IPsec. `lifetime` is that of the
// main mode which nobody answered (SFT-06).
void begin_soft_sa(Turn& turn, QuickModeWish wish, std::uint32_t lifetime_seconds);
// The wish joins a soft SA for the same traffic that is being installed. False: there is none.
bool join_soft_sa(Turn& turn, const QuickModeWish& wish);

// The driver's answers to requests whose `soft_sa` is not 0. False: the attempt is over, and the caller gives back what
// was granted.
bool soft_sa_spi_reserved(Turn& turn, std::uint64_t attempt, std::uint32_t spi);
bool soft_sa_installed(Turn& turn, std::uint64_t attempt);
void soft_sa_refused(Turn& turn, std::uint64_t attempt, const std::string& text);

// False: it was not a soft one.
bool soft_sa_ended(Turn& turn, const SaEnded& ended);
void adopt_soft_sa(Turn& turn, const SaParameters& inbound);
// Ends those with this peer (absent: all), and what is being installed: an administrator asks for it, or the peer does
// IPsec after all. `why` is for people.
void end_soft_sas(Turn& turn, const std::optional<IpAddress>& peer, std::string_view why);
// Gives up attempts that the policy in force no longer allows. The driver ends the SAs.
void apply_policy_to_soft_sas(Turn& turn);
// The driver has lost everything.
void forget_soft_sas(Turn& turn, const Failure& why);

}  // namespace ipsec::ike

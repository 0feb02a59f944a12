#pragma once

#include <optional>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/common/selector.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/policy.h"
#include "services/ike/wire/payloads.h"

// Between the selector of an SA and the two identities of quick mode (QM-09).
namespace ipsec::ike {

struct QuickModeIdentities {
  IdentificationPayload initiator;  // IDci
  IdentificationPayload responder;  // IDcr
  friend bool operator==(const QuickModeIdentities&, const QuickModeIdentities&) = default;
};

// `outbound` as the initiator sees it. Refused where a port range is neither one port nor any: ISAKMP cannot say it.
Result<QuickModeIdentities> identities_of(const Selector& outbound);

// The initiator's outbound selector that the pair names. Refuses other than address types, two families, two protocols,
// and ports with a protocol that has none.
Result<Selector> selector_of(const QuickModeIdentities& identities);

// Behind a translator a host names the address it knows itself by; what arrives here bears the translator's. Transport
// mode is between the addresses on the packets (RFC 3947 section 5.2). `outbound` as seen from this host.
Selector translated(Selector outbound, const NatFound& nat, const IpAddress& local, const IpAddress& peer);

// What an outbound filter negotiates: its own ranges in tunnel mode; the two hosts with its protocol and ports in
// transport mode.
Selector negotiated_selector(const Filter& filter, const IpAddress& local, const IpAddress& peer);

}  // namespace ipsec::ike

#pragma once

#include <cstddef>
#include <optional>

#include "services/common/bytes.h"
#include "services/common/selector.h"
#include "services/ike/wire/sa_payload.h"

// What a refusal says besides no (MM-24: the responder answers with acceptance or with alternatives): the data of a
// NO-PROPOSAL-CHOSEN notify is the body of an SA payload with what this side would agree to, that of an
// INVALID-ID-INFORMATION the two ID payloads of its nearest filter. Only to peers whose vendor id says that they
// understand it (Extensions::explanations). Pure.
namespace ipsec::ike {

// At most `limit` octets: of the transforms those behind are left out. Empty where not even one fits.
Bytes write_alternatives(SaPayload configured, std::size_t limit);
std::optional<SaPayload> read_alternatives(ByteView data);

// `outbound` as the one that says it sees it. Empty where ISAKMP has no words for it.
Bytes write_traffic(const Selector& outbound);
// As the one that hears it sees it: its packets to the other.
std::optional<Selector> read_traffic(ByteView data);

}  // namespace ipsec::ike

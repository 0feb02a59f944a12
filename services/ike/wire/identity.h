#pragma once

#include <cstdint>
#include <string>

#include "services/common/address.h"
#include "services/common/result.h"
#include "services/ike/wire/payloads.h"

// Identities between payload and value (RFC 2407 section 4.6.2).
namespace ipsec::ike {

// Phase 1: the address of a host; protocol and port 0.
IdentificationPayload address_identity(const IpAddress& address);

// Phase 2: an address, a subnet where the range is exactly one, otherwise a range.
IdentificationPayload range_identity(const AddressRange& range, std::uint8_t protocol, std::uint16_t port);

// The addresses that an ID of one of the six address types names. Refuses other types, wrong lengths, masks with holes
// and ranges whose low end is above the high end.
Result<AddressRange> identity_range(const IdentificationPayload& identity);

// For people and for comparing: "10.0.0.1", "10.0.0.0/8", "host.example.org", "key-id 0102". Unprintable octets of
// names are shown as '?'.
std::string to_string(const IdentificationPayload& identity);

}  // namespace ipsec::ike

#pragma once

#include <cstdint>

#include "services/common/address.h"
#include "services/common/bytes.h"

// The Internet checksum (RFC 1071). Sums are ones-complement partial sums that may be added to one another and are
// folded at the end; they are in the byte order of the machine, which the ones-complement sum does not care about.
namespace ipsec::driver {

// The sum of 16-bit words; an odd last octet is padded with zero. To be added to others only at even offsets.
std::uint64_t checksum_add(ByteView bytes);
// Copies and sums in one go. Requires destination.size() >= source.size() and no overlap.
std::uint64_t checksum_copy(MutableByteView destination, ByteView source);
// Of addresses, protocol and transport length (RFC 9293 3.1, RFC 8200 8.1).
std::uint64_t checksum_pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                     std::size_t transport_length);

// Folds to 16 bits without inverting: what a NEEDS_CSUM packet carries in its checksum field. Network order value as
// the number a store_u16 takes.
std::uint16_t checksum_fold(std::uint64_t sum);
// Folds and inverts: the checksum itself.
inline std::uint16_t checksum_finish(std::uint64_t sum) { return static_cast<std::uint16_t>(~checksum_fold(sum)); }

// Sets the header checksum of an IPv4 header (all of its octets, options included).
void set_ipv4_checksum(MutableByteView header);
bool ipv4_checksum_is_good(ByteView header);

}  // namespace ipsec::driver

#pragma once

#include <cstdint>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/driver/core/ip.h"

// The outer header of tunnel mode (RFC 4301 5.1.2) and explicit congestion notification across it (RFC 6040).
namespace ipsec::driver {

inline std::size_t outer_header_size(const IpAddress& outer) {
  return outer.is_v4() ? kIpv4HeaderSize : kIpv6HeaderSize;
}

// What the outer header takes from the packet inside and the SA. DSCP and ECN are copied from `traffic_class`, which is
// the inner one (RFC 6040 normal mode).
struct OuterHeader {
  const IpAddress& source;
  const IpAddress& destination;
  std::uint8_t protocol = 0;  // of what follows it: ESP, AH or UDP
  std::uint8_t traffic_class = 0;
  bool dont_fragment = false;
  std::uint16_t identification = 0;
};
// Writes it at the beginning of `packet` (all of it, ESP included), with our own hop limit.
void write_outer_header(MutableByteView packet, const OuterHeader& header);

// Brings a congestion mark of the outer header into the inner packet; its checksum is kept right. False: the packet
// must be dropped (a congestion mark on a flow without ECN). Requires a sound inner packet.
bool decapsulate_congestion(const PacketView& inner, std::uint8_t outer_traffic_class);

}  // namespace ipsec::driver

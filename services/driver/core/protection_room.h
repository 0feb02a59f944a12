#pragma once

#include <algorithm>
#include <cstddef>

#include "services/driver/core/ah.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/sa.h"
#include "services/driver/core/tunnel.h"
#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {

// How an inner packet fits into protected packets of an SA (RFC 4303 2.4; reference formula: the largest payload for a
// path MTU):
//
//   IP headers | AH | UDP | ESP ( payload, trailer ) ICV        of AH, UDP and ESP those that the SA has
struct ProtectionRoom {
  std::size_t header_size = 0;  // the packet's own IP headers, or the outer header
  std::size_t ah_size = 0;
  std::size_t udp_size = 0;
  std::size_t path_mtu = 0;
  std::size_t largest_inner = 0;  // octets of an inner packet, its IP header included, that still fit

  // Where ESP, or without it the payload, begins.
  std::size_t esp_offset() const { return header_size + ah_size + udp_size; }
  // Octets of the packet around this much payload.
  std::size_t carrier_size(const Sa& sa, std::size_t payload) const {
    if (!sa.has_esp()) return esp_offset() + payload;
    return esp_offset() + sa.suite().packet_size(sa.suite().encrypted_size(payload));
  }
};

// The largest payload in `space` octets, 0 where there is no room.
inline std::size_t largest_payload(const Sa& sa, std::size_t space) {
  if (!sa.has_esp()) return space;
  const EspSuite& suite = sa.suite();
  const std::size_t fixed = suite.header_size() + suite.icv_size;
  return space < fixed + suite.alignment ? 0 : (space - fixed) / suite.alignment * suite.alignment - 2;
}

// No path is taken for narrower than what each must carry.
inline std::uint16_t least_path_mtu(const IpAddress& outer) {
  return outer.is_v4() ? limits::kMinMtuIpv4 : limits::kMinMtuIpv6;
}

inline std::uint16_t path_mtu_of(const Sa& sa, std::uint16_t link_mtu) {
  const std::uint16_t known = sa.path().known().mtu;
  return std::max(known == 0 ? link_mtu : std::min(link_mtu, known), least_path_mtu(sa.parameters().destination));
}

// For packets whose IP headers up to what a transport SA protects have `own_header` octets. Requires an SA that is not
// soft.
inline ProtectionRoom protection_room(const Sa& sa, std::size_t own_header, std::uint16_t path_mtu) {
  const IpAddress& outer = sa.parameters().destination;
  ProtectionRoom room;
  room.path_mtu = path_mtu;
  room.header_size = sa.is_tunnel() ? outer_header_size(outer) : own_header;
  if (sa.has_ah()) room.ah_size = ah_header_size(sa.ah_keys().icv_size(), outer.is_v4());
  if (sa.parameters().udp) room.udp_size = udp_overhead(*sa.parameters().udp);

  if (room.path_mtu < room.esp_offset()) return room;
  const std::size_t payload = largest_payload(sa, room.path_mtu - room.esp_offset());
  if (payload != 0) room.largest_inner = payload + (sa.is_tunnel() ? 0 : own_header);
  return room;
}

}  // namespace ipsec::driver

#pragma once

#include <algorithm>
#include <cstddef>

#include "services/driver/core/ip.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/sa.h"
#include "services/driver/core/tunnel.h"

namespace ipsec::driver {

// How an inner packet fits into ESP packets of an SA (RFC 4303 2.4; reference formula: the largest payload for a path
// MTU).
struct EspRoom {
  std::size_t header_size = 0;  // what stands before ESP: the packet's own IP headers, or the outer header
  std::size_t path_mtu = 0;
  std::size_t largest_inner = 0;  // octets of an inner packet, its IP header included, that still fit
};

inline EspRoom esp_room(const Sa& sa, const PacketView& packet, std::size_t link_mtu) {
  const IpAddress& outer = sa.parameters().destination;
  EspRoom room;
  room.path_mtu = sa.path_mtu() == 0 ? link_mtu : std::min<std::size_t>(link_mtu, sa.path_mtu());
  room.path_mtu = std::max<std::size_t>(room.path_mtu, outer.is_v4() ? limits::kMinMtuIpv4 : limits::kMinMtuIpv6);
  room.header_size = sa.is_tunnel() ? outer_header_size(outer) : packet.protect_offset;

  const EspSuite& suite = sa.suite();
  const std::size_t fixed = room.header_size + suite.header_size() + suite.icv_size;
  if (room.path_mtu < fixed + suite.alignment) return room;
  const std::size_t inner = (room.path_mtu - fixed) / suite.alignment * suite.alignment - 2;
  room.largest_inner = sa.is_tunnel() ? inner : packet.protect_offset + inner;
  return room;
}

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/events.h"
#include "services/driver/core/ip.h"

// ICMP about packet sizes: what the driver says to the host, and what routers say to the driver (RFC 1191, RFC 8201).
namespace ipsec::driver {

// "Fragmentation needed" (type 3 code 4) or "packet too big" (ICMPv6 type 2) to the sender of `packet`, as if `from`
// had sent it; `from` is of the packet's family. In the arena.
MutableByteView make_too_big(const PacketView& packet, const IpAddress& from, std::uint16_t mtu, Arena& arena);

// What a packet-too-big message says about an AH or ESP packet of ours, or one in UDP.
struct TooBigNotice {
  IpAddress peer;  // destination of the quoted packet
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  std::uint32_t spi = 0;
  std::uint16_t mtu = 0;  // as reported, at most 65535
};
// nullopt: not such a message, or it quotes something else, or too little of it to show the SPI.
std::optional<TooBigNotice> read_too_big(const PacketView& packet);

}  // namespace ipsec::driver

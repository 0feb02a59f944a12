#pragma once

#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/common/selector.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/events.h"
#include "services/driver/core/ip.h"

// ICMP about packet sizes: what the driver says to the host, and what routers say to the driver (RFC 1191, RFC 8201).
namespace ipsec::driver {

// "Fragmentation needed" (type 3 code 4) or "packet too big" (ICMPv6 type 2) to the sender of `packet`, as if `from`
// had sent it; `from` is of the packet's family. In the arena.
MutableByteView make_too_big(const PacketView& packet, const IpAddress& from, std::uint16_t mtu, Arena& arena);

// The AH or ESP packet of ours, perhaps in UDP, that a router quotes.
struct QuotedEsp {
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  std::uint32_t spi = 0;
  std::optional<std::uint32_t> sequence;  // where so much is quoted
  bool in_udp = false;                    // between the ports of TooBigNotice::packet
};

// A packet-too-big message: "fragmentation needed" or its like of ICMPv6.
struct TooBigNotice {
  FiveTuple packet;        // the quoted one
  bool has_ports = false;  // they were quoted
  bool is_fragment = false;
  // What the message says fits; where a router of before RFC 1191 says 0, the next plateau below the quoted packet.
  std::uint16_t mtu = 0;
  std::optional<QuotedEsp> esp;
};
// nullopt: not such a message, or it quotes less than eight octets behind an IP header of its own family.
std::optional<TooBigNotice> read_too_big(const PacketView& packet);

}  // namespace ipsec::driver

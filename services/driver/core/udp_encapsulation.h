#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/sa.h"

// ESP in UDP (RFC 3948): on port 4500 right after the UDP header, where ISAKMP has its non-ESP marker of four zero
// octets; on port 500, as the first drafts have it, after eight zero octets, where ISAKMP has its cookie.
namespace ipsec::driver {

inline constexpr std::size_t kNonIkeMarkerSize = 8;

// Octets between IP and ESP.
inline std::size_t udp_overhead(const UdpEncapsulation& udp) {
  return kUdpHeaderSize + (udp.local_port == kIsakmpPort ? kNonIkeMarkerSize : 0);
}

// Writes UDP header and marker into the first octets of `datagram`, which ends with the packet. The checksum is 0: IPv4
// allows it (RFC 3948 2.1); for IPv6 set_udp_checksum() follows when ESP is sealed.
void write_udp_encapsulation(MutableByteView datagram, const UdpEncapsulation& udp, std::uint16_t peer_port);
void set_udp_checksum(MutableByteView datagram, const IpAddress& source, const IpAddress& destination);

// Where ESP begins in the payload of UDP whose end at this host has `port`. nullopt: ISAKMP, another port, or too short
// for an SPI.
std::optional<std::size_t> esp_offset_in_udp(std::uint16_t port, ByteView payload);

// What UDP for this host's port 4500 or 500 brings when it is not ISAKMP.
struct UdpPayload {
  bool keep_alive = false;     // one octet 0xFF: for the NAT only
  std::size_t esp_offset = 0;  // in the packet
};
// nullopt: something else. `packet` is whole; whether it is for this host is for the caller to know.
std::optional<UdpPayload> read_udp_encapsulation(const PacketView& packet);

// Makes the checksum of TCP or UDP right for the addresses that are now in the packet, after a NAT has changed those of
// the header around ESP (RFC 3948 3.1.2). `packet` is what transport mode gave back. Where the SA does not know the
// original addresses the checksum is made anew: ESP has proved the payload.
void repair_transport_checksum(const PacketView& packet, const UdpEncapsulation& udp);

}  // namespace ipsec::driver

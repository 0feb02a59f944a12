#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/common/selector.h"

// What the driver needs to know of an IP packet, from one bounded walk over its headers (RFC 791, RFC 8200).
namespace ipsec::driver {

inline constexpr std::uint8_t kProtocolHopByHop = 0;
inline constexpr std::uint8_t kProtocolRouting = 43;
inline constexpr std::uint8_t kProtocolFragment = 44;
inline constexpr std::uint8_t kProtocolNone = 59;  // IPv6 "no next header"; in ESP a dummy packet
inline constexpr std::uint8_t kProtocolDestinationOptions = 60;

inline constexpr std::size_t kIpv4HeaderSize = 20;
inline constexpr std::size_t kIpv6HeaderSize = 40;
inline constexpr std::size_t kFragmentHeaderSize = 8;
inline constexpr std::size_t kTcpHeaderSize = 20;
inline constexpr std::size_t kUdpHeaderSize = 8;

inline constexpr std::uint16_t kIsakmpPort = 500;
inline constexpr std::uint16_t kNatTraversalPort = 4500;  // RFC 3947, 3948

// IPv4 flags and fragment offset, as the 16-bit field at offset 6.
inline constexpr std::uint16_t kIpv4DontFragment = 0x4000;
inline constexpr std::uint16_t kIpv4MoreFragments = 0x2000;
inline constexpr std::uint16_t kIpv4OffsetMask = 0x1FFF;

struct PacketView {
  MutableByteView bytes;  // borrowed; exactly the packet: what follows the IP length is cut off
  FiveTuple tuple;        // protocol: that of the upper layer; ports 0 where they are not visible
  // Where the first octet after the headers that routers read begins: an ESP header in transport mode goes here (RFC
  // 4303 3.1.1). For IPv4 the end of the header with its options, for IPv6 after hop-by-hop, routing and fragment
  // headers.
  std::uint16_t protect_offset = 0;
  // The octet that names what stands at protect_offset (protocol or next header).
  std::uint16_t protect_name_offset = 0;
  // The upper-layer header, and the octet that names it. Destination options may lie between protect_offset and it.
  std::uint16_t upper_offset = 0;
  std::uint16_t upper_name_offset = 0;
  bool ports_visible = false;  // TCP or UDP whose header starts in this packet
  bool dont_fragment = false;  // IPv4 DF; IPv6: true
  // Fragments. An IPv6 fragment header with offset 0 and no more fragments makes no fragment (RFC 6946).
  bool is_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_header_offset = 0;  // IPv6 only: 0 where there is none
  std::uint16_t fragment_offset = 0;         // octets
  std::uint32_t fragment_id = 0;

  bool is_v4() const { return tuple.source.is_v4(); }
  // From protect_offset to the end.
  std::size_t protected_size() const { return bytes.size() - protect_offset; }
  ByteView upper() const { return ByteView(bytes).subspan(upper_offset); }
  // Traffic class or TOS octet.
  std::uint8_t traffic_class() const;
};

// nullopt: not a sound IP packet (wrong version, lengths that do not fit, too many extension headers, a jumbogram, a
// whole TCP or UDP packet too short for its ports). The header checksum of IPv4 is not looked at.
std::optional<PacketView> parse_ip(MutableByteView bytes);

// A whole packet of UDP from or to `port` 500, or 4500 with the non-ESP marker (RFC 3948 2.2): never secured, never
// filtered. On port 500 all but what begins with eight zero octets.
bool is_isakmp(const PacketView& packet, std::uint16_t port);
// A whole packet of UDP from or to `port` 4500, or 500 (drafts), with nothing but the octet 0xFF (RFC 3948 2.3): what
// IKE sends to keep a NAT's mapping.
bool is_nat_keep_alive(const PacketView& packet, std::uint16_t port);
// ICMPv6 133..137 (RFC 4861), never in fragments (RFC 6980).
bool is_neighbour_discovery(const PacketView& packet);

// Writes the length fields that follow from the size of the packet: IPv4 total length and header checksum, IPv6 payload
// length. `packet` begins with a sound header of `header_size` octets (IPv4, with options).
void set_ip_length(MutableByteView packet, std::size_t header_size);

}  // namespace ipsec::driver

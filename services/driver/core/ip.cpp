#include "services/driver/core/ip.h"

#include <algorithm>

#include "services/driver/core/checksum.h"
#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

constexpr std::uint8_t kNeighbourDiscoveryFirst = 133;
constexpr std::uint8_t kNeighbourDiscoveryLast = 137;
constexpr std::size_t kCookieSize = 8;
constexpr std::uint8_t kKeepAlive = 0xFF;

// Ports of TCP and UDP. A whole packet too short for its transport header is refused; a first fragment that hides its
// ports is allowed here and treated as one without.
bool read_ports(PacketView& packet) {
  if (!protocol_has_ports(packet.tuple.protocol) || packet.fragment_offset != 0) return true;
  const ByteView upper = packet.upper();
  const std::size_t needed = packet.tuple.protocol == kProtocolTcp ? kTcpHeaderSize : kUdpHeaderSize;
  if (upper.size() < needed) return packet.is_fragment;
  packet.tuple.source_port = load_u16(upper.data());
  packet.tuple.destination_port = load_u16(upper.data() + 2);
  packet.ports_visible = true;
  return true;
}

std::optional<PacketView> parse_ipv4(MutableByteView bytes) {
  if (bytes.size() < kIpv4HeaderSize) return std::nullopt;
  const std::size_t header_size = static_cast<std::size_t>(bytes[0] & 0x0F) * 4;
  const std::size_t total = load_u16(&bytes[2]);
  if (header_size < kIpv4HeaderSize || total < header_size || total > bytes.size()) return std::nullopt;

  PacketView packet;
  packet.bytes = bytes.first(total);
  packet.tuple.protocol = bytes[9];
  packet.tuple.source = IpAddress::from_bytes(ByteView(bytes).subspan(12, 4));
  packet.tuple.destination = IpAddress::from_bytes(ByteView(bytes).subspan(16, 4));
  packet.protect_offset = packet.upper_offset = static_cast<std::uint16_t>(header_size);
  packet.protect_name_offset = packet.upper_name_offset = 9;
  const std::uint16_t flags = load_u16(&bytes[6]);
  packet.dont_fragment = (flags & kIpv4DontFragment) != 0;
  packet.more_fragments = (flags & kIpv4MoreFragments) != 0;
  packet.fragment_offset = static_cast<std::uint16_t>((flags & kIpv4OffsetMask) * 8);
  packet.is_fragment = packet.more_fragments || packet.fragment_offset != 0;
  packet.fragment_id = load_u16(&bytes[4]);
  if (!read_ports(packet)) return std::nullopt;
  return packet;
}

// Notes what the fragment header at `at` says. Requires eight octets there.
void read_fragment_header(PacketView& packet, std::size_t at) {
  const std::uint16_t field = load_u16(&packet.bytes[at + 2]);
  packet.fragment_header_offset = static_cast<std::uint16_t>(at);
  packet.fragment_offset = field & 0xFFF8;
  packet.more_fragments = (field & 1) != 0;
  packet.is_fragment = packet.more_fragments || packet.fragment_offset != 0;
  packet.fragment_id = load_u32(&packet.bytes[at + 4]);
}

// Walks the extension headers. False: they do not end within the packet or the limit.
bool walk_extension_headers(PacketView& packet) {
  std::size_t at = kIpv6HeaderSize;
  std::size_t name_at = 6;
  for (unsigned walked = 0; walked <= limits::kMaxExtensionHeaders; ++walked) {
    const std::uint8_t name = packet.bytes[name_at];
    const bool routers_read = name == kProtocolHopByHop || name == kProtocolRouting || name == kProtocolFragment;
    if ((!routers_read && name != kProtocolDestinationOptions) || packet.fragment_offset != 0) {
      packet.tuple.protocol = name;
      packet.upper_offset = static_cast<std::uint16_t>(at);
      packet.upper_name_offset = static_cast<std::uint16_t>(name_at);
      return true;
    }
    if (packet.bytes.size() - at < kFragmentHeaderSize) return false;
    const std::size_t size =
        name == kProtocolFragment ? kFragmentHeaderSize : (static_cast<std::size_t>(packet.bytes[at + 1]) + 1) * 8;
    if (packet.bytes.size() - at < size) return false;
    if (name == kProtocolFragment) {
      if (packet.fragment_header_offset != 0) return false;
      read_fragment_header(packet, at);
    }
    name_at = at;
    at += size;
    if (!routers_read) continue;
    packet.protect_offset = static_cast<std::uint16_t>(at);
    packet.protect_name_offset = static_cast<std::uint16_t>(name_at);
  }
  return false;
}

std::optional<PacketView> parse_ipv6(MutableByteView bytes) {
  if (bytes.size() < kIpv6HeaderSize) return std::nullopt;
  const std::size_t total = kIpv6HeaderSize + load_u16(&bytes[4]);
  if (total > bytes.size()) return std::nullopt;

  PacketView packet;
  packet.bytes = bytes.first(total);
  packet.tuple.source = IpAddress::from_bytes(ByteView(bytes).subspan(8, 16));
  packet.tuple.destination = IpAddress::from_bytes(ByteView(bytes).subspan(24, 16));
  packet.protect_offset = kIpv6HeaderSize;
  packet.protect_name_offset = 6;
  packet.dont_fragment = true;
  if (!walk_extension_headers(packet) || !read_ports(packet)) return std::nullopt;
  return packet;
}

}  // namespace

std::uint8_t PacketView::traffic_class() const {
  if (is_v4()) return bytes[1];
  return static_cast<std::uint8_t>((bytes[0] << 4) | (bytes[1] >> 4));
}

std::optional<PacketView> parse_ip(MutableByteView bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4:
      return parse_ipv4(bytes);
    case 6:
      return parse_ipv6(bytes);
    default:
      return std::nullopt;
  }
}

bool is_isakmp(const PacketView& packet, std::uint16_t port) {
  if (packet.tuple.protocol != kProtocolUdp || !packet.ports_visible || packet.is_fragment) return false;
  const ByteView upper = packet.upper();
  if (port == kIsakmpPort) {
    // No cookie is zero: there the first drafts of NAT traversal have ESP.
    const ByteView cookie = upper.subspan(kUdpHeaderSize).first(std::min(kCookieSize, upper.size() - kUdpHeaderSize));
    return cookie.size() < kCookieSize || std::ranges::any_of(cookie, [](std::uint8_t octet) { return octet != 0; });
  }
  return port == kNatTraversalPort && upper.size() >= kUdpHeaderSize + 4 && load_u32(&upper[kUdpHeaderSize]) == 0;
}

bool is_nat_keep_alive(const PacketView& packet, std::uint16_t port) {
  if (packet.tuple.protocol != kProtocolUdp || !packet.ports_visible || packet.is_fragment) return false;
  const ByteView upper = packet.upper();
  return (port == kNatTraversalPort || port == kIsakmpPort) && upper.size() == kUdpHeaderSize + 1 &&
         upper[kUdpHeaderSize] == kKeepAlive;
}

bool is_neighbour_discovery(const PacketView& packet) {
  if (packet.tuple.protocol != kProtocolIcmpv6 || packet.is_v4() || packet.is_fragment) return false;
  const ByteView upper = packet.upper();
  return !upper.empty() && upper[0] >= kNeighbourDiscoveryFirst && upper[0] <= kNeighbourDiscoveryLast;
}

void set_ip_length(MutableByteView packet, std::size_t header_size) {
  if ((packet[0] >> 4) == 4) {
    store_u16(&packet[2], static_cast<std::uint16_t>(packet.size()));
    set_ipv4_checksum(packet.first(header_size));
  } else {
    store_u16(&packet[4], static_cast<std::uint16_t>(packet.size() - kIpv6HeaderSize));
  }
}

}  // namespace ipsec::driver

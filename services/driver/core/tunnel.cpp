#include "services/driver/core/tunnel.h"

#include <algorithm>
#include <array>
#include <optional>

#include "services/driver/core/checksum.h"

namespace ipsec::driver {
namespace {

constexpr std::uint8_t kHopLimit = 64;

enum Ecn : std::uint8_t { kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3 };

// RFC 6040 figure 4; rows are inner, columns outer, both in the order of the code points.
constexpr std::optional<std::uint8_t> kDrop = std::nullopt;
constexpr std::array<std::array<std::optional<std::uint8_t>, 4>, 4> kDecapsulation = {{
    // outer: kNotEct, kEct1, kEct0, kCe
    {kNotEct, kNotEct, kNotEct, kDrop},  // inner kNotEct
    {kEct1, kEct1, kEct1, kCe},          // inner kEct1
    {kEct0, kEct1, kEct0, kCe},          // inner kEct0
    {kCe, kCe, kCe, kCe},                // inner kCe
}};

void set_traffic_class(const PacketView& packet, std::uint8_t traffic_class) {
  if (packet.is_v4()) {
    packet.bytes[1] = traffic_class;
    set_ipv4_checksum(packet.bytes.first(packet.protect_offset));
    return;
  }
  packet.bytes[0] = static_cast<std::uint8_t>((packet.bytes[0] & 0xF0) | (traffic_class >> 4));
  packet.bytes[1] = static_cast<std::uint8_t>((packet.bytes[1] & 0x0F) | (traffic_class << 4));
}

void copy_address(MutableByteView packet, std::size_t at, const IpAddress& address) {
  const ByteView bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void write_outer_header(MutableByteView packet, const OuterHeader& header) {
  if (header.destination.is_v4()) {
    packet[0] = 0x45;
    packet[1] = header.traffic_class;
    store_u16(&packet[4], header.identification);
    store_u16(&packet[6], header.dont_fragment ? kIpv4DontFragment : 0);
    packet[8] = kHopLimit;
    packet[9] = header.protocol;
    copy_address(packet, 12, header.source);
    copy_address(packet, 16, header.destination);
  } else {
    // Flow label 0: the outer flow is the SA, which routers cannot tell apart by ports anyway.
    store_u32(&packet[0], 0x6000'0000U | (static_cast<std::uint32_t>(header.traffic_class) << 20));
    packet[6] = header.protocol;
    packet[7] = kHopLimit;
    copy_address(packet, 8, header.source);
    copy_address(packet, 24, header.destination);
  }
  set_ip_length(packet, outer_header_size(header.destination));
}

bool decapsulate_congestion(const PacketView& inner, std::uint8_t outer_traffic_class) {
  const std::uint8_t traffic_class = inner.traffic_class();
  const auto mark = kDecapsulation[traffic_class & 3U][outer_traffic_class & 3U];
  if (!mark) return false;
  if (*mark != (traffic_class & 3U)) set_traffic_class(inner, static_cast<std::uint8_t>((traffic_class & ~3U) | *mark));
  return true;
}

}  // namespace ipsec::driver

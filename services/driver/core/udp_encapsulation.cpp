#include "services/driver/core/udp_encapsulation.h"

#include <algorithm>
#include <array>

#include "services/driver/core/checksum.h"
#include "services/driver/core/tcp.h"

namespace ipsec::driver {
namespace {

constexpr std::size_t kUdpChecksumOffset = 6;
// A checksum of UDP that comes out as 0 is sent as this; 0 means that there is none (RFC 768).
constexpr std::uint16_t kZeroUdpChecksum = 0xFFFF;

bool is_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t octet) { return octet == 0; });
}

std::optional<std::size_t> checksum_offset(const PacketView& packet) {
  if (!packet.ports_visible || packet.is_fragment) return std::nullopt;
  return packet.tuple.protocol == kProtocolTcp ? tcp::kChecksumOffset : kUdpChecksumOffset;
}

// What a sum loses with these octets (RFC 1624, equation 3): the sum of their complements. At most 16, an even number.
std::uint64_t sum_without(ByteView bytes) {
  std::array<std::uint8_t, 16> inverted{};
  std::ranges::transform(bytes, inverted.begin(), [](std::uint8_t octet) { return static_cast<std::uint8_t>(~octet); });
  return checksum_add(ByteView(inverted).first(bytes.size()));
}

std::uint64_t replaced(const IpAddress& was, const IpAddress& is) {
  return sum_without(was.bytes()) + checksum_add(is.bytes());
}

}  // namespace

void write_udp_encapsulation(MutableByteView datagram, const UdpEncapsulation& udp, std::uint16_t peer_port) {
  std::fill_n(datagram.begin(), udp_overhead(udp), std::uint8_t{0});
  store_u16(&datagram[0], udp.local_port);
  store_u16(&datagram[2], peer_port);
  store_u16(&datagram[4], static_cast<std::uint16_t>(datagram.size()));
}

void set_udp_checksum(MutableByteView datagram, const IpAddress& source, const IpAddress& destination) {
  store_u16(&datagram[kUdpChecksumOffset], 0);
  const std::uint16_t sum = checksum_finish(checksum_add(datagram) +
                                            checksum_pseudo_header(source, destination, kProtocolUdp, datagram.size()));
  store_u16(&datagram[kUdpChecksumOffset], sum == 0 ? kZeroUdpChecksum : sum);
}

std::optional<std::size_t> esp_offset_in_udp(std::uint16_t port, ByteView payload) {
  constexpr std::size_t kSpiSize = 4;
  if (port == kNatTraversalPort) {
    return payload.size() < kSpiSize || is_zero(payload.first(kSpiSize)) ? std::nullopt : std::optional(std::size_t{0});
  }
  if (port != kIsakmpPort || payload.size() < kNonIkeMarkerSize + kSpiSize) return std::nullopt;
  return is_zero(payload.first(kNonIkeMarkerSize)) ? std::optional(kNonIkeMarkerSize) : std::nullopt;
}

std::optional<UdpPayload> read_udp_encapsulation(const PacketView& packet) {
  if (packet.tuple.protocol != kProtocolUdp || !packet.ports_visible || packet.is_fragment) return std::nullopt;
  const std::uint16_t port = packet.tuple.destination_port;
  if (port != kNatTraversalPort && port != kIsakmpPort) return std::nullopt;
  const ByteView payload = packet.upper().subspan(kUdpHeaderSize);
  if (is_nat_keep_alive(packet, port)) return UdpPayload{true, 0};
  const auto offset = esp_offset_in_udp(port, payload);
  if (!offset) return std::nullopt;
  return UdpPayload{false, packet.upper_offset + kUdpHeaderSize + *offset};
}

void repair_transport_checksum(const PacketView& packet, const UdpEncapsulation& udp) {
  const auto offset = checksum_offset(packet);
  const bool is_udp = packet.tuple.protocol == kProtocolUdp;
  const MutableByteView upper = packet.bytes.subspan(packet.upper_offset);
  if (!offset || *offset + 2 > upper.size()) return;
  const std::uint16_t before = load_u16(&upper[*offset]);
  if (is_udp && before == 0) return;  // there is none
  const IpAddress& source = packet.tuple.source;
  const IpAddress& destination = packet.tuple.destination;
  std::uint16_t sum = 0;
  if (udp.original_source || udp.original_destination) {
    sum = checksum_finish(sum_without(upper.subspan(*offset, 2)) +
                          replaced(udp.original_source.value_or(source), source) +
                          replaced(udp.original_destination.value_or(destination), destination));
  } else {
    store_u16(&upper[*offset], 0);
    sum = checksum_finish(checksum_add(upper) +
                          checksum_pseudo_header(source, destination, packet.tuple.protocol, upper.size()));
  }
  store_u16(&upper[*offset], is_udp && sum == 0 ? kZeroUdpChecksum : sum);
}

}  // namespace ipsec::driver

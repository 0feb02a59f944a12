#include "services/driver/core/icmp.h"

#include <algorithm>

#include "services/driver/core/black_hole.h"
#include "services/driver/core/checksum.h"
#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {
namespace {

constexpr std::size_t kIcmpHeaderSize = 8;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kFragmentationNeeded = 4;
constexpr std::uint8_t kPacketTooBig = 2;
// The answer must not itself be too big for anyone (RFC 1812 4.3.2.3, RFC 4443 2.4 c).
constexpr std::size_t kMaxAnswerIpv4 = 576;
constexpr std::size_t kMaxAnswerIpv6 = 1280;
constexpr std::uint8_t kHopLimit = 64;

void copy_to(MutableByteView out, std::size_t at, ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

void write_ipv4(MutableByteView out, const PacketView& packet, const IpAddress& from, std::uint16_t mtu) {
  std::fill_n(out.begin(), kIpv4HeaderSize + kIcmpHeaderSize, std::uint8_t{0});
  out[0] = 0x45;
  out[8] = kHopLimit;
  out[9] = kProtocolIcmp;
  copy_to(out, 12, from.bytes());
  copy_to(out, 16, packet.tuple.source.bytes());
  set_ip_length(out, kIpv4HeaderSize);
  const MutableByteView icmp = out.subspan(kIpv4HeaderSize);
  icmp[0] = kUnreachable;
  icmp[1] = kFragmentationNeeded;
  store_u16(&icmp[6], mtu);
  store_u16(&icmp[2], checksum_finish(checksum_add(icmp)));
}

void write_ipv6(MutableByteView out, const PacketView& packet, const IpAddress& from, std::uint16_t mtu) {
  std::fill_n(out.begin(), kIpv6HeaderSize + kIcmpHeaderSize, std::uint8_t{0});
  out[0] = 0x60;
  out[6] = kProtocolIcmpv6;
  out[7] = kHopLimit;
  copy_to(out, 8, from.bytes());
  copy_to(out, 24, packet.tuple.source.bytes());
  set_ip_length(out, kIpv6HeaderSize);
  const MutableByteView icmp = out.subspan(kIpv6HeaderSize);
  icmp[0] = kPacketTooBig;
  store_u32(&icmp[4], mtu);
  store_u16(&icmp[2], checksum_finish(checksum_add(icmp) +
                                      checksum_pseudo_header(from, packet.tuple.source, kProtocolIcmpv6, icmp.size())));
}

std::optional<std::uint32_t> reported_mtu(const PacketView& packet) {
  const ByteView icmp = packet.upper();
  if (icmp.size() < kIcmpHeaderSize || packet.is_fragment) return std::nullopt;
  if (packet.is_v4()) {
    if (packet.tuple.protocol != kProtocolIcmp || icmp[0] != kUnreachable || icmp[1] != kFragmentationNeeded) {
      return std::nullopt;
    }
    return load_u16(&icmp[6]);
  }
  if (packet.tuple.protocol != kProtocolIcmpv6 || icmp[0] != kPacketTooBig) return std::nullopt;
  return load_u32(&icmp[4]);
}

// Routers quote at least the IP header and eight octets. Our packets in tunnel mode have no options or extension
// headers of their own, and where transport mode keeps some the SPI may lie beyond what is quoted.
constexpr std::size_t kLeastQuoted = 8;

struct QuotedHeader {
  std::size_t size = 0;
  FiveTuple packet;  // without ports
  std::uint32_t total = 0;
  bool is_fragment = false;
};

std::optional<QuotedHeader> read_quoted_header(ByteView quoted, bool v4) {
  if (quoted.size() < (v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kLeastQuoted || (quoted[0] >> 4) != (v4 ? 4 : 6)) {
    return std::nullopt;
  }
  if (!v4) {
    return QuotedHeader{
        kIpv6HeaderSize,
        {IpAddress::from_bytes(quoted.subspan(8, 16)), IpAddress::from_bytes(quoted.subspan(24, 16)), quoted[6], 0, 0},
        static_cast<std::uint32_t>(kIpv6HeaderSize + load_u16(&quoted[4])),
        quoted[6] == kProtocolFragment};
  }
  const std::size_t size = static_cast<std::size_t>(quoted[0] & 0x0F) * 4;
  if (size < kIpv4HeaderSize || quoted.size() < size + kLeastQuoted) return std::nullopt;
  return QuotedHeader{
      size,
      {IpAddress::from_bytes(quoted.subspan(12, 4)), IpAddress::from_bytes(quoted.subspan(16, 4)), quoted[9], 0, 0},
      load_u16(&quoted[2]),
      (load_u16(&quoted[6]) & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0};
}

std::optional<QuotedEsp> find_esp(ByteView upper, std::uint8_t protocol) {
  QuotedEsp found;
  std::size_t at = 0;
  if (protocol == kProtocolAh) {
    found.protocol = SecurityProtocol::kAh;
    at = 4;
  } else if (protocol == kProtocolUdp) {
    const auto inside = esp_offset_in_udp(load_u16(&upper[0]), upper.subspan(kUdpHeaderSize));
    if (!inside) return std::nullopt;
    found.in_udp = true;
    at = kUdpHeaderSize + *inside;
  } else if (protocol != kProtocolEsp) {
    return std::nullopt;
  }
  if (upper.size() < at + 4) return std::nullopt;
  found.spi = load_u32(&upper[at]);
  if (upper.size() >= at + 8) found.sequence = load_u32(&upper[at + 4]);
  return found;
}

std::uint16_t plateau_below(std::uint32_t size) {
  const auto* const found = std::find_if(kPathMtuPlateaus.begin(), kPathMtuPlateaus.end(),
                                         [size](std::uint16_t plateau) { return plateau < size; });
  return found == kPathMtuPlateaus.end() ? kPathMtuPlateaus.back() : *found;
}

}  // namespace

MutableByteView make_too_big(const PacketView& packet, const IpAddress& from, std::uint16_t mtu, Arena& arena) {
  const bool v4 = packet.is_v4();
  const std::size_t headers = (v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kIcmpHeaderSize;
  const std::size_t quoted = std::min(packet.bytes.size(), (v4 ? kMaxAnswerIpv4 : kMaxAnswerIpv6) - headers);
  const MutableByteView out = arena.allocate(headers + quoted);
  copy_to(out, headers, ByteView(packet.bytes).first(quoted));
  if (v4) {
    write_ipv4(out, packet, from, mtu);
  } else {
    write_ipv6(out, packet, from, mtu);
  }
  return out;
}

std::optional<TooBigNotice> read_too_big(const PacketView& packet) {
  const auto mtu = reported_mtu(packet);
  if (!mtu) return std::nullopt;
  const ByteView quoted = packet.upper().subspan(kIcmpHeaderSize);
  const auto header = read_quoted_header(quoted, packet.is_v4());
  if (!header) return std::nullopt;
  const ByteView upper = quoted.subspan(header->size);
  TooBigNotice notice{header->packet, protocol_has_ports(header->packet.protocol), header->is_fragment, 0, {}};
  notice.mtu =
      *mtu == 0 ? plateau_below(header->total) : static_cast<std::uint16_t>(std::min<std::uint32_t>(*mtu, 65535));
  if (header->is_fragment) {
    notice.has_ports = false;
    return notice;
  }
  if (notice.has_ports) {
    notice.packet.source_port = load_u16(&upper[0]);
    notice.packet.destination_port = load_u16(&upper[2]);
  }
  notice.esp = find_esp(upper, header->packet.protocol);
  return notice;
}

}  // namespace ipsec::driver

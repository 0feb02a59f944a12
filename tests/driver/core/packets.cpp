#include "tests/driver/core/packets.h"

#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace ipsec::driver::tests {
namespace {

// One 16-bit word after the other, as RFC 1071 says it: not the code under test.
std::uint32_t plain_sum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i] << 8) | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  }
  return sum;
}

std::uint16_t plain_fold(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint32_t pseudo_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                         std::size_t size) {
  return plain_sum(source.bytes()) + plain_sum(destination.bytes()) + protocol + static_cast<std::uint32_t>(size);
}

std::size_t checksum_field(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp:
      return 16;
    case kProtocolUdp:
      return 6;
    default:
      return 2;
  }
}

std::uint16_t upper_checksum(const IpFields& ip, ByteView upper) {
  const std::uint32_t pseudo =
      ip.protocol == kProtocolIcmp ? 0 : pseudo_sum(ip.source, ip.destination, ip.protocol, upper.size());
  const auto sum = static_cast<std::uint16_t>(~plain_fold(pseudo + plain_sum(upper)));
  return ip.protocol == kProtocolUdp && sum == 0 ? std::uint16_t{0xFFFF} : sum;
}

void complete_checksum(const IpFields& ip, Bytes& upper) {
  std::uint8_t* field = &upper[checksum_field(ip.protocol)];
  store_u16(field, 0);
  store_u16(field, upper_checksum(ip, upper));
}

Bytes tcp_segment(const TcpFields& tcp, ByteView data) {
  ByteWriter out;
  out.u16(tcp.source_port).u16(tcp.destination_port).u32(tcp.sequence).u32(tcp.acknowledged);
  out.u8(static_cast<std::uint8_t>((20 + tcp.options.size()) / 4 << 4)).u8(tcp.flags).u16(tcp.window).u32(0);
  out.bytes(tcp.options).bytes(data);
  return out.take();
}

Bytes udp_datagram(std::uint16_t source_port, std::uint16_t destination_port, ByteView data) {
  ByteWriter out;
  out.u16(source_port).u16(destination_port).u16(static_cast<std::uint16_t>(8 + data.size())).u16(0).bytes(data);
  return out.take();
}

IpFields fields_of(const PacketView& view) {
  return {view.tuple.source,
          view.tuple.destination,
          view.tuple.protocol,
          view.dont_fragment,
          static_cast<std::uint16_t>(view.fragment_id),
          view.traffic_class()};
}

}  // namespace

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  if (!parsed.ok()) std::abort();
  return *parsed;
}

Bytes pattern(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

Bytes ip_packet(const IpFields& ip, ByteView upper) {
  ByteWriter out;
  if (ip.source.is_v4()) {
    out.u8(0x45).u8(ip.traffic_class).u16(static_cast<std::uint16_t>(20 + upper.size())).u16(ip.id);
    out.u16(ip.dont_fragment ? 0x4000 : 0).u8(64).u8(ip.protocol).u16(0);
    out.bytes(ip.source.bytes()).bytes(ip.destination.bytes());
    out.patch_u16(10, static_cast<std::uint16_t>(~plain_fold(plain_sum(out.view()))));
  } else {
    out.u32(0x60000000U | static_cast<std::uint32_t>(ip.traffic_class) << 20);
    out.u16(static_cast<std::uint16_t>(upper.size())).u8(ip.protocol).u8(64);
    out.bytes(ip.source.bytes()).bytes(ip.destination.bytes());
  }
  return out.bytes(upper).take();
}

Bytes udp_packet(IpFields ip, std::uint16_t source_port, std::uint16_t destination_port, ByteView data) {
  ip.protocol = kProtocolUdp;
  Bytes upper = udp_datagram(source_port, destination_port, data);
  complete_checksum(ip, upper);
  return ip_packet(ip, upper);
}

Bytes tcp_packet(IpFields ip, const TcpFields& tcp, ByteView data) {
  ip.protocol = kProtocolTcp;
  Bytes upper = tcp_segment(tcp, data);
  complete_checksum(ip, upper);
  return ip_packet(ip, upper);
}

SuperPacket tcp_super_packet(IpFields ip, const TcpFields& tcp, ByteView data, std::uint16_t segment_size) {
  ip.protocol = kProtocolTcp;
  Bytes upper = tcp_segment(tcp, data);
  store_u16(&upper[16], plain_fold(pseudo_sum(ip.source, ip.destination, ip.protocol, upper.size())));
  const auto header = static_cast<std::uint16_t>(ip.source.is_v4() ? 20 : 40);
  const auto segmentation = ip.source.is_v4() ? Segmentation::kTcp4 : Segmentation::kTcp6;
  return {ip_packet(ip, upper),
          {true, header, 16, segmentation, segment_size, static_cast<std::uint16_t>(header + 20 + tcp.options.size())}};
}

SuperPacket udp_super_packet(IpFields ip, std::uint16_t source_port, std::uint16_t destination_port, ByteView data,
                             std::uint16_t segment_size) {
  ip.protocol = kProtocolUdp;
  Bytes upper = udp_datagram(source_port, destination_port, data);
  store_u16(&upper[6], plain_fold(pseudo_sum(ip.source, ip.destination, ip.protocol, upper.size())));
  const auto header = static_cast<std::uint16_t>(ip.source.is_v4() ? 20 : 40);
  return {ip_packet(ip, upper),
          {true, header, 6, Segmentation::kUdp, segment_size, static_cast<std::uint16_t>(header + 8)}};
}

Bytes icmp_echo(const IpFields& fields, std::size_t data_size) {
  IpFields ip = fields;
  ip.protocol = ip.source.is_v4() ? kProtocolIcmp : kProtocolIcmpv6;
  ByteWriter out;
  out.u8(ip.source.is_v4() ? 8 : 128).u8(0).u16(0).u16(7).u16(1).bytes(pattern(data_size));
  Bytes upper = out.take();
  complete_checksum(ip, upper);
  return ip_packet(ip, upper);
}

std::vector<Bytes> on_the_wire(const MemoryPort::Stored& stored) {
  Bytes copy = stored.bytes;
  const auto view = parse_ip(copy);
  if (!view || !stored.offload.needs_checksum) return {stored.bytes};
  IpFields ip = fields_of(*view);
  const bool tcp = ip.protocol == kProtocolTcp;
  const Bytes upper(copy.begin() + view->upper_offset, copy.end());
  const std::size_t header = tcp ? static_cast<std::size_t>(upper[12] >> 4) * 4 : 8;
  const std::size_t step =
      stored.offload.segmentation == Segmentation::kNone ? upper.size() : stored.offload.segment_size;
  std::vector<Bytes> packets;
  for (std::size_t at = header; packets.empty() || at < upper.size(); at += step) {
    Bytes segment(upper.begin(), upper.begin() + static_cast<std::ptrdiff_t>(header));
    const std::size_t end = std::min(upper.size(), at + step);
    segment.insert(segment.end(), upper.begin() + static_cast<std::ptrdiff_t>(at),
                   upper.begin() + static_cast<std::ptrdiff_t>(end));
    if (tcp) {
      store_u32(&segment[4], load_u32(&upper[4]) + static_cast<std::uint32_t>(at - header));
      if (end != upper.size()) segment[13] &= static_cast<std::uint8_t>(~0x09);
      if (at != header) segment[13] &= 0x7F;
    } else {
      store_u16(&segment[4], static_cast<std::uint16_t>(segment.size()));
    }
    complete_checksum(ip, segment);
    packets.push_back(ip_packet(ip, segment));
    ++ip.id;
  }
  return packets;
}

bool checksums_are_good(const Bytes& packet) {
  Bytes copy = packet;
  const auto view = parse_ip(copy);
  if (!view || view->bytes.size() != packet.size()) return false;
  if (view->is_v4() && plain_fold(plain_sum(ByteView(packet).first(view->protect_offset))) != 0xFFFF) return false;
  const std::uint8_t protocol = view->tuple.protocol;
  const bool covered =
      protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolIcmp || protocol == kProtocolIcmpv6;
  if (!covered || view->is_fragment) return true;
  const std::uint32_t pseudo = protocol == kProtocolIcmp ? 0
                                                         : pseudo_sum(view->tuple.source, view->tuple.destination,
                                                                      protocol, view->upper().size());
  return plain_fold(pseudo + plain_sum(view->upper())) == 0xFFFF;
}

}  // namespace ipsec::driver::tests

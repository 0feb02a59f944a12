#pragma once

#include <cstdint>
#include <string_view>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/packet_port.h"
#include "tests/support/seeded_random.h"

// Well-formed packets for tests.
namespace ipsec::driver::tests {

using ipsec::tests::SeededRandom;

// The address, which must be right.
IpAddress address(std::string_view text);

// An IP packet of the family of the addresses around an upper-layer message. IPv4: DF as given, identification `id`.
struct IpFields {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  bool dont_fragment = true;
  std::uint16_t id = 0x1234;
  std::uint8_t traffic_class = 0;
};
Bytes ip_packet(const IpFields& ip, ByteView upper);
// With a good UDP checksum.
Bytes udp_packet(IpFields ip, std::uint16_t source_port, std::uint16_t destination_port, ByteView data);

struct TcpFields {
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 5201;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledged = 77;
  std::uint8_t flags = 0x10;
  std::uint16_t window = 512;
  Bytes options = {};  // a multiple of four octets
};
// With a good TCP checksum.
Bytes tcp_packet(IpFields ip, const TcpFields& tcp, ByteView data);
// What a stack hands to a device that segments: the checksum field holds the pseudo header's sum.
struct SuperPacket {
  Bytes bytes;
  OffloadInfo offload;
};
SuperPacket tcp_super_packet(IpFields ip, const TcpFields& tcp, ByteView data, std::uint16_t segment_size);
SuperPacket udp_super_packet(IpFields ip, std::uint16_t source_port, std::uint16_t destination_port, ByteView data,
                             std::uint16_t segment_size);
Bytes icmp_echo(const IpFields& ip, std::size_t data_size);

Bytes pattern(std::size_t size, std::uint8_t first = 0);

// Completes what the offload information leaves open: the packets that would be on the wire (an independent, plain
// segmenter).
std::vector<Bytes> on_the_wire(const MemoryPort::Stored& packet);

// Whether the IPv4 header checksum and the checksum of TCP, UDP or ICMP are right.
bool checksums_are_good(const Bytes& packet);

}  // namespace ipsec::driver::tests

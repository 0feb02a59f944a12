#include "services/driver/core/probe.h"

#include <algorithm>

#include "services/driver/core/ip.h"
#include "services/driver/core/tunnel.h"

namespace ipsec::driver {
namespace {

constexpr std::size_t kOtherPayload = 8;

std::size_t upper_size(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp:
      return kTcpHeaderSize;
    case kProtocolUdp:
      return kUdpHeaderSize;
    default:
      return kOtherPayload;
  }
}

}  // namespace

Bytes make_probe(const FiveTuple& packet) {
  const std::size_t header = outer_header_size(packet.destination);
  Bytes bytes(header + upper_size(packet.protocol));
  write_outer_header(bytes, {packet.source, packet.destination, packet.protocol, 0, true, 0});
  if (!protocol_has_ports(packet.protocol)) return bytes;
  store_u16(&bytes[header], packet.source_port);
  store_u16(&bytes[header + 2], packet.destination_port);
  if (packet.protocol == kProtocolTcp) bytes[header + 12] = 0x50;  // five words of header
  return bytes;
}

}  // namespace ipsec::driver

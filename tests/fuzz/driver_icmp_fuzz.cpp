// ICMP and ICMPv6 about packet sizes: what a router may claim of a packet of ours, and the answer that the driver makes
// to any packet that it refuses. The header is sound; all behind it is the fuzzer's.
#include <cstdlib>

#include "services/driver/core/arena.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/ip.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

Bytes with_header(bool v4, std::uint8_t protocol, ByteView body) {
  ByteWriter out;
  if (v4) {
    out.u32(0x45000000U | static_cast<std::uint32_t>(kIpv4HeaderSize + body.size())).u32(0);
    out.u16(static_cast<std::uint16_t>(0x4000U | protocol)).u16(0);
    out.bytes(IpAddress::v4(0x0A4D0002).bytes()).bytes(IpAddress::v4(0x0A4D0001).bytes());
  } else {
    out.u32(0x60000000U).u16(static_cast<std::uint16_t>(body.size()));
    out.u16(static_cast<std::uint16_t>(static_cast<unsigned>(protocol) << 8 | 64U));
    out.bytes(IpAddress::parse("fd77::2")->bytes()).bytes(IpAddress::parse("fd77::1")->bytes());
  }
  out.bytes(body);
  Bytes packet = out.take();
  set_ip_length(packet, v4 ? kIpv4HeaderSize : kIpv6HeaderSize);
  return packet;
}

// The answer to `packet` is sound, bounded, and says again what it quotes.
void answer(const PacketView& packet, std::uint16_t mtu) {
  Arena arena;
  const IpAddress from = packet.tuple.destination;
  const MutableByteView made = make_too_big(packet, from, mtu, arena);
  demand(made.size() <= (packet.is_v4() ? 576U : 1280U));
  const auto seen = parse_ip(made);
  demand(seen && seen->tuple.source == from && seen->tuple.destination == packet.tuple.source);
  const auto notice = read_too_big(*seen);
  const std::uint8_t carried = packet.tuple.protocol;
  if (carried != kProtocolEsp || packet.upper().size() < 8 || packet.upper_offset != packet.protect_offset) return;
  if (packet.is_fragment) return;
  // 0 is what routers of before RFC 1191 say: a plateau is taken for it.
  demand(notice && (mtu == 0 ? notice->mtu != 0 : notice->mtu == mtu));
  demand(notice->esp && notice->esp->spi == load_u32(packet.upper().data()) &&
         notice->packet.destination == packet.tuple.destination);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 60000) return 0;
  const bool v4 = (data[0] & 1) != 0;
  const bool as_a_router_says_it = (data[0] & 2) != 0;
  const std::uint8_t protocols[] = {v4 ? kProtocolIcmp : kProtocolIcmpv6, kProtocolEsp, kProtocolAh, kProtocolUdp};
  const std::uint8_t protocol = protocols[data[0] >> 2 & 3];
  Bytes body(data + 3, data + size);
  if (protocol == protocols[0] && as_a_router_says_it && body.size() >= 2) {
    body[0] = v4 ? 3 : 2;
    body[1] = v4 ? 4 : 0;
  }
  Bytes packet = with_header(v4, protocol, body);
  const auto view = parse_ip(packet);
  if (!view) return 0;
  if (const auto notice = read_too_big(*view)) {
    demand(protocol == protocols[0] && notice->packet.destination.is_v4() == v4);
  }
  answer(*view, static_cast<std::uint16_t>(data[1] << 8 | data[2]));
  return 0;
}

// Fragments in any order, with any overlap, and ICMP that quotes any packet: bounded, and what is joined is what one of
// the possible orders would have made.
#include <cstdlib>

#include "services/driver/core/icmp.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/reassembly.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

// Three octets make a fragment: offset, size, and flags with the datagram's number.
Bytes fragment_of(ByteView three, bool v4) {
  const std::size_t offset = three[0] % 32;
  const std::size_t data = static_cast<std::size_t>(three[1] % 8) * 8 + ((three[2] & 2) != 0 ? three[2] % 8 : 0U);
  const bool more = (three[2] & 1) != 0;
  const std::uint8_t id = three[2] >> 6;
  const std::size_t header = v4 ? kIpv4HeaderSize : kIpv6HeaderSize + kFragmentHeaderSize;
  // Every octet is its place in the datagram, so that any sound joining of one datagram is known.
  Bytes packet(header + data);
  for (std::size_t i = 0; i < data; ++i) packet[header + i] = static_cast<std::uint8_t>(offset * 8 + i);
  packet[0] = v4 ? 0x45 : 0x60;
  if (v4) {
    packet[9] = 47;
    store_u16(&packet[4], id);
    store_u16(&packet[6], static_cast<std::uint16_t>((more ? kIpv4MoreFragments : 0) | offset));
  } else {
    packet[6] = kProtocolFragment;
    packet[40] = 47;
    store_u16(&packet[42], static_cast<std::uint16_t>(offset * 8 | (more ? 1 : 0)));
    store_u32(&packet[44], id);
  }
  set_ip_length(packet, v4 ? kIpv4HeaderSize : kIpv6HeaderSize);
  return packet;
}

void join(ByteView input, bool v4) {
  Reassembler reassembler;
  for (std::size_t at = 0; at + 3 <= input.size(); at += 3) {
    Bytes packet = fragment_of(input.subspan(at, 3), v4);
    const auto view = parse_ip(packet);
    if (!view || !view->is_fragment) continue;
    auto whole = reassembler.add(*view, {});
    check(reassembler.pending() <= limits::kMaxReassemblies);
    if (!whole) continue;
    const auto joined = parse_ip(whole->bytes);
    check(joined && !joined->is_fragment && joined->bytes.size() == whole->bytes.size());
    for (std::size_t i = 0; i < joined->protected_size(); ++i) {
      check(joined->bytes[joined->protect_offset + i] == static_cast<std::uint8_t>(i));
    }
  }
}

// A packet-too-big about any octets; what is read from it lies within.
void quote(ByteView input, bool v4) {
  ByteWriter icmp;
  icmp.u8(v4 ? 3 : 2).u8(v4 ? 4 : 0).u16(0).u16(0).u16(1300).bytes(input);
  const Bytes upper = icmp.take();
  const std::size_t header = v4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  Bytes packet(header);
  packet[0] = v4 ? 0x45 : 0x60;
  packet[v4 ? 9 : 6] = v4 ? kProtocolIcmp : kProtocolIcmpv6;
  packet.insert(packet.end(), upper.begin(), upper.end());
  set_ip_length(packet, header);
  const auto view = parse_ip(packet);
  check(view.has_value());
  const auto notice = read_too_big(*view);
  if (notice) check(notice->packet.destination.is_v4() == v4 && notice->mtu == 1300);
  // What the driver says itself is understood, and never too big.
  Arena arena;
  const MutableByteView answer = make_too_big(*view, view->tuple.destination, 1400, arena);
  check(answer.size() <= (v4 ? 576U : 1280U) && parse_ip(answer).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView rest(data + 1, size - 1);
  const bool v4 = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) {
    join(rest, v4);
  } else {
    // Half of them begin like a packet of ours.
    Bytes quoted(rest.begin(), rest.end());
    if ((data[0] & 4) != 0) quoted[0] = v4 ? 0x45 : 0x60;
    if ((data[0] & 8) != 0 && quoted.size() > 9) quoted[v4 ? 9 : 6] = (data[0] & 16) != 0 ? kProtocolUdp : kProtocolAh;
    quote(quoted, v4);
  }
  return 0;
}

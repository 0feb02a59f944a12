#include "services/driver/core/merge.h"

#include <algorithm>
#include <utility>

#include "services/driver/core/checksum.h"
#include "services/driver/core/tcp.h"

namespace ipsec::driver {
namespace {

ByteView tcp_of(const PacketView& packet) { return packet.upper(); }

// The fields of the IP header that all segments of a merged packet share. Requires headers without options.
bool same_ip(const PacketView& a, const PacketView& b) {
  if (a.is_v4()) {
    return a.bytes[1] == b.bytes[1] && a.bytes[8] == b.bytes[8] && a.dont_fragment == b.dont_fragment;
  }
  return std::equal(a.bytes.begin(), a.bytes.begin() + 4, b.bytes.begin()) && a.bytes[7] == b.bytes[7];
}

bool same_tcp(ByteView a, ByteView b, std::size_t header_size) {
  return tcp::acknowledged(a) == tcp::acknowledged(b) && a[12] == b[12] &&
         load_u16(&a[tcp::kWindowOffset]) == load_u16(&b[tcp::kWindowOffset]) &&
         std::equal(a.begin() + tcp::kOptionsOffset, a.begin() + static_cast<std::ptrdiff_t>(header_size),
                    b.begin() + tcp::kOptionsOffset);
}

}  // namespace

bool Merger::read_segment(const PacketView& packet, Segment& segment) {
  const std::size_t ip_size = packet.is_v4() ? kIpv4HeaderSize : kIpv6HeaderSize;
  if (packet.tuple.protocol != kProtocolTcp || packet.is_fragment || packet.upper_offset != ip_size) return false;
  const ByteView upper = tcp_of(packet);
  const auto tcp_size = tcp::header_size(upper);
  if (!tcp_size) return false;
  const std::uint8_t flags = upper[tcp::kFlagsOffset];
  if ((flags & ~tcp::kPsh) != tcp::kAck || upper.size() == *tcp_size) return false;
  segment = {packet, ip_size + *tcp_size, upper.subspan(*tcp_size)};
  return true;
}

bool Merger::continues(const Open& open, const Segment& segment) {
  const ByteView first = tcp_of(open.first.packet);
  const ByteView next = tcp_of(segment.packet);
  const std::size_t segment_size = open.first.payload.size();
  return segment.header_size == open.first.header_size && tcp::sequence(next) == open.next_sequence &&
         same_ip(open.first.packet, segment.packet) &&
         same_tcp(first, next, segment.header_size - segment.packet.upper_offset) &&
         segment.payload.size() <= segment_size && open.size + segment.payload.size() <= limits::kMaxPacketSize &&
         open.pieces.size() < limits::kMaxMergedSegments;
}

Merger::Open* Merger::find(const FiveTuple& flow) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (open_[i].first.packet.tuple == flow) return &open_[i];
  }
  return nullptr;
}

void Merger::add(const PacketView& packet, PacketList& out) {
  Open* open = packet.tuple.protocol == kProtocolTcp ? find(packet.tuple) : nullptr;
  Segment segment;
  const bool mergeable = read_segment(packet, segment);
  if (open != nullptr) {
    if (mergeable && continues(*open, segment)) return append(*open, segment, out);
    close(*open, out);
  }
  if (mergeable) return begin(segment, out);
  out.add(packet.bytes);
}

void Merger::begin(const Segment& segment, PacketList& out) {
  const std::uint8_t flags = tcp_of(segment.packet)[tcp::kFlagsOffset];
  // A pushed segment ends a merge, so one that begins with it stays alone.
  if ((flags & tcp::kPsh) != 0) return out.add(segment.packet.bytes);
  if (count_ == open_.size()) close(open_[0], out);
  Open& open = open_[count_++];
  open.first = segment;
  open.next_sequence = tcp::sequence(tcp_of(segment.packet)) + static_cast<std::uint32_t>(segment.payload.size());
  open.size = segment.packet.bytes.size();
  open.last_flags = flags;
  open.pieces.assign(1, segment.payload);
}

void Merger::append(Open& open, const Segment& segment, PacketList& out) {
  open.pieces.push_back(segment.payload);
  open.next_sequence += static_cast<std::uint32_t>(segment.payload.size());
  open.size += segment.payload.size();
  open.last_flags = tcp_of(segment.packet)[tcp::kFlagsOffset];
  if (segment.payload.size() < open.first.payload.size() || (open.last_flags & tcp::kPsh) != 0) close(open, out);
}

void Merger::close(Open& open, PacketList& out) {
  finish(open, out);
  std::swap(open, open_[--count_]);
}

void Merger::finish(Open& open, PacketList& out) {
  const PacketView& packet = open.first.packet;
  if (open.pieces.size() == 1) return out.add(packet.bytes);

  const MutableByteView header = packet.bytes.first(open.first.header_size);
  const std::size_t transport_size = open.size - packet.upper_offset;
  if (packet.is_v4()) {
    store_u16(&header[2], static_cast<std::uint16_t>(open.size));
    set_ipv4_checksum(header.first(packet.upper_offset));
  } else {
    store_u16(&header[4], static_cast<std::uint16_t>(open.size - kIpv6HeaderSize));
  }
  const MutableByteView tcp = header.subspan(packet.upper_offset);
  tcp[tcp::kFlagsOffset] = open.last_flags;
  store_u16(&tcp[tcp::kChecksumOffset],
            checksum_fold(
                checksum_pseudo_header(packet.tuple.source, packet.tuple.destination, kProtocolTcp, transport_size)));

  OffloadInfo offload;
  offload.needs_checksum = true;
  offload.checksum_start = packet.upper_offset;
  offload.checksum_offset = tcp::kChecksumOffset;
  offload.segmentation = packet.is_v4() ? Segmentation::kTcp4 : Segmentation::kTcp6;
  offload.segment_size = static_cast<std::uint16_t>(open.first.payload.size());
  offload.header_length = static_cast<std::uint16_t>(header.size());
  all_pieces_.assign(1, header);
  all_pieces_.insert(all_pieces_.end(), open.pieces.begin(), open.pieces.end());
  out.add(all_pieces_, offload);
}

void Merger::flush(PacketList& out) {
  for (std::size_t i = 0; i < count_; ++i) finish(open_[i], out);
  count_ = 0;
}

}  // namespace ipsec::driver

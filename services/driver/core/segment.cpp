#include "services/driver/core/segment.h"

#include <algorithm>
#include <cassert>

#include "services/driver/core/checksum.h"
#include "services/driver/core/tcp.h"

namespace ipsec::driver {
namespace {

// Octets of the transport header, if the whole of it is in the packet and of the protocol that the offload names.
std::optional<std::size_t> transport_header_size(const PacketView& packet, Segmentation segmentation) {
  const ByteView upper = packet.upper();
  if (segmentation == Segmentation::kUdp) {
    return packet.tuple.protocol == kProtocolUdp && packet.ports_visible ? std::optional(kUdpHeaderSize) : std::nullopt;
  }
  if (packet.tuple.protocol != kProtocolTcp || !packet.ports_visible) return std::nullopt;
  return tcp::header_size(upper);
}

bool checksum_fits(const PacketView& packet, const OffloadInfo& offload) {
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  return offload.checksum_start >= packet.protect_offset && field + 2 <= packet.bytes.size();
}

}  // namespace

std::optional<SegmentPlan> SegmentPlan::make(const PacketView& packet, const OffloadInfo& offload,
                                             std::size_t largest) {
  SegmentPlan plan(packet, offload);
  if (offload.segmentation == Segmentation::kNone) {
    if (offload.needs_checksum && !checksum_fits(packet, offload)) return std::nullopt;
    plan.header_size_ = packet.bytes.size();
    return plan;
  }
  const auto transport = transport_header_size(packet, offload.segmentation);
  if (!transport || packet.is_fragment || offload.segment_size == 0) return std::nullopt;
  plan.cuts_ = true;
  plan.header_size_ = packet.upper_offset + *transport;
  plan.payload_total_ = packet.bytes.size() - plan.header_size_;
  plan.payload_step_ = offload.segment_size;
  if (offload.segmentation != Segmentation::kUdp) {
    if (largest <= plan.header_size_) return std::nullopt;
    plan.payload_step_ = std::min(plan.payload_step_, largest - plan.header_size_);
  }
  plan.count_ = std::max<std::size_t>(1, (plan.payload_total_ + plan.payload_step_ - 1) / plan.payload_step_);
  return plan;
}

std::size_t SegmentPlan::payload_size(std::size_t index) const {
  if (!cuts_) return 0;
  return std::min(payload_step_, payload_total_ - index * payload_step_);
}

void SegmentPlan::write(std::size_t index, MutableByteView head, MutableByteView rest) const {
  assert(head.size() == packet_.protect_offset && head.size() + rest.size() == size(index));
  if (!cuts_) return write_whole(head, rest);

  const ByteView source = packet_.bytes;
  std::copy_n(source.begin(), head.size(), head.begin());
  if (packet_.is_v4()) {
    store_u16(&head[4], static_cast<std::uint16_t>(packet_.fragment_id + index));
  }
  const std::size_t headers = header_size_ - head.size();  // of what `rest` holds
  std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(head.size()), headers, rest.begin());
  const std::uint64_t payload_sum =
      checksum_copy(rest.subspan(headers), source.subspan(header_size_ + index * payload_step_, payload_size(index)));

  const MutableByteView transport = rest.subspan(packet_.upper_offset - head.size());
  const bool udp = packet_.tuple.protocol == kProtocolUdp;
  const std::size_t transport_header = header_size_ - packet_.upper_offset;
  const std::size_t field = udp ? 6 : tcp::kChecksumOffset;
  if (udp) {
    store_u16(&transport[4], static_cast<std::uint16_t>(transport.size()));
  } else {
    write_tcp_header(index, transport.first(transport_header));
  }
  store_u16(&transport[field], 0);
  // Transport headers are a multiple of four octets, so the sum of the payload starts at an even offset.
  const std::uint16_t sum = checksum_finish(checksum_add(transport.first(transport_header)) + payload_sum +
                                            checksum_pseudo_header(packet_.tuple.source, packet_.tuple.destination,
                                                                   packet_.tuple.protocol, transport.size()));
  store_u16(&transport[field], udp && sum == 0 ? std::uint16_t{0xFFFF} : sum);
}

void SegmentPlan::write_tcp_header(std::size_t index, MutableByteView tcp) const {
  store_u32(&tcp[4], load_u32(&tcp[4]) + static_cast<std::uint32_t>(index * payload_step_));
  // The end of the data belongs to the last segment only, the congestion answer to the first (RFC 3168 6.1.2).
  if (index + 1 != count_) tcp[tcp::kFlagsOffset] &= static_cast<std::uint8_t>(~(tcp::kFin | tcp::kPsh));
  if (index != 0) tcp[tcp::kFlagsOffset] &= static_cast<std::uint8_t>(~tcp::kCwr);
}

void SegmentPlan::write_whole(MutableByteView head, MutableByteView rest) const {
  const ByteView source = packet_.bytes;
  std::copy_n(source.begin(), head.size(), head.begin());
  std::copy(source.begin() + static_cast<std::ptrdiff_t>(head.size()), source.end(), rest.begin());
  if (!offload_.needs_checksum) return;
  const MutableByteView covered = rest.subspan(offload_.checksum_start - head.size());
  std::uint16_t sum = checksum_finish(checksum_add(covered));
  if (packet_.tuple.protocol == kProtocolUdp && sum == 0) sum = 0xFFFF;
  store_u16(&covered[offload_.checksum_offset], sum);
}

}  // namespace ipsec::driver

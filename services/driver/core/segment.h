#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/packet_port.h"

namespace ipsec::driver {

// How a packet of the host becomes packets of the wire: one as it is, or a super-packet cut into segments. Checksums
// that the host left to the hardware are completed on the way.
class SegmentPlan {
 public:
  // `largest` is the most octets an inner packet may have; TCP segments are cut to it where segment_size asks for more.
  // nullopt: the offload information contradicts the packet.
  static std::optional<SegmentPlan> make(const PacketView& packet, const OffloadInfo& offload, std::size_t largest);

  std::size_t count() const { return count_; }
  // Octets of segment `index`, IP header included.
  std::size_t size(std::size_t index) const { return header_size_ + payload_size(index); }
  // Of the largest one.
  std::size_t largest_size() const { return size(0); }
  bool cuts() const { return cuts_; }
  // Octets that every segment repeats.
  std::size_t header_size() const { return header_size_; }

  // Writes segment `index` with its transport checksum, in two parts: the first protect_offset octets of the packet and
  // what follows, which may stand apart. The IP length and checksum are left to the caller (they change again around
  // ESP); the IPv4 identification is counted up. Requires head.size() == protect_offset and rest.size() == size(index)
  // - protect_offset.
  void write(std::size_t index, MutableByteView head, MutableByteView rest) const;

 private:
  SegmentPlan(const PacketView& packet, const OffloadInfo& offload) : packet_(packet), offload_(offload) {}

  std::size_t payload_size(std::size_t index) const;
  void write_whole(MutableByteView head, MutableByteView rest) const;
  void write_tcp_header(std::size_t index, MutableByteView tcp) const;

  PacketView packet_;
  OffloadInfo offload_;
  bool cuts_ = false;
  std::size_t count_ = 1;
  std::size_t header_size_ = 0;   // before the payload that is cut
  std::size_t payload_step_ = 0;  // of all segments but the last
  std::size_t payload_total_ = 0;
};

}  // namespace ipsec::driver

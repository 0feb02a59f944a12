#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "services/driver/core/ip.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/packet_port.h"

namespace ipsec::driver {

// Joins consecutive TCP segments of a flow, just opened and so authentic, into super-packets for the host (generic
// receive offload), because one write of 64 KiB costs little more than one of 1.4 KiB. Segments are not copied: a
// merged packet is the first segment and pieces of the others. Segments of one flow keep their order. Holds nothing
// between batches. One thread.
//
// Merged: same addresses, ports, acknowledgment, window, options (so the same timestamps), hop limit, traffic class and
// DF; only ACK and PSH set; each segment as long as the first, the last may be shorter; no IP options or extension
// headers. What differs ends the merge.
class Merger {
 public:
  // Takes a whole packet; its memory stays and may be changed until the output was sent.
  void add(const PacketView& packet, PacketList& out);
  // Everything taken goes to the output. Call at the end of the batch.
  void flush(PacketList& out);

 private:
  struct Segment {
    PacketView packet;
    std::size_t header_size = 0;  // IP and TCP
    ByteView payload;
  };
  struct Open {
    Segment first;
    std::uint32_t next_sequence = 0;
    std::size_t size = 0;  // octets of the merged packet
    std::uint8_t last_flags = 0;
    std::vector<ByteView> pieces;  // payloads, the first one's too
  };

  static bool read_segment(const PacketView& packet, Segment& segment);
  static bool continues(const Open& open, const Segment& segment);
  Open* find(const FiveTuple& flow);
  void begin(const Segment& segment, PacketList& out);
  void append(Open& open, const Segment& segment, PacketList& out);
  void finish(Open& open, PacketList& out);
  // Writes the packet to the output and frees its place.
  void close(Open& open, PacketList& out);

  std::array<Open, limits::kMaxOpenMerges> open_;  // the first count_ are in use
  std::size_t count_ = 0;
  std::vector<ByteView> all_pieces_;
};

}  // namespace ipsec::driver

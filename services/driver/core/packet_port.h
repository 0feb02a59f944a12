#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "services/common/bytes.h"

// Where packets come from and go to: a TUN queue in production, memory in tests and benchmarks. Packets are whole IP
// packets without a link header; one may be a super-packet that stands for many (generic segmentation offload).
namespace ipsec::driver {

enum class Segmentation : std::uint8_t { kNone, kTcp4, kTcp6, kUdp };

// What struct virtio_net_hdr says, in host order. Offsets count from the first octet of the IP header.
struct OffloadInfo {
  // The TCP or UDP checksum field holds the sum of the pseudo header only; whoever sends the packet to a wire completes
  // it over the octets from checksum_start to the end and stores it at checksum_start + checksum_offset.
  bool needs_checksum = false;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  // Not kNone: a super-packet, to be cut into packets of segment_size octets of payload.
  Segmentation segmentation = Segmentation::kNone;
  std::uint16_t segment_size = 0;
  // IP and transport header together; a hint only (0: unknown), nothing relies on it.
  std::uint16_t header_length = 0;

  friend bool operator==(const OffloadInfo&, const OffloadInfo&) = default;
};

// A received packet. The worker may change its octets (decryption is in place); the port keeps the memory until its
// next receive().
struct Packet {
  MutableByteView bytes;
  OffloadInfo offload;
};

// Packets to be sent, each a list of pieces that follow one another on the wire. Pieces are borrowed. Capacity is kept
// from batch to batch. One thread.
class PacketList {
 public:
  struct Entry {
    std::span<const ByteView> pieces;  // valid until the list changes
    OffloadInfo offload;
    std::size_t size = 0;  // octets of all pieces
  };

  void clear();
  // Begins a packet of one piece.
  void add(ByteView piece, const OffloadInfo& offload = {});
  // Begins a packet of several pieces; empty ones are left out.
  void add(std::span<const ByteView> pieces, const OffloadInfo& offload);

  std::size_t size() const { return packets_.size(); }
  bool empty() const { return packets_.empty(); }
  Entry operator[](std::size_t index) const;

 private:
  struct Record {
    std::size_t first = 0;
    std::size_t count = 0;
    std::size_t size = 0;
    OffloadInfo offload;
  };
  std::vector<ByteView> pieces_;
  std::vector<Record> packets_;
};

// One thread at a time. Nothing blocks.
class PacketPort {
 public:
  virtual ~PacketPort() = default;
  // What has arrived, at most limits::kBatchPackets packets and, beyond the first, limits::kBatchBytes octets; empty if
  // nothing has. Memory and span are valid until the next receive().
  virtual std::span<Packet> receive() = 0;
  // Sends in order. Returns how many were taken; the others could not be sent and are lost, for the caller to count.
  virtual std::size_t send(const PacketList& packets) = 0;
};

// A port whose other end is the test: what was pushed is received, what was sent is kept.
class MemoryPort : public PacketPort {
 public:
  struct Stored {
    Bytes bytes;
    OffloadInfo offload;
    friend bool operator==(const Stored&, const Stored&) = default;
  };

  void push(ByteView packet, const OffloadInfo& offload = {});
  // All that was sent since the last call.
  std::vector<Stored> take_sent();

  std::span<Packet> receive() override;
  std::size_t send(const PacketList& packets) override;

 private:
  std::vector<Stored> waiting_;
  std::vector<Stored> received_;
  std::vector<Packet> views_;
  std::vector<Stored> sent_;
};

}  // namespace ipsec::driver

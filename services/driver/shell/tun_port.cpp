#include "services/driver/shell/tun_port.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <sys/uio.h>
#include <unistd.h>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

// struct virtio_net_hdr of linux/virtio_net.h, which is not C++ (it names a field "class"). Host byte order, as a TUN
// has it by default.
struct VirtioHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_length = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
};
constexpr std::size_t kHeaderSize = 10;
static_assert(sizeof(VirtioHeader) == kHeaderSize);

constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kGsoNone = 0;
constexpr std::uint8_t kGsoTcp4 = 1;
constexpr std::uint8_t kGsoTcp6 = 4;
constexpr std::uint8_t kGsoUdp = 5;
constexpr std::uint8_t kGsoEcnBit = 0x80;

// An IP header begins at a multiple of this: a cache line, so that neighbouring packets share none.
constexpr std::size_t kAlignment = 64;
// IPv6 super-packets: a payload length of 65535 and the header.
constexpr std::size_t kSlot = limits::kMaxPacketSize + 40;
constexpr std::size_t kMemory = limits::kBatchBytes;
static_assert(kMemory >= kSlot && kMemory % kAlignment == 0);

// writev() takes no more; the first piece is the virtio header.
constexpr std::size_t kMaxPieces = 1023;

std::size_t aligned(std::size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

std::uint8_t to_gso_type(Segmentation segmentation) {
  switch (segmentation) {
    case Segmentation::kNone:
      return kGsoNone;
    case Segmentation::kTcp4:
      return kGsoTcp4;
    case Segmentation::kTcp6:
      return kGsoTcp6;
    case Segmentation::kUdp:
      return kGsoUdp;
  }
  return kGsoNone;
}

// nullopt: a kind of super-packet that was never enabled.
std::optional<Segmentation> from_gso_type(std::uint8_t type) {
  switch (type & ~kGsoEcnBit) {
    case kGsoNone:
      return Segmentation::kNone;
    case kGsoTcp4:
      return Segmentation::kTcp4;
    case kGsoTcp6:
      return Segmentation::kTcp6;
    case kGsoUdp:
      return Segmentation::kUdp;
    default:
      return std::nullopt;
  }
}

VirtioHeader to_header(const OffloadInfo& offload) {
  VirtioHeader header{};
  header.flags = offload.needs_checksum ? kNeedsChecksum : 0;
  header.checksum_start = offload.checksum_start;
  header.checksum_offset = offload.checksum_offset;
  header.gso_type = to_gso_type(offload.segmentation);
  header.gso_size = offload.segment_size;
  header.header_length = offload.header_length;
  return header;
}

std::optional<OffloadInfo> from_header(const VirtioHeader& header) {
  const std::optional<Segmentation> segmentation = from_gso_type(header.gso_type);
  if (!segmentation) return std::nullopt;
  OffloadInfo offload;
  offload.needs_checksum = (header.flags & kNeedsChecksum) != 0;
  if (offload.needs_checksum) {
    offload.checksum_start = header.checksum_start;
    offload.checksum_offset = header.checksum_offset;
  }
  offload.segmentation = *segmentation;
  if (*segmentation != Segmentation::kNone) {
    offload.segment_size = header.gso_size;
    offload.header_length = header.header_length;
  }
  return offload;
}

}  // namespace

TunPort::TunPort(FileDescriptor queue)
    : queue_(std::move(queue)), memory_(std::make_unique_for_overwrite<CacheLine[]>(kMemory / kAlignment)) {
  received_.reserve(limits::kBatchPackets);
}

std::span<Packet> TunPort::receive() {
  received_.clear();
  std::size_t offset = 0;
  while (received_.size() < limits::kBatchPackets && offset + kSlot <= kMemory) {
    // Of the whole memory, not of its first cache line.
    std::uint8_t* packet = reinterpret_cast<std::uint8_t*>(memory_.get()) + offset;
    VirtioHeader header;
    std::array<iovec, 2> pieces{{{&header, kHeaderSize}, {packet, kSlot}}};
    const ssize_t size = readv(queue_.get(), pieces.data(), pieces.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= static_cast<ssize_t>(kHeaderSize)) break;
    const std::size_t length = static_cast<std::size_t>(size) - kHeaderSize;
    const std::optional<OffloadInfo> offload = from_header(header);
    if (!offload || length > limits::kMaxPacketSize) continue;
    received_.push_back({{packet, length}, *offload});
    offset = aligned(offset + length);
  }
  return received_;
}

std::size_t TunPort::send(const PacketList& packets) {
  std::array<iovec, kMaxPieces + 1> pieces;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const PacketList::Entry packet = packets[i];
    if (packet.pieces.size() > kMaxPieces) continue;
    VirtioHeader header = to_header(packet.offload);
    pieces[0] = {&header, kHeaderSize};
    std::size_t count = 1;
    for (const ByteView piece : packet.pieces) {
      pieces[count++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
    }
    ssize_t written = 0;
    do {
      written = writev(queue_.get(), pieces.data(), static_cast<int>(count));
    } while (written < 0 && errno == EINTR);
    if (written >= 0) ++taken;
  }
  return taken;
}

}  // namespace ipsec::driver

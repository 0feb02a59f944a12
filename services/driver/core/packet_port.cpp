#include "services/driver/core/packet_port.h"

#include <algorithm>
#include <iterator>

#include "services/driver/core/limits.h"

namespace ipsec::driver {

void PacketList::clear() {
  pieces_.clear();
  packets_.clear();
}

void PacketList::add(ByteView piece, const OffloadInfo& offload) { add(std::span<const ByteView>(&piece, 1), offload); }

void PacketList::add(std::span<const ByteView> pieces, const OffloadInfo& offload) {
  Record record{pieces_.size(), 0, 0, offload};
  for (const ByteView& piece : pieces) {
    if (piece.empty()) continue;
    pieces_.push_back(piece);
    record.size += piece.size();
    ++record.count;
  }
  packets_.push_back(record);
}

PacketList::Entry PacketList::operator[](std::size_t index) const {
  const Record& record = packets_[index];
  return {std::span<const ByteView>(pieces_).subspan(record.first, record.count), record.offload, record.size};
}

void MemoryPort::push(ByteView packet, const OffloadInfo& offload) {
  waiting_.push_back({Bytes(packet.begin(), packet.end()), offload});
}

std::vector<MemoryPort::Stored> MemoryPort::take_sent() { return std::exchange(sent_, {}); }

std::span<Packet> MemoryPort::receive() {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < std::min(waiting_.size(), limits::kBatchPackets); ++count) {
    bytes += waiting_[count].bytes.size();
    if (count > 0 && bytes > limits::kBatchBytes) break;
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  received_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  views_.clear();
  for (Stored& stored : received_) views_.push_back({stored.bytes, stored.offload});
  return views_;
}

std::size_t MemoryPort::send(const PacketList& packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const PacketList::Entry entry = packets[i];
    Stored& stored = sent_.emplace_back();
    stored.offload = entry.offload;
    stored.bytes.reserve(entry.size);
    for (const ByteView& piece : entry.pieces) stored.bytes.insert(stored.bytes.end(), piece.begin(), piece.end());
  }
  return packets.size();
}

}  // namespace ipsec::driver

#include "services/driver/core/reassembly.h"

#include <algorithm>

#include "services/driver/core/checksum.h"
#include "services/driver/core/limits.h"

namespace ipsec::driver {

Reassembler::Key Reassembler::key_of(const PacketView& fragment, std::uint32_t origin) {
  const FiveTuple& tuple = fragment.tuple;
  // An IPv6 fragment beyond the first names another protocol than the first when destination options are fragmented
  // too.
  return {tuple.source, tuple.destination, fragment.fragment_id, fragment.is_v4() ? tuple.protocol : std::uint8_t{0},
          origin};
}

std::optional<Reassembler::Datagram> Reassembler::add(const PacketView& fragment, Timestamp now, std::uint32_t origin) {
  const Key key = key_of(fragment, origin);
  auto found = partial_.find(key);
  if (found != partial_.end() && now - found->second.since >= limits::kReassemblyTimeout) {
    forget(found);
    found = partial_.end();
  }
  if (found == partial_.end()) {
    if (partial_.size() >= limits::kMaxReassemblies) forget(oldest());
    found = partial_.try_emplace(key).first;
    found->second.since = now;
    found->second.number = next_number_++;
  }
  Partial& partial = found->second;
  if (is_copy(partial, fragment)) {
    ++lost_;
    return std::nullopt;
  }
  if (partial.spoiled || !insert(partial, fragment)) {
    ++lost_;
    spoil(partial);
    return std::nullopt;
  }
  bytes_ += fragment.protected_size();
  if (!partial.is_complete()) {
    while (bytes_ > limits::kMaxReassemblyBytes) forget(oldest());
    return std::nullopt;
  }
  Datagram datagram{join(partial), partial.pieces.size(), partial.largest_fragment, fragment.fragment_id};
  bytes_ -= partial.received;
  partial_.erase(found);
  return datagram;
}

bool Reassembler::is_copy(const Partial& partial, const PacketView& fragment) {
  const ByteView data = ByteView(fragment.bytes).subspan(fragment.protect_offset);
  return std::any_of(partial.pieces.begin(), partial.pieces.end(), [&](const Piece& piece) {
    return piece.offset == fragment.fragment_offset &&
           std::equal(piece.bytes.begin(), piece.bytes.end(), data.begin(), data.end());
  });
}

bool Reassembler::insert(Partial& partial, const PacketView& fragment) {
  const ByteView data = ByteView(fragment.bytes).subspan(fragment.protect_offset);
  const std::size_t begin = fragment.fragment_offset;
  const std::size_t end = begin + data.size();
  if (data.empty() || fragment.protect_offset + end > limits::kMaxPacketSize) return false;
  if (fragment.more_fragments ? data.size() % 8 != 0 : partial.total && *partial.total != end) return false;
  if (partial.total && end > *partial.total) return false;
  if (!fragment.more_fragments && !partial.pieces.empty()) {
    const Piece& last = partial.pieces.back();
    if (last.offset + last.bytes.size() > end) return false;
  }

  const auto next = std::find_if(partial.pieces.begin(), partial.pieces.end(),
                                 [begin](const Piece& piece) { return piece.offset + piece.bytes.size() > begin; });
  if (next != partial.pieces.end() && next->offset < end) return false;
  if (partial.pieces.size() >= limits::kMaxFragmentsPerDatagram) return false;
  partial.pieces.insert(next, {begin, Bytes(data.begin(), data.end())});
  partial.received += data.size();
  partial.largest_fragment = std::max(partial.largest_fragment, fragment.bytes.size());
  if (!fragment.more_fragments) partial.total = end;
  if (begin == 0) note_head(partial, fragment);
  return true;
}

// The headers of the datagram are those of its first fragment, without what speaks of fragments.
void Reassembler::note_head(Partial& partial, const PacketView& fragment) {
  const ByteView bytes = fragment.bytes;
  if (fragment.is_v4()) {
    partial.head.assign(bytes.begin(), bytes.begin() + fragment.protect_offset);
    const std::uint16_t flags = load_u16(&partial.head[6]);
    store_u16(&partial.head[6], flags & kIpv4DontFragment);
    return;
  }
  // The fragment header is the last one before protect_offset unless a routing header follows it, which no sender does.
  partial.head.assign(bytes.begin(), bytes.begin() + fragment.fragment_header_offset);
  partial.head_protocol = bytes[fragment.fragment_header_offset];
  std::size_t name_at = 6;
  for (std::size_t at = kIpv6HeaderSize; at < fragment.fragment_header_offset;) {
    name_at = at;
    at += (static_cast<std::size_t>(bytes[at + 1]) + 1) * 8;
  }
  partial.head_name_offset = name_at;
}

Bytes Reassembler::join(const Partial& partial) {
  Bytes packet = partial.head;
  packet.reserve(partial.head.size() + partial.received);
  for (const Piece& piece : partial.pieces) packet.insert(packet.end(), piece.bytes.begin(), piece.bytes.end());
  if ((packet[0] >> 4) == 6) packet[partial.head_name_offset] = partial.head_protocol;
  set_ip_length(packet, partial.head.size());
  return packet;
}

void Reassembler::spoil(Partial& partial) {
  lost_ += partial.pieces.size();
  bytes_ -= partial.received;
  partial.spoiled = true;
  partial.pieces.clear();
  partial.head.clear();
  partial.received = 0;
}

// Requires that there is one. There are few (limits::kMaxReassemblies), and this happens only under pressure.
Reassembler::PartialMap::iterator Reassembler::oldest() {
  return std::min_element(partial_.begin(), partial_.end(),
                          [](const auto& a, const auto& b) { return a.second.number < b.second.number; });
}

void Reassembler::forget(PartialMap::iterator partial) {
  spoil(partial->second);
  partial_.erase(partial);
}

void Reassembler::tick(Timestamp now) {
  for (auto partial = partial_.begin(); partial != partial_.end();) {
    const auto current = partial++;
    if (now - current->second.since >= limits::kReassemblyTimeout) forget(current);
  }
}

std::size_t Reassembler::take_lost() { return std::exchange(lost_, 0); }

}  // namespace ipsec::driver

#include "services/driver/core/fragment.h"

#include <algorithm>

#include "services/driver/core/checksum.h"

namespace ipsec::driver {
namespace {

constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNop = 1;
constexpr std::uint8_t kOptionCopied = 0x80;

// Options that belong to the first fragment only become no-operations in the others, so that all headers are of one
// size.
void blank_uncopied_options(MutableByteView header) {
  for (std::size_t at = kIpv4HeaderSize; at < header.size();) {
    const std::uint8_t type = header[at];
    if (type == kOptionEnd) return;
    const std::size_t size = type == kOptionNop || at + 1 >= header.size() ? 1 : header[at + 1];
    if (size == 0 || at + size > header.size()) return;
    if ((type & kOptionCopied) == 0) std::fill_n(header.begin() + static_cast<std::ptrdiff_t>(at), size, kOptionNop);
    at += size;
  }
}

void write_ipv4_fragment(MutableByteView out, const PacketView& packet, ByteView data, std::size_t offset, bool more) {
  const std::size_t header = packet.protect_offset;
  std::copy_n(packet.bytes.begin(), header, out.begin());
  std::copy(data.begin(), data.end(), out.begin() + static_cast<std::ptrdiff_t>(header));
  const auto flags = static_cast<std::uint16_t>((packet.dont_fragment ? kIpv4DontFragment : 0) |
                                                (more || packet.more_fragments ? kIpv4MoreFragments : 0) |
                                                ((packet.fragment_offset + offset) / 8));
  store_u16(&out[6], flags);
  if (offset != 0) blank_uncopied_options(out.first(header));
  set_ip_length(out, header);
}

void write_ipv6_fragment(MutableByteView out, const PacketView& packet, std::uint32_t id, ByteView data,
                         std::size_t offset, bool more) {
  const std::size_t header = packet.protect_offset;
  std::copy_n(packet.bytes.begin(), header, out.begin());
  std::uint8_t* fragment_header = &out[header];
  fragment_header[0] = packet.bytes[packet.protect_name_offset];
  fragment_header[1] = 0;
  store_u16(fragment_header + 2, static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
  store_u32(fragment_header + 4, id);
  std::copy(data.begin(), data.end(), out.begin() + static_cast<std::ptrdiff_t>(header + kFragmentHeaderSize));
  out[packet.protect_name_offset] = kProtocolFragment;
  set_ip_length(out, header);
}

}  // namespace

bool fragment(const PacketView& packet, std::size_t mtu, std::uint32_t id, Arena& arena,
              std::vector<MutableByteView>& fragments) {
  if (packet.bytes.size() <= mtu) {
    fragments.push_back(packet.bytes);
    return true;
  }
  if (!packet.is_v4() && packet.fragment_header_offset != 0) return false;
  const std::size_t headers = packet.protect_offset + (packet.is_v4() ? 0 : kFragmentHeaderSize);
  if (mtu < headers + 8) return false;
  const std::size_t step = (mtu - headers) / 8 * 8;
  const ByteView data = ByteView(packet.bytes).subspan(packet.protect_offset);
  for (std::size_t offset = 0; offset < data.size(); offset += step) {
    const ByteView part = data.subspan(offset, std::min(step, data.size() - offset));
    const bool more = offset + part.size() < data.size();
    const MutableByteView out = arena.allocate(headers + part.size());
    if (packet.is_v4()) {
      write_ipv4_fragment(out, packet, part, offset, more);
    } else {
      write_ipv6_fragment(out, packet, id, part, offset, more);
    }
    fragments.push_back(out);
  }
  return true;
}

}  // namespace ipsec::driver

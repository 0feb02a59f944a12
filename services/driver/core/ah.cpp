#include "services/driver/core/ah.h"

#include <algorithm>
#include <array>

namespace ipsec::driver {
namespace {

constexpr std::size_t kAhUnit = 4;  // of the length field, which leaves two of them out
constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNop = 1;
constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;
// RFC 4302 appendix A1: every other option, known or not, is taken as zeros.
constexpr std::array<std::uint8_t, 5> kImmutableOptions = {130, 133, 134, 148, 149};
constexpr std::uint8_t kMayChangeEnRoute = 0x20;  // bit of an IPv6 option's type (RFC 8200 4.2)
constexpr std::uint8_t kSourceRouting = 0;        // routing header type
constexpr std::size_t kIpv6DestinationOffset = 24;

void zero(MutableByteView bytes) { std::ranges::fill(bytes, std::uint8_t{0}); }

// The destination that a source route leads to is the one that counts (RFC 4302 3.3.3.1.1.1). `option` is whole.
void put_final_destination(MutableByteView header, ByteView option) {
  const std::size_t pointer = option[2];  // counts from 1
  if (option.size() < 7 || pointer + 3 > option.size()) return;
  std::copy_n(option.end() - 4, 4, header.begin() + 16);
}

bool zero_options(MutableByteView header) {
  for (std::size_t at = kIpv4HeaderSize; at < header.size();) {
    const std::uint8_t type = header[at];
    if (type == kOptionEnd) return true;
    if (type == kOptionNop) {
      ++at;
      continue;
    }
    const std::size_t size = at + 1 < header.size() ? header[at + 1] : 0;
    if (size < 2 || at + size > header.size()) return false;
    const MutableByteView option = header.subspan(at, size);
    if ((type == kLooseSourceRoute || type == kStrictSourceRoute) && size >= 3) put_final_destination(header, option);
    if (std::ranges::find(kImmutableOptions, type) == kImmutableOptions.end()) zero(option);
    at += size;
  }
  return true;
}

bool zero_ipv4(MutableByteView header) {
  header[1] = 0;               // DSCP and ECN
  zero(header.subspan(6, 3));  // flags, fragment offset, TTL
  zero(header.subspan(10, 2));
  return zero_options(header);
}

bool zero_changing_options(MutableByteView extension_header) {
  for (std::size_t at = 2; at < extension_header.size();) {
    const std::uint8_t type = extension_header[at];
    if (type == 0) {  // Pad1
      ++at;
      continue;
    }
    if (at + 2 > extension_header.size()) return false;
    const std::size_t size = extension_header[at + 1];
    if (at + 2 + size > extension_header.size()) return false;
    if ((type & kMayChangeEnRoute) != 0) zero(extension_header.subspan(at + 2, size));
    at += 2 + size;
  }
  return true;
}

// A routing header as it will be at the far end: the addresses turned on by one for each segment left.
bool finish_route(MutableByteView header, MutableByteView routing) {
  constexpr std::size_t kAddress = 16;
  const std::size_t left = routing[3];
  if (routing[2] != kSourceRouting || left == 0) return true;
  const std::size_t count = (routing.size() - 8) / kAddress;
  if (left > count) return false;
  std::array<std::uint8_t, kAddress> destination;
  std::copy_n(header.begin() + kIpv6DestinationOffset, kAddress, destination.begin());
  const MutableByteView ahead = routing.subspan(8 + (count - left) * kAddress, left * kAddress);
  std::copy_n(ahead.end() - kAddress, kAddress, header.begin() + kIpv6DestinationOffset);
  std::copy_backward(ahead.begin(), ahead.end() - kAddress, ahead.end());
  std::copy(destination.begin(), destination.end(), ahead.begin());
  routing[3] = 0;
  return true;
}

bool zero_ipv6(MutableByteView header) {
  header[0] &= 0xF0;  // traffic class, flow label
  zero(header.subspan(1, 3));
  header[7] = 0;  // hop limit
  std::uint8_t name = header[6];
  for (std::size_t at = kIpv6HeaderSize; at < header.size();) {
    if (header.size() - at < 8) return false;
    const std::size_t size = name == kProtocolFragment ? 8 : (static_cast<std::size_t>(header[at + 1]) + 1) * 8;
    if (at + size > header.size()) return false;
    const MutableByteView extension = header.subspan(at, size);
    const bool good = name == kProtocolRouting ? finish_route(header, extension)
                      : name == kProtocolHopByHop || name == kProtocolDestinationOptions
                          ? zero_changing_options(extension)
                          : true;
    if (!good) return false;
    name = extension[0];
    at += size;
  }
  return true;
}

bool zero_mutable(MutableByteView headers) { return (headers[0] >> 4) == 4 ? zero_ipv4(headers) : zero_ipv6(headers); }

// What the ICV covers (RFC 4302 3.3.3).
struct Covered {
  std::array<std::uint8_t, 4> high{};
  std::array<ByteView, 3> pieces;
  std::size_t count = 0;

  std::span<const ByteView> view() const { return std::span(pieces).first(count); }
};

// False: the headers cannot be read.
bool cover(const AhJob& job, Covered& covered) {
  const std::size_t rest = job.ah_offset + job.ah_size;
  const MutableByteView headers = job.arena.allocate(rest);
  std::copy_n(job.packet.begin(), rest, headers.begin());
  const MutableByteView ip = headers.first(job.ah_offset);
  if (!zero_mutable(ip)) return false;
  const std::size_t icv = job.keys.icv_size();
  zero(headers.subspan(job.ah_offset + kAhFixedSize, icv));  // what pads it is covered as it is
  covered.pieces[0] = headers;
  covered.pieces[1] = job.packet.subspan(rest);
  covered.count = 2;
  if (!job.sequence_high) return true;
  store_u32(covered.high.data(), *job.sequence_high);
  covered.pieces[covered.count++] = covered.high;
  return true;
}

MutableByteView icv_of(const AhJob& job) {
  return job.packet.subspan(job.ah_offset + kAhFixedSize, job.keys.icv_size());
}

}  // namespace

std::optional<AhHeader> read_ah(ByteView bytes) {
  if (bytes.size() < kAhFixedSize) return std::nullopt;
  AhHeader header;
  header.next_header = bytes[0];
  header.size = (static_cast<std::size_t>(bytes[1]) + 2) * kAhUnit;
  if (header.size < kAhFixedSize || header.size > bytes.size()) return std::nullopt;
  header.spi = load_u32(&bytes[4]);
  header.sequence = load_u32(&bytes[8]);
  return header;
}

void write_ah(MutableByteView out, std::uint8_t next_header, std::uint32_t spi, std::uint32_t sequence) {
  zero(out);
  out[0] = next_header;
  out[1] = static_cast<std::uint8_t>(out.size() / kAhUnit - 2);
  store_u32(&out[4], spi);
  store_u32(&out[8], sequence);
}

bool ah_can_cover(MutableByteView headers) { return zero_mutable(headers); }

bool ah_sign(const AhJob& job) {
  Covered covered;
  if (!cover(job, covered)) return false;
  const std::uint64_t low = load_u32(&job.packet[job.ah_offset + 8]);
  const std::uint64_t high = job.sequence_high.value_or(0);
  job.keys.sign(job.engine_index, covered.view(), job.iv_start + (high << 32 | low), icv_of(job));
  return true;
}

bool ah_verify(const AhJob& job) {
  Covered covered;
  return cover(job, covered) && job.keys.verify(job.engine_index, covered.view(), icv_of(job));
}

}  // namespace ipsec::driver

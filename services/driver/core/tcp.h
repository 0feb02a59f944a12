#pragma once

#include <cstdint>
#include <optional>

#include "services/common/bytes.h"

// The parts of a TCP header that the driver looks at (RFC 9293 3.1).
namespace ipsec::driver::tcp {

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kUrg = 0x20;
inline constexpr std::uint8_t kCwr = 0x80;
inline constexpr std::size_t kFlagsOffset = 13;
inline constexpr std::size_t kWindowOffset = 14;
inline constexpr std::size_t kChecksumOffset = 16;
inline constexpr std::size_t kOptionsOffset = 20;

// Octets of the header with its options; nullopt where they are not all there.
inline std::optional<std::size_t> header_size(ByteView segment) {
  if (segment.size() < kOptionsOffset) return std::nullopt;
  const std::size_t size = static_cast<std::size_t>(segment[12] >> 4) * 4;
  if (size < kOptionsOffset || size > segment.size()) return std::nullopt;
  return size;
}
inline std::uint32_t sequence(ByteView segment) { return load_u32(&segment[4]); }
inline std::uint32_t acknowledged(ByteView segment) { return load_u32(&segment[8]); }

// Of a header with its options, header_size() octets.
// Whether each segment carries a signature of its own, so that nobody but its sender can cut it.
bool is_signed(ByteView header);
// Octets of the longest block of selective acknowledgment (RFC 2018), 0: none.
std::uint32_t longest_selective_run(ByteView header);

}  // namespace ipsec::driver::tcp

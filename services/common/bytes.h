#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"

// Reading and writing network byte order. ByteReader is the only code that walks through bytes of a peer.
namespace ipsec {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

// A cursor over borrowed bytes; it must not outlive them. A read past the end returns nullopt and moves nothing.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool empty() const { return remaining() == 0; }

  std::optional<std::uint8_t> read_u8();
  std::optional<std::uint16_t> read_u16();
  std::optional<std::uint32_t> read_u32();
  std::optional<std::uint64_t> read_u64();
  // The next `count` bytes, borrowed.
  std::optional<ByteView> read(std::size_t count);
  // All that is left, borrowed; the reader is empty afterwards.
  ByteView rest();
  bool skip(std::size_t count);

 private:
  ByteView bytes_;
  std::size_t position_ = 0;
};

// Appends to its own buffer, integers in network byte order.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16(std::uint16_t value);
  ByteWriter& u32(std::uint32_t value);
  ByteWriter& u64(std::uint64_t value);
  ByteWriter& bytes(ByteView value);
  ByteWriter& zeros(std::size_t count);

  std::size_t size() const { return buffer_.size(); }
  // Overwrites two or four bytes already written at `offset` (a length known only afterwards).
  // Requires offset + 2 (or 4) <= size().
  void patch_u16(std::size_t offset, std::uint16_t value);
  void patch_u32(std::size_t offset, std::uint32_t value);

  const Bytes& view() const { return buffer_; }
  Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

// Unaligned access to a byte string in network byte order. Require two, four or eight bytes at `at`.
inline std::uint16_t load_u16(const std::uint8_t* at) { return static_cast<std::uint16_t>((at[0] << 8) | at[1]); }
inline std::uint32_t load_u32(const std::uint8_t* at) {
  return (static_cast<std::uint32_t>(load_u16(at)) << 16) | load_u16(at + 2);
}
inline std::uint64_t load_u64(const std::uint8_t* at) {
  return (static_cast<std::uint64_t>(load_u32(at)) << 32) | load_u32(at + 4);
}
inline void store_u16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void store_u32(std::uint8_t* at, std::uint32_t value) {
  store_u16(at, static_cast<std::uint16_t>(value >> 16));
  store_u16(at + 2, static_cast<std::uint16_t>(value));
}
inline void store_u64(std::uint8_t* at, std::uint64_t value) {
  store_u32(at, static_cast<std::uint32_t>(value >> 32));
  store_u32(at + 4, static_cast<std::uint32_t>(value));
}

// Lower-case hexadecimal without separators.
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

std::string to_hex(ByteView bytes);
// Accepts upper and lower case, no separators, an even number of digits.
Result<Bytes> from_hex(std::string_view text);

// A view of the characters of `text`; it must not outlive it.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace ipsec

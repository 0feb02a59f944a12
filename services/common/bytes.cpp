#include "services/common/bytes.h"

#include <cassert>
#include <iterator>

#include <fmt/format.h>

namespace ipsec {

std::optional<ByteView> ByteReader::read(std::size_t count) {
  if (count > remaining()) return std::nullopt;
  ByteView view = bytes_.subspan(position_, count);
  position_ += count;
  return view;
}

std::optional<std::uint8_t> ByteReader::read_u8() {
  auto view = read(1);
  if (!view) return std::nullopt;
  return (*view)[0];
}

std::optional<std::uint16_t> ByteReader::read_u16() {
  auto view = read(2);
  if (!view) return std::nullopt;
  return load_u16(view->data());
}

std::optional<std::uint32_t> ByteReader::read_u32() {
  auto view = read(4);
  if (!view) return std::nullopt;
  return load_u32(view->data());
}

std::optional<std::uint64_t> ByteReader::read_u64() {
  auto view = read(8);
  if (!view) return std::nullopt;
  return load_u64(view->data());
}

ByteView ByteReader::rest() {
  ByteView view = bytes_.subspan(position_);
  position_ = bytes_.size();
  return view;
}

bool ByteReader::skip(std::size_t count) { return read(count).has_value(); }

ByteWriter& ByteWriter::u8(std::uint8_t value) {
  buffer_.push_back(value);
  return *this;
}

ByteWriter& ByteWriter::u16(std::uint16_t value) {
  buffer_.resize(buffer_.size() + 2);
  store_u16(buffer_.data() + buffer_.size() - 2, value);
  return *this;
}

ByteWriter& ByteWriter::u32(std::uint32_t value) {
  buffer_.resize(buffer_.size() + 4);
  store_u32(buffer_.data() + buffer_.size() - 4, value);
  return *this;
}

ByteWriter& ByteWriter::u64(std::uint64_t value) {
  buffer_.resize(buffer_.size() + 8);
  store_u64(buffer_.data() + buffer_.size() - 8, value);
  return *this;
}

ByteWriter& ByteWriter::bytes(ByteView value) {
  buffer_.insert(buffer_.end(), value.begin(), value.end());
  return *this;
}

ByteWriter& ByteWriter::zeros(std::size_t count) {
  buffer_.resize(buffer_.size() + count);
  return *this;
}

void ByteWriter::patch_u16(std::size_t offset, std::uint16_t value) {
  assert(offset + 2 <= buffer_.size());
  store_u16(buffer_.data() + offset, value);
}

void ByteWriter::patch_u32(std::size_t offset, std::uint32_t value) {
  assert(offset + 4 <= buffer_.size());
  store_u32(buffer_.data() + offset, value);
}

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

namespace {

std::optional<std::uint8_t> hex_digit(char character) {
  if (character >= '0' && character <= '9') return static_cast<std::uint8_t>(character - '0');
  if (character >= 'a' && character <= 'f') return static_cast<std::uint8_t>(character - 'a' + 10);
  if (character >= 'A' && character <= 'F') return static_cast<std::uint8_t>(character - 'A' + 10);
  return std::nullopt;
}

}  // namespace

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return invalid("hexadecimal text needs an even number of digits");
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    auto high = hex_digit(text[i]);
    auto low = hex_digit(text[i + 1]);
    if (!high || !low) return invalid(fmt::format("not a hexadecimal digit at position {}", high ? i + 1 : i));
    bytes.push_back(static_cast<std::uint8_t>((*high << 4) | *low));
  }
  return bytes;
}

}  // namespace ipsec

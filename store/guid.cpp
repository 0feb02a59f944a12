#include "store/guid.h"

#include <algorithm>
#include <array>

namespace ipsec::store {

namespace {

constexpr std::array<std::size_t, 4> kHyphens = {8, 13, 18, 23};
constexpr std::size_t kLength = 36;

bool is_hyphen_place(std::size_t index) { return std::find(kHyphens.begin(), kHyphens.end(), index) != kHyphens.end(); }

}  // namespace

Guid make_guid(RandomSource& random) {
  Bytes bytes = random.bytes(16);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 4122 4.4: version 4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // and the variant
  std::string text = to_hex(bytes);
  for (std::size_t place : kHyphens) text.insert(place, 1, '-');
  return {std::move(text)};
}

Result<Guid> parse_guid(std::string_view text) {
  std::string_view bare = text;
  if (bare.size() == kLength + 2 && bare.front() == '{' && bare.back() == '}') bare = bare.substr(1, kLength);
  std::string lower;
  for (std::size_t i = 0; i < bare.size() && i < kLength; ++i) {
    char c = bare[i] >= 'A' && bare[i] <= 'F' ? static_cast<char>(bare[i] - 'A' + 'a') : bare[i];
    bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (is_hyphen_place(i) ? c != '-' : !is_digit) break;
    lower.push_back(c);
  }
  if (bare.size() != kLength || lower.size() != kLength) {
    return invalid(fmt::format(
        "'{:.60}' is not a GUID; accepted is xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, with or without braces", text));
  }
  return Guid{std::move(lower)};
}

}  // namespace ipsec::store

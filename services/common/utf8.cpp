#include "services/common/utf8.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>

namespace ipsec {

namespace {

struct FoldedRange {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t step;  // 2: capital and small letters take turns
  std::int32_t distance;
};

constexpr std::array<FoldedRange, 26> kFolded = {{
    {0x0041, 0x005a, 1, 32},    {0x00c0, 0x00d6, 1, 32}, {0x00d8, 0x00de, 1, 32}, {0x0100, 0x012e, 2, 1},
    {0x0132, 0x0136, 2, 1},     {0x0139, 0x0147, 2, 1},  {0x014a, 0x0176, 2, 1},  {0x0178, 0x0178, 1, -121},
    {0x0179, 0x017d, 2, 1},     {0x0386, 0x0386, 1, 38}, {0x0388, 0x038a, 1, 37}, {0x038c, 0x038c, 1, 64},
    {0x038e, 0x038f, 1, 63},    {0x0391, 0x03a1, 1, 32}, {0x03a3, 0x03ab, 1, 32}, {0x03c2, 0x03c2, 1, 1},
    {0x0400, 0x040f, 1, 80},    {0x0410, 0x042f, 1, 32}, {0x0460, 0x0480, 2, 1},  {0x048a, 0x04be, 2, 1},
    {0x04c0, 0x04c0, 1, 15},    {0x04c1, 0x04cd, 2, 1},  {0x04d0, 0x052e, 2, 1},  {0x1e00, 0x1e94, 2, 1},
    {0x1e9e, 0x1e9e, 1, -7615}, {0x1ea0, 0x1efe, 2, 1},
}};

std::uint32_t folded(std::uint32_t point) {
  const auto after =
      std::upper_bound(kFolded.begin(), kFolded.end(), point,
                       [](std::uint32_t value, const FoldedRange& range) { return value < range.first; });
  if (after == kFolded.begin()) return point;
  const FoldedRange& range = *std::prev(after);
  if (point > range.last || (point - range.first) % range.step != 0) return point;
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(point) + range.distance);
}

}  // namespace

std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at) {
  auto octet = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
  const std::uint8_t first = octet(at);
  const std::size_t length = first < 0x80         ? 1
                             : (first >> 5) == 6  ? 2
                             : (first >> 4) == 14 ? 3
                             : (first >> 3) == 30 ? 4
                                                  : 0;
  if (length == 0 || at + length > text.size()) return std::nullopt;
  std::uint32_t point = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(at + i) & 0xc0) != 0x80) return std::nullopt;
    point = (point << 6) | (octet(at + i) & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kSmallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
  at += length;
  return point;
}

void append_utf8(std::string& text, std::uint32_t code_point) {
  assert(code_point <= 0x10ffff);
  const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80U | ((code_point >> shift) & 0x3fU)); };
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    text += static_cast<char>(0xc0U | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    text += static_cast<char>(0xe0U | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0U | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string fold_case(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (const auto point = next_code_point(text, at)) {
      append_utf8(result, folded(*point));
    } else {
      result += text[at++];
    }
  }
  return result;
}

// Most names are ASCII and most pairs differ early: no copy is made for them.
bool equal_folded(std::string_view a, std::string_view b) {
  std::size_t at = 0;
  for (; at < a.size() && at < b.size(); ++at) {
    const auto x = static_cast<std::uint8_t>(a[at]);
    const auto y = static_cast<std::uint8_t>(b[at]);
    if (x >= 0x80 || y >= 0x80) return fold_case(a.substr(at)) == fold_case(b.substr(at));
    if (folded(x) != folded(y)) return false;
  }
  return a.size() == b.size();
}

}  // namespace ipsec

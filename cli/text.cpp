#include "cli/text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>
#include <limits>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ipsec::cli {

namespace {

constexpr std::size_t kFieldWidth = 24;
constexpr std::size_t kNarrowestColumn = 8;
constexpr std::string_view kCutMark = "...";
constexpr std::size_t kTabStop = 8;

struct Character {
  char32_t code = 0;
  std::size_t length = 1;
};

// The first character of non-empty text; bytes that are no UTF-8 count as characters of their own.
Character first_character(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  std::size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  if (length == 1 || text.size() < length) return {byte, 1};
  char32_t code = byte & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {code, length};
}

// Blocks of the East Asian Width property W and F that names are written in.
std::size_t width_of(char32_t code) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  constexpr std::array kWide = {Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},  Range{0x3041, 0xa4cf},
                                Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},  Range{0xfe30, 0xfe6f},
                                Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},  Range{0x1f300, 0x1f64f},
                                Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd}};
  const bool combining = code >= 0x300 && code <= 0x36f;
  const bool wide = std::any_of(kWide.begin(), kWide.end(),
                                [code](const Range& range) { return range.first <= code && code <= range.last; });
  return combining ? 0 : wide ? 2 : 1;
}

}  // namespace

std::string field(std::string_view name, std::string_view value) {
  return fmt::format("{:<{}}: {}\n", name, kFieldWidth, value.empty() ? "NONE" : harmless(value));
}

std::string_view yes_no_text(bool value) { return value ? "YES" : "NO"; }

std::string utc_time_ms(std::int64_t milliseconds) {
  // The first and last second of years with four digits; anything else is no time that anyone has written.
  constexpr std::int64_t kFirst = 1;
  constexpr std::int64_t kLast = 253402300799;
  const std::int64_t seconds = milliseconds / 1000;
  if (seconds < kFirst || seconds > kLast) return "never";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)),
                     milliseconds % 1000);
}

std::string utc_time(std::int64_t seconds) {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() / 1000;
  std::string text = utc_time_ms(std::clamp(seconds, -kLast, kLast) * 1000);
  if (const std::size_t dot = text.find('.'); dot != std::string::npos)
    text.erase(dot, std::string_view(".000").size());
  return text;
}

std::string duration(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60;
  const std::uint64_t hours = minutes / 60;
  if (hours >= 48) return fmt::format("{}d {:02}h", hours / 24, hours % 24);
  if (hours > 0) return fmt::format("{}h {:02}m {:02}s", hours, minutes % 60, seconds % 60);
  if (minutes > 0) return fmt::format("{}m {:02}s", minutes, seconds % 60);
  return fmt::format("{}s", seconds);
}

std::string byte_count(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  if (unit == 0) return fmt::format("{} B", bytes);
  return fmt::format("{:.{}f} {}", value, value < 99.95 ? 1 : 0, kUnits[unit]);
}

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == header_.size());
  for (std::string& cell : cells) cell = harmless(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t columns_wide) const {
  std::vector<std::size_t> widths(header_.size());
  const auto widen = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cells[i]));
  };
  widen(header_);
  for (const auto& row : rows_) widen(row);
  if (columns_wide == 0) return widths;
  // The widest cells give way first. A tab takes up to a tab stop behind every cell but the last.
  const auto total = [&] {
    std::size_t sum = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) sum = (sum + widths[i]) / kTabStop * kTabStop + kTabStop;
    return sum + widths.back();
  };
  while (total() > columns_wide) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowestColumn) break;
    --*widest;
  }
  return widths;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = cut(cells[i], widths[i]);
    text += i + 1 < cells.size() ? padded(cell, widths[i]) + "\t" : cell;
  }
  return text + "\n";
}

std::string Table::header(std::size_t columns_wide) const { return line(header_, widths(columns_wide)); }

std::string Table::rule(std::size_t columns_wide) const {
  const auto wide = widths(columns_wide);
  std::vector<std::string> dashes;
  dashes.reserve(wide.size());
  for (const std::size_t width : wide) dashes.emplace_back(width, '-');
  return line(dashes, wide);
}

std::string Table::rows(std::size_t columns_wide, std::string_view after_each) const {
  const auto wide = widths(columns_wide);
  std::string text;
  for (const auto& row : rows_) text += line(row, wide) + std::string(after_each);
  return text;
}

std::string Table::to_string(std::size_t columns_wide) const {
  return header(columns_wide) + rule(columns_wide) + rows(columns_wide);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    width += width_of(character.code);
    text.remove_prefix(character.length);
  }
  return width;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view mark = kCutMark.substr(0, std::min(columns, kCutMark.size()));
  std::size_t width = 0;
  std::size_t kept = 0;
  while (true) {
    const Character character = first_character(text.substr(kept));
    if (width + width_of(character.code) + mark.size() > columns) break;
    width += width_of(character.code);
    kept += character.length;
  }
  return std::string(text.substr(0, kept)) + std::string(mark);
}

std::string padded(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(text) + std::string(columns > width ? columns - width : 0, ' ');
}

std::string harmless(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace ipsec::cli

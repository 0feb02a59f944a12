#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Pieces that listings are made of. Pure.
namespace ipsec::cli {

// In place of a preshared key, whatever it is.
inline constexpr std::string_view kHiddenKey = "****";

// "Policy Name             : P" and a line feed. An empty value prints as NONE.
std::string field(std::string_view name, std::string_view value);

// "YES" or "NO".
std::string_view yes_no_text(bool value);

// "2026-11-20 19:03:05 UTC"; 0 is "never".
std::string utc_time(std::int64_t seconds);
// "2026-11-20 19:03:05.123 UTC".
std::string utc_time_ms(std::int64_t milliseconds);

// "45s", "1m 05s", "2h 00m 10s", "3d 04h".
std::string duration(std::uint64_t seconds);

// "999 B", "1.2 kB", "3.4 MB": powers of 1000, three digits at most.
std::string byte_count(std::uint64_t bytes);

// Columns of text. Every cell but the last is padded with blanks and followed by a tab, as programs that read the
// documented tables expect. `columns_wide` cuts cells so that a row fits; 0: nothing is cut.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  // Requires as many cells as the header has.
  void add(std::vector<std::string> cells);
  std::size_t size() const { return rows_.size(); }

  std::string header(std::size_t columns_wide) const;
  std::string rule(std::size_t columns_wide) const;  // dashes below the header
  std::string rows(std::size_t columns_wide, std::string_view after_each = {}) const;
  // Header, rule and rows.
  std::string to_string(std::size_t columns_wide) const;

 private:
  std::vector<std::size_t> widths(std::size_t columns_wide) const;
  static std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths);

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns that UTF-8 text takes on a screen: wide East Asian characters take two (Unicode 15, UAX 11).
std::size_t display_width(std::string_view text);
// At most `columns` columns; what is cut is marked by "...". Never splits a character.
std::string cut(std::string_view text, std::size_t columns);
std::string padded(std::string_view text, std::size_t columns);
// Control characters of names and peers' texts as \xNN, so that none reaches the terminal.
std::string harmless(std::string_view text);

}  // namespace ipsec::cli

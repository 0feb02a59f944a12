#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// UTF-8 text, and names that are equal without regard to case. Pure.
namespace ipsec {

// The code point at `at` (below text.size()), which then moves behind it; nullopt, and `at` stays, where the octets are
// not UTF-8 (RFC 3629 section 4: shortest form only, no surrogates, up to U+10FFFF).
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at);

// Requires a code point up to U+10FFFF.
void append_utf8(std::string& text, std::uint32_t code_point);

// The form in which names are compared: simple case folding (Unicode 15, CaseFolding.txt, status C and S) of ASCII,
// Latin-1, Latin Extended-A and Additional, Greek and Cyrillic; one code point for one. Everything else stays, octets
// that are no UTF-8 too, and nothing is normalised: a letter and an accent of their own are not the accented letter.
std::string fold_case(std::string_view text);
bool equal_folded(std::string_view a, std::string_view b);

}  // namespace ipsec

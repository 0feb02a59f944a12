#pragma once

#include <string>
#include <string_view>
#include <vector>

// Text that people wrote.
namespace ipsec::store {

// ASCII letters in lower case, everything else as it is.
std::string to_lower(std::string_view text);

// Well-formed UTF-8 (RFC 3629) without the control characters of ASCII and of U+0080 to U+009F.
bool is_clean_text(std::string_view text);
bool is_utf8(std::string_view text);

// The candidate with the fewest edits, if it is close enough to be what was meant; empty otherwise.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// "a, b or c"
std::string alternatives(const std::vector<std::string_view>& words);

}  // namespace ipsec::store

#pragma once

#include <string>
#include <string_view>

#include "cli/line.h"

// A parsed line as one line of text, for expectations that can be read.
namespace ipsec::cli::tests {

// "add policy | name=P | mmlifetime=480 | assign=yes", "enter ipsec static", "error 5982", "help add policy", ...
// A preshared key shows: these are test keys.
std::string describe(const Line& line);

// Splits and parses a line typed in that context.
Line parse(std::string_view text, ContextId context = ContextId::kStatic);
std::string described(std::string_view text, ContextId context = ContextId::kStatic);

// The parse error of a line; stops the test if it has none.
ParseError parse_error(std::string_view text, ContextId context = ContextId::kStatic);

}  // namespace ipsec::cli::tests

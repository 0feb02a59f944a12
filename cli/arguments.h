#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/words.h"

// Which words of a line are values of which parameters (reference, section 2.3). Pure.
namespace ipsec::cli {

enum class ParseErrorKind : std::uint8_t {
  kUnknownCommand,
  kUnknownTag,
  kDuplicateTag,
  kMissingRequired,
  kWrongValue,
  kWrongCombination,
  kTooManyWords,
};

// Why a line was not understood. The text names the word, the parameter and what is accepted.
struct ParseError {
  ParseErrorKind kind = ParseErrorKind::kUnknownCommand;
  std::string text;
  const CommandRow* row = nullptr;  // whose usage helps; nullptr for an unknown command
};

// Our own numbers, outside the documented ones: 05980 and on, one for each kind.
unsigned code_of(ParseErrorKind kind);

// The tag of this command that is meant, or nullptr: an exact name, else the first in declared order that it
// abbreviates.
const Parameter* find_parameter(const CommandRow& row, std::string_view tag);
// Its output has a form for programs: a last word --json.
bool has_json_form(const CommandRow& row);

// `words` are those after the command's name.
std::variant<Command, ParseError> parse_arguments(const CommandRow& row, std::span<const Word> words);

// What the parameter accepts, for messages, usage and help: "yes|no", "0..65535".
std::string accepted(const Parameter& parameter);

// One side of a filter with its mask applied, from `srcaddr` and `srcmask` or the like. Requires that the address was
// given and the command was parsed.
AddressValue address_of(const Command& command, std::string_view address_tag, std::string_view mask_tag);

}  // namespace ipsec::cli

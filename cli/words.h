#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// The words of a command line (reference of `netsh ipsec`, section 2.1) and how a typed word fits a name (2.2). Pure.
namespace ipsec::cli {

struct Word {
  std::string text;           // quotes dropped
  bool quoted_first = false;  // its first character stood in quotes: a leading '=' is then no separator
  bool quoted_last = false;   // a quoted stretch ends it: `description=""` states an empty value
};

// Blanks and tabs separate words; a double quote starts or ends a quoted stretch anywhere. A quote left open ends with
// the line.
std::vector<Word> split_words(std::string_view line);

// Words that a program or a shell has separated already; blanks inside them stay.
std::vector<Word> words_of(std::span<const std::string> arguments);

// to_lower: ASCII letters only. equal_ignoring_case: as names of objects compare (services/common/utf8.h).
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// What the user typed fits a name if it is a case-insensitive prefix of it. An empty word fits nothing.
bool is_abbreviation(std::string_view typed, std::string_view name);

// True if the line gives a preshared key, or a key of an SA, by its tag, whatever else is wrong with it. Such lines are
// kept out of histories and messages.
bool mentions_key(std::span<const Word> words);

// The words as one line for a message; what follows the tag of a key is left out.
std::string printable(std::span<const Word> words);

}  // namespace ipsec::cli

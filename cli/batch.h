#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/encoding.h"
#include "cli/words.h"

// What of a batch file is ours: the lines of netsh and ipseccmd as cmd.exe would start them, and a word about what is
// left out. Understood: @, rem, ::, labels, ^, chains (& && ||), pipes and redirections (dropped), %%, a goto that
// leads forward, exit. A condition, a loop or a call is skipped, with its block. Pure.
namespace ipsec::cli {

struct BatchStep {
  enum class Kind : std::uint8_t {
    kNetsh,
    kIpseccmd,
    kForeign,  // another program: counts as one that succeeded
    kNote,     // something was skipped: `text` says what
    kError,    // a line of netsh or ipseccmd that cannot be run: `text` says why
  };
  enum class Condition : std::uint8_t { kAlways, kIfSucceeded, kIfFailed };  // of the step before, on the same line

  std::size_t number = 0;  // of the line, from 1
  Kind kind = Kind::kForeign;
  Condition condition = Condition::kAlways;
  std::vector<Word> words = {};  // behind the program's name
  std::string text = {};
  bool left_out = false;  // a note about a netsh or ipseccmd command that may have to run
};

std::vector<BatchStep> read_batch(const std::vector<TextLine>& lines);

// True for names that end in .bat or .cmd.
bool is_batch_name(std::string_view path);

}  // namespace ipsec::cli

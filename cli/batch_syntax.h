#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/batch.h"

// How cmd.exe reads a line of a batch file. Pure.
namespace ipsec::cli {

std::string_view without_blanks(std::string_view text);

// "netsh" of `%windir%\system32\netsh.exe`: the name of a program without its folder and extension, in lower case.
std::string program_name(std::string_view word);
std::optional<BatchStep::Kind> our_program(std::string_view name);

// The word at the start of a command and what follows it.
struct FirstWord {
  std::string_view word;
  std::string_view rest;
};
FirstWord first_word(std::string_view text);

// True if one of our programs is started anywhere in the text, which was skipped; also in quotes: cmd /c "netsh ...".
bool starts_our_program(std::string_view skipped);

// One command of a chain, ^ and redirections taken out.
struct Link {
  BatchStep::Condition condition = BatchStep::Condition::kAlways;
  bool behind_pipe = false;
  std::string text;
};
// Splits a line as cmd.exe does: special characters stand outside double quotes, ^ takes the meaning from one.
std::vector<Link> split_chain(std::string_view line);

// What `(` and `)` outside quotes come to.
int parenthesis_balance(std::string_view text);

// The text with %% as %, or the first variable in it, whose value only cmd.exe knows.
struct Expanded {
  std::string text;
  std::string variable;  // not empty: "%NAME%"
};
Expanded expand(std::string_view text, bool delayed_expansion);

}  // namespace ipsec::cli

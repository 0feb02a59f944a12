#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/grammar.h"
#include "cli/words.h"

// What a line of words means in a context (reference, sections 1.2 and 2.2). Pure.
namespace ipsec::cli {

struct NothingToDo {};  // a blank line

struct EnterContext {
  ContextId context = ContextId::kRoot;
};

struct ShellLine {
  ShellVerb verb = ShellVerb::kHelp;
  std::vector<Word> arguments;
};

// Help was asked for, at the place the words name.
struct HelpRequest {
  ContextId context = ContextId::kRoot;
  std::string_view verb = {};       // empty: of the context
  const CommandRow* row = nullptr;  // set: of the command
};

using Line = std::variant<NothingToDo, EnterContext, ShellLine, HelpRequest, Command, ParseError>;

// A command may carry the rest of its path from the current context or from any context above it. A leading "netsh" is
// tolerated.
Line parse_line(ContextId current, std::span<const Word> words);

// The context that a path such as "ipsec static" names, for pushd and -c.
std::optional<ContextId> find_context(ContextId current, std::span<const Word> path);

}  // namespace ipsec::cli

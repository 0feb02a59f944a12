#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/grammar.h"

// What may stand in the place of the last word of an unfinished line; the grammar's rows say it. Pure.
namespace ipsec::cli {

struct Completions {
  std::size_t start = 0;             // of the text to be replaced, an index into the line
  std::vector<std::string> choices;  // in declared order, complete: "filterlist=", "block", "static"
};

// `line` is what stands before the cursor.
Completions complete(ContextId current, std::string_view line);

}  // namespace ipsec::cli

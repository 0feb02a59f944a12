#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"

// The lines of a command file (reference, section 1.3). Pure.
namespace ipsec::cli {

struct ScriptLine {
  std::size_t number = 0;  // from 1
  std::string text;        // without line end and blanks around it
  std::string problem;     // not empty: the line cannot be run, and why
};

// Takes LF and CRLF, drops a byte order mark, skips blank lines and comments ('#' first). A line that is no UTF-8 text
// (RFC 3629), has a NUL character or is too long gets a problem of its own, so that the rest can still run; only a file
// too large is refused as a whole.
Result<std::vector<ScriptLine>> read_script(std::string_view content);

}  // namespace ipsec::cli

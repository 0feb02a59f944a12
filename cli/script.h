#pragma once

#include <string_view>
#include <vector>

#include "cli/encoding.h"
#include "services/common/result.h"

// The lines of a command file (reference, section 1.3). Pure.
namespace ipsec::cli {

// As read_lines, without comments ('#' first). Only a file too large is refused as a whole.
Result<std::vector<TextLine>> read_script(std::string_view content, const CodePage* code_page = nullptr);

// The same of a batch file, in which '#' is no comment.
Result<std::vector<TextLine>> read_batch_lines(std::string_view content, const CodePage* code_page = nullptr);

}  // namespace ipsec::cli

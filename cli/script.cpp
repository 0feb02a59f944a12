#include "cli/script.h"

#include <algorithm>

#include "cli/limits.h"

namespace ipsec::cli {

Result<std::vector<TextLine>> read_batch_lines(std::string_view content, const CodePage* code_page) {
  if (content.size() > kLargestScript) {
    return invalid(fmt::format("the file has {} bytes; at most {} are read", content.size(), kLargestScript));
  }
  return read_lines(content, code_page);
}

Result<std::vector<TextLine>> read_script(std::string_view content, const CodePage* code_page) {
  IPSEC_ASSIGN_OR_RETURN(std::vector<TextLine> lines, read_batch_lines(content, code_page));
  std::erase_if(lines, [](const TextLine& line) { return line.text.starts_with('#'); });
  return lines;
}

}  // namespace ipsec::cli

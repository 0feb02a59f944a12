#include "cli/script.h"

#include "cli/limits.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Bytes of the UTF-8 sequence at the start of `text`, or 0 if it is none (RFC 3629 section 4).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// Why the line cannot be run; empty if it can.
std::string problem_of(std::string_view line) {
  if (line.size() > kLongestLine) return fmt::format("the line is longer than {} characters", kLongestLine);
  if (line.find('\0') != std::string_view::npos) {
    return "the line has a NUL character; expected UTF-8 text (a UTF-16 file needs converting)";
  }
  while (!line.empty()) {
    const std::size_t length = sequence_length(line);
    if (length == 0) return "the line is not UTF-8; convert the file from its code page";
    line.remove_prefix(length);
  }
  return {};
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t start = line.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return line.substr(start, line.find_last_not_of(kBlanks) - start + 1);
}

}  // namespace

Result<std::vector<ScriptLine>> read_script(std::string_view content) {
  if (content.size() > kLargestScript) {
    return invalid(fmt::format("the file has {} bytes; at most {} are read", content.size(), kLargestScript));
  }
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  std::vector<ScriptLine> lines;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view line = trimmed(content.substr(0, end));
    if (!line.empty() && line.front() != '#') lines.push_back({number, std::string(line), problem_of(line)});
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return lines;
}

}  // namespace ipsec::cli

#include "cli/encoding.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

#include <iconv.h>

#include "cli/limits.h"
#include "cli/words.h"
#include "services/common/utf8.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::string_view kLittleEndianMark = "\xff\xfe";
constexpr std::string_view kBigEndianMark = "\xfe\xff";

// Windows numbers whose iconv names are not "CP" and the number.
constexpr std::pair<std::string_view, const char*> kNumbers[] = {
    {"20866", "KOI8-R"},     {"21866", "KOI8-U"},     {"28591", "ISO-8859-1"},  {"28592", "ISO-8859-2"},
    {"28595", "ISO-8859-5"}, {"28597", "ISO-8859-7"}, {"28605", "ISO-8859-15"}, {"51949", "EUC-KR"},
    {"54936", "GB18030"},    {"65001", "UTF-8"},
};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string iconv_name(std::string_view name) {
  std::string_view number = name;
  if (is_abbreviation("cp", number)) number.remove_prefix(2);
  if (!is_number(number)) return std::string(name);
  for (const auto& [known, iconv] : kNumbers) {
    if (number == known) return iconv;
  }
  return "CP" + std::string(number);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!next_code_point(text, at)) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t start = line.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return line.substr(start, line.find_last_not_of(kBlanks) - start + 1);
}

std::string too_long() { return fmt::format("the line is longer than {} characters", kLongestLine); }

TextLine eight_bit_line(std::size_t number, std::string_view text, const CodePage* code_page) {
  TextLine line{number, std::string(text), {}};
  if (text.size() > kLongestLine) {
    line.problem = too_long();
  } else if (text.find('\0') != std::string_view::npos) {
    line.problem = "the line has a NUL character; expected text";
  } else if (!is_utf8(text)) {
    if (code_page == nullptr) {
      line.problem = "the line is not UTF-8; name the code page it was written in with --codepage (936, 866, GBK, ...)";
      return line;
    }
    auto decoded = code_page->decode(text);
    if (decoded.ok()) {
      line.text = *std::move(decoded);
    } else {
      line.problem = decoded.status().message();
    }
  }
  return line;
}

std::vector<TextLine> eight_bit_lines(std::string_view content, const CodePage* code_page) {
  std::vector<TextLine> lines;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view text = trimmed(content.substr(0, end));
    if (!text.empty()) lines.push_back(eight_bit_line(number, text, code_page));
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return lines;
}

// Units of 16 bits, one after another.
class Utf16Reader {
 public:
  Utf16Reader(std::string_view content, bool big_endian) : content_(content), big_endian_(big_endian) {}

  bool at_end() const { return content_.empty(); }

  // Up to and with the next line feed.
  TextLine take_line(std::size_t number) {
    TextLine line{number, {}, {}};
    while (!at_end()) {
      const std::optional<std::uint32_t> character = take_character();
      if (character == std::uint32_t{'\n'}) break;
      if (!character) line.problem = "the line is no UTF-16: half of a character is missing";
      if (character == 0U) line.problem = "the line has a NUL character; expected text";
      if (line.text.size() > kLongestLine) line.problem = too_long();
      if (line.problem.empty()) append_utf8(line.text, *character);
    }
    line.text = std::string(trimmed(line.text));
    return line;
  }

 private:
  std::uint32_t unit_at(std::size_t at) const {
    const auto first = static_cast<unsigned char>(content_[at]);
    const auto second = static_cast<unsigned char>(content_[at + 1]);
    return big_endian_ ? first * 256U + second : second * 256U + first;
  }

  // nullopt: a surrogate without its other half, or half a unit (RFC 2781 section 2.2).
  std::optional<std::uint32_t> take_character() {
    if (content_.size() < 2) {
      content_ = {};
      return std::nullopt;
    }
    const std::uint32_t first = unit_at(0);
    content_.remove_prefix(2);
    if (first < 0xd800 || first > 0xdfff) return first;
    if (first > 0xdbff || content_.size() < 2) return std::nullopt;
    const std::uint32_t second = unit_at(0);
    if (second < 0xdc00 || second > 0xdfff) return std::nullopt;
    content_.remove_prefix(2);
    return 0x10000U + ((first - 0xd800U) << 10U) + (second - 0xdc00U);
  }

  std::string_view content_;
  bool big_endian_;
};

std::vector<TextLine> utf16_lines(std::string_view content, bool big_endian) {
  std::vector<TextLine> lines;
  Utf16Reader reader(content, big_endian);
  for (std::size_t number = 1; !reader.at_end(); ++number) {
    TextLine line = reader.take_line(number);
    if (!line.text.empty() || !line.problem.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

void CodePage::Close::operator()(void* descriptor) const { iconv_close(descriptor); }

Result<CodePage> CodePage::open(std::string_view name) {
  // Never "//TRANSLIT" or another suffix of iconv: what cannot be read is an error.
  const iconv_t descriptor = !name.empty() && name.find_first_of("/,") == std::string_view::npos
                                 ? iconv_open("UTF-8", iconv_name(name).c_str())
                                 : reinterpret_cast<iconv_t>(-1);
  if (descriptor == reinterpret_cast<iconv_t>(-1)) {
    return invalid(
        fmt::format("'{}' is no code page; expected a number such as 1252, 936 or 866, or a name such as "
                    "GBK or KOI8-R",
                    name));
  }
  CodePage page(std::string(name), descriptor);
  constexpr std::string_view kAscii = "netsh ipsec \"a=b\" 0189 AZaz\r\n";
  const auto decoded = page.decode(kAscii);
  if (!decoded.ok() || *decoded != kAscii) {
    return invalid(
        fmt::format("'{}' is no code page that extends ASCII; UTF-16 is recognised without an option", name));
  }
  return page;
}

Result<std::string> CodePage::decode(std::string_view text) const {
  std::string decoded(text.size() * 4, '\0');  // the most that one byte becomes
  std::string input(text);
  char* from = input.data();
  std::size_t left = input.size();
  char* to = decoded.data();
  std::size_t room = decoded.size();
  iconv(descriptor_.get(), nullptr, nullptr, nullptr, nullptr);  // the initial shift state
  if (iconv(descriptor_.get(), &from, &left, &to, &room) == static_cast<std::size_t>(-1)) {
    return invalid(fmt::format("byte {} of the line is no text in code page {}", input.size() - left + 1, name_));
  }
  decoded.resize(decoded.size() - room);
  return decoded;
}

std::vector<TextLine> read_lines(std::string_view content, const CodePage* code_page) {
  if (content.starts_with(kUtf8Mark)) return eight_bit_lines(content.substr(kUtf8Mark.size()), code_page);
  if (content.starts_with(kLittleEndianMark)) return utf16_lines(content.substr(2), false);
  if (content.starts_with(kBigEndianMark)) return utf16_lines(content.substr(2), true);
  if (content.size() >= 2 && content[0] != '\0' && content[1] == '\0') return utf16_lines(content, false);
  if (content.size() >= 2 && content[0] == '\0' && content[1] != '\0') return utf16_lines(content, true);
  return eight_bit_lines(content, code_page);
}

}  // namespace ipsec::cli

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"

// The lines of text files as UTF-8 (RFC 3629), whatever they were written in. Not for two threads at once.
namespace ipsec::cli {

// A legacy code page, by iconv.
class CodePage {
 public:
  // A Windows number ("936", "cp866") or a name that iconv knows ("GBK", "KOI8-R"), in any case. kInvalid for others,
  // and for encodings in which ASCII text does not stand for itself.
  static Result<CodePage> open(std::string_view name);

  // kInvalid names the byte that has no meaning in this code page.
  Result<std::string> decode(std::string_view text) const;
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(void* descriptor) const;
  };
  CodePage(std::string name, void* descriptor) : name_(std::move(name)), descriptor_(descriptor) {}

  std::string name_;
  std::unique_ptr<void, Close> descriptor_;  // iconv_t
};

struct TextLine {
  std::size_t number = 0;  // from 1
  std::string text;        // UTF-8, without the line end and blanks around it
  std::string problem;     // not empty: the line cannot be used, and why
};

// Every line that is not blank. Line ends are LF or CRLF. UTF-16 of either byte order is recognised by its byte order
// mark, or by a first character that is ASCII; a UTF-8 mark is dropped. A line that is no UTF-8 is read in `code_page`
// if there is one. A line that cannot be read, has a NUL character or is too long gets a problem of its own.
std::vector<TextLine> read_lines(std::string_view content, const CodePage* code_page);

}  // namespace ipsec::cli

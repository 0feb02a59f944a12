#include "services/common/daemon/configuration.h"

#include <algorithm>

namespace ipsec::daemon {

namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kExpected =
    "accepted are lines such as  name = value,  name = \"a value\"  and  name = [\"one\", \"two\"]";

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }
bool is_comment(char c) { return c == '#' || c == ';'; }

class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  // False: nothing but blanks and a comment.
  Result<bool> read(ConfigurationLine& line) {
    if (at_end()) return false;
    const std::size_t length =
        static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_name) - rest_.begin());
    line.name = std::string(rest_.substr(0, length));
    rest_.remove_prefix(length);
    if (line.name.empty() || !take('=')) return wrong("");
    if (take('[')) {
      IPSEC_RETURN_IF_ERROR(read_list(line.values));
    } else {
      IPSEC_RETURN_IF_ERROR(read_value(line.values, kBlanks));
    }
    if (!at_end()) return wrong(fmt::format("'{}' has something behind its value; ", line.name));
    return true;
  }

 private:
  static Status wrong(const std::string& what) { return invalid(what + std::string(kExpected)); }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

  bool at_end() {
    skip_blanks();
    return rest_.empty() || is_comment(rest_.front());
  }

  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Status read_list(std::vector<std::string>& values) {
    do {
      IPSEC_RETURN_IF_ERROR(read_value(values, " \t\r,]"));
    } while (take(','));
    return take(']') ? Status() : wrong("a list ends with ]; ");
  }

  Status read_value(std::vector<std::string>& values, std::string_view ends) {
    if (at_end()) return wrong("a value is missing; ");
    if (take('"')) return read_quoted(values);
    const std::size_t length = std::min(rest_.find_first_of(ends), rest_.size());
    if (length == 0) return wrong("a value is missing; ");
    values.emplace_back(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return {};
  }

  Status read_quoted(std::vector<std::string>& values) {
    std::string value;
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      char c = rest_[at];
      if (c == '"') {
        rest_.remove_prefix(at + 1);
        values.push_back(std::move(value));
        return {};
      }
      if (c == '\\' && at + 1 < rest_.size()) c = rest_[++at];
      value += c;
    }
    return wrong("a text in double quotes does not end; ");
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<ConfigurationLine>> read_configuration(std::string_view text) {
  std::vector<ConfigurationLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    ConfigurationLine line;
    line.number = number;
    const auto read = LineReader(text.substr(0, length)).read(line);
    if (!read.ok()) return with_context(read.status(), fmt::format("line {}", number));
    if (*read) lines.push_back(std::move(line));
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return lines;
}

}  // namespace ipsec::daemon

#include "cli/batch_syntax.h"

#include <algorithm>

namespace ipsec::cli {

namespace {

using Kind = BatchStep::Kind;
using Condition = BatchStep::Condition;

bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' || c == ')';
}

// Splits a line as cmd.exe does: special characters stand outside double quotes, ^ takes the meaning from one.
class ChainSplitter {
 public:
  explicit ChainSplitter(std::string_view line) : line_(line) {}

  std::vector<Link> split() {
    Link link;
    while (next_ < line_.size()) {
      const char c = line_[next_];
      if (in_quotes_ || (c != '&' && c != '|' && c != '<' && c != '>' && c != '^')) {
        if (c == '"') in_quotes_ = !in_quotes_;
        link.text += c;
        ++next_;
      } else if (c == '^') {
        if (++next_ < line_.size()) link.text += line_[next_++];
      } else if (c == '<' || c == '>') {
        skip_redirection(link.text);
      } else {
        links_.push_back(std::move(link));
        link = begin_link(c);
      }
    }
    links_.push_back(std::move(link));
    return std::move(links_);
  }

 private:
  Link begin_link(char c) {
    ++next_;
    const bool is_double = next_ < line_.size() && line_[next_] == c;
    if (is_double) ++next_;
    if (c == '|' && !is_double) return {Condition::kAlways, true, {}};
    if (!is_double) return {};
    return {c == '&' ? Condition::kIfSucceeded : Condition::kIfFailed, false, {}};
  }

  // `>nul`, `>> "a file"`, `2>&1`, `<nul`.
  void skip_redirection(std::string& text) {
    // The number of the stream stands right before it, as a word of its own.
    const std::size_t size = text.size();
    if (size > 0 && text[size - 1] >= '0' && text[size - 1] <= '9' &&
        (size == 1 || text[size - 2] == ' ' || text[size - 2] == '\t')) {
      text.pop_back();
    }
    while (next_ < line_.size() && (line_[next_] == '>' || line_[next_] == '<')) ++next_;
    if (next_ < line_.size() && line_[next_] == '&') ++next_;
    while (next_ < line_.size() && (line_[next_] == ' ' || line_[next_] == '\t')) ++next_;
    bool quoted = false;
    while (next_ < line_.size() && (quoted || !ends_word(line_[next_]))) quoted ^= line_[next_++] == '"';
    text += ' ';
  }

  std::string_view line_;
  std::size_t next_ = 0;
  bool in_quotes_ = false;
  std::vector<Link> links_;
};

}  // namespace

std::vector<Link> split_chain(std::string_view line) { return ChainSplitter(line).split(); }

std::string_view without_blanks(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

std::string program_name(std::string_view word) {
  std::string name = to_lower(word);
  std::erase(name, '"');
  const std::size_t slash = name.find_last_of("\\/");
  // A slash in front belongs to an option: `echo/`.
  if (slash != std::string::npos && slash + 1 < name.size()) name.erase(0, slash + 1);
  for (const std::string_view extension : {".exe", ".com"}) {
    if (name.ends_with(extension)) name.resize(name.size() - extension.size());
  }
  return name;
}

std::optional<Kind> our_program(std::string_view name) {
  if (name == "netsh") return Kind::kNetsh;
  if (name == "ipseccmd" || name == "ipsecpol") return Kind::kIpseccmd;
  return std::nullopt;
}

FirstWord first_word(std::string_view text) {
  text = without_blanks(text);
  std::size_t end = 0;
  bool in_quotes = false;
  while (end < text.size() && (in_quotes || !ends_word(text[end]))) in_quotes ^= text[end++] == '"';
  return {text.substr(0, end), text.substr(end)};
}

namespace {

// True if the words after the program's name begin a command for IPsec, and no text that happens to name the program.
bool begins_command(Kind program, std::string_view rest) {
  const std::string next = program_name(first_word(rest).word);
  if (next.starts_with('-')) return true;
  return program == Kind::kNetsh && (next == "exec" || (next.size() > 1 && is_abbreviation(next, "ipsec")));
}

}  // namespace

bool starts_our_program(std::string_view skipped) {
  std::string unquoted(skipped);
  std::replace(unquoted.begin(), unquoted.end(), '"', ' ');
  std::string_view text = unquoted;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t&|<>()@"), text.size()));
    if (text.empty()) return false;
    const FirstWord first = first_word(text);
    const auto ours = our_program(program_name(first.word));
    if (ours && begins_command(*ours, first.rest)) return true;
    text.remove_prefix(first.word.size());
  }
}

int parenthesis_balance(std::string_view text) {
  int balance = 0;
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_quotes = !in_quotes;
    if (in_quotes) continue;
    if (text[i] == '^')
      ++i;
    else if (text[i] == '(')
      ++balance;
    else if (text[i] == ')')
      --balance;
  }
  return balance;
}

Expanded expand(std::string_view text, bool delayed_expansion) {
  Expanded expanded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' && (text[i] != '!' || !delayed_expansion)) {
      expanded.text += text[i];
      continue;
    }
    const std::string_view rest = text.substr(i + 1);
    if (text[i] == '%' && rest.starts_with('%')) {
      expanded.text += '%';
      ++i;
      continue;
    }
    const bool is_parameter =
        text[i] == '%' && !rest.empty() && (rest[0] == '*' || rest[0] == '~' || (rest[0] >= '0' && rest[0] <= '9'));
    const std::size_t end = is_parameter ? std::min(rest.find_first_of(" \t\"=,;"), rest.size()) : rest.find(text[i]);
    // A single % has no meaning and is gone when a program sees the line.
    if (end == std::string_view::npos) continue;
    expanded.variable = std::string(text.substr(i, is_parameter ? end + 1 : end + 2));
    return expanded;
  }
  return expanded;
}

}  // namespace ipsec::cli

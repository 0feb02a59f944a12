#include "cli/batch.h"

#include <algorithm>
#include <array>
#include <optional>

namespace ipsec::cli {

namespace {

using Kind = BatchStep::Kind;
using Condition = BatchStep::Condition;

// Commands of cmd.exe and programs that do nothing for IPsec and need no remark.
constexpr std::string_view kSilent[] = {"echo",     "echo.",  "pause", "cls",   "title",   "color", "setlocal",
                                        "endlocal", "chcp",   "cd",    "chdir", "set",     "ping",  "ver",
                                        "timeout",  "verify", "more",  "find",  "findstr", "choice"};

bool is_silent(std::string_view name) {
  return name.starts_with("echo.") || std::find(std::begin(kSilent), std::end(kSilent), name) != std::end(kSilent);
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' || c == ')';
}

// "netsh" of `%windir%\system32\netsh.exe`: the name of a program without its folder and extension, in lower case.
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

// The word at the start of a command and what follows it.
struct FirstWord {
  std::string_view word;
  std::string_view rest;
};

FirstWord first_word(std::string_view text) {
  text = without_blanks(text);
  std::size_t end = 0;
  bool in_quotes = false;
  while (end < text.size() && (in_quotes || !ends_word(text[end]))) in_quotes ^= text[end++] == '"';
  return {text.substr(0, end), text.substr(end)};
}

// True if the words after the program's name begin a command for IPsec, and no text that happens to name the program.
bool begins_command(Kind program, std::string_view rest) {
  const std::string next = program_name(first_word(rest).word);
  if (next.starts_with('-')) return true;
  return program == Kind::kNetsh && (next == "exec" || (next.size() > 1 && is_abbreviation(next, "ipsec")));
}

// True if one of our programs is started anywhere in the text, which was skipped; also in quotes: cmd /c "netsh ...".
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

// One command of a chain, ^ and redirections taken out.
struct Link {
  Condition condition = Condition::kAlways;
  bool behind_pipe = false;
  std::string text;
};

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

// What `(` and `)` outside quotes come to.
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

// The text with %% as %, or the first variable in it, whose value only cmd.exe knows.
struct Expanded {
  std::string text;
  std::string variable;  // not empty: "%NAME%"
};

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

class BatchReader {
 public:
  explicit BatchReader(const std::vector<TextLine>& lines) : lines_(lines) {}

  std::vector<BatchStep> read() {
    while (next_ < lines_.size() && !is_over_) read_line();
    return std::move(steps_);
  }

 private:
  void read_line() {
    const TextLine& line = lines_[next_++];
    number_ = line.number;
    if (!line.problem.empty()) return add(Kind::kError, line.problem);
    std::string text = line.text;
    // A line that ends in ^ goes on in the next one, which has to be there.
    while (text.ends_with('^') && !text.ends_with("^^") && next_ < lines_.size() && lines_[next_].problem.empty()) {
      text.pop_back();
      text += lines_[next_++].text;
    }
    if (skipped_depth_ > 0) return skip_block_line(text);
    read_command_line(text);
  }

  void skip_block_line(std::string_view text) {
    if (!is_remark(text)) skipped_depth_ += parenthesis_balance(text);
    if (!is_remark(text) && starts_our_program(text)) note_left_out("a line in a block that depends on a condition");
    skipped_depth_ = std::max(skipped_depth_, 0);
  }

  static bool is_remark(std::string_view text) {
    while (text.starts_with('@')) text = without_blanks(text.substr(1));
    return text.starts_with(':') || program_name(first_word(text).word) == "rem";
  }

  void read_command_line(std::string_view text) {
    while (text.starts_with('@') || text.starts_with('(') || text.starts_with(')')) {
      text = without_blanks(text.substr(1));
    }
    if (text.empty() || is_remark(text)) return;
    const std::string name = program_name(first_word(text).word);
    if (name == "if" || name == "for" || name == "else") return skip_condition(name, text);
    if (name == "goto" || name == "exit") return leave(name, text);
    if (name == "setlocal" && to_lower(text).find("enabledelayedexpansion") != std::string::npos) delayed_ = true;
    for (const Link& link : ChainSplitter(text).split()) read_link(link);
  }

  // The block of a condition begins at its end: `if exist x (`.
  void skip_condition(const std::string& name, std::string_view text) {
    skipped_depth_ = std::max(parenthesis_balance(text), 0);
    const std::string what = name == "for" ? "the loop is not carried out" : "the condition is not looked at";
    if (starts_our_program(text)) return note_left_out(what);
    add(Kind::kNote, fmt::format("skipped '{}': {}", name, what));
  }

  void leave(const std::string& name, std::string_view text) {
    std::string label = to_lower(without_blanks(first_word(text).rest));
    if (label.starts_with(':')) label.erase(0, 1);
    label = std::string(first_word(label).word);
    if (name == "exit" || label == "eof") {
      is_over_ = true;
      return;
    }
    for (std::size_t i = next_; i < lines_.size(); ++i) {
      const std::string_view line = lines_[i].text;
      if (!line.starts_with(':') || to_lower(first_word(line.substr(1)).word) != label) continue;
      add(Kind::kNote, fmt::format("'goto {}' goes on at line {}", label, lines_[i].number));
      next_ = i;
      return;
    }
    add(Kind::kNote, fmt::format("skipped 'goto {}': there is no such label further down", label));
  }

  void read_link(const Link& link) {
    std::string_view text = without_blanks(link.text);
    while (text.starts_with('@') || text.starts_with('(')) text = without_blanks(text.substr(1));
    FirstWord first = first_word(text);
    if (program_name(first.word) == "call" && !without_blanks(first.rest).starts_with(':'))
      first = first_word(first.rest);
    const std::string name = program_name(first.word);
    if (const auto ours = our_program(name)) return read_ours(*ours, link, first.rest);
    if (name.empty() || link.behind_pipe) return;
    const bool is_silent_here = is_silent(name) || name == "rem";
    if (!is_silent_here && starts_our_program(first.rest)) {
      note_left_out(fmt::format("'{}' is not carried out", name));
    } else if (!is_silent_here) {
      add(Kind::kNote, fmt::format("skipped '{}': no command of netsh", name));
    }
    steps_.push_back({number_, Kind::kForeign, link.condition});
  }

  void read_ours(Kind kind, const Link& link, std::string_view arguments) {
    Expanded expanded = expand(arguments, delayed_);
    if (!expanded.variable.empty()) {
      return add(Kind::kError, fmt::format("the value of {} is not known here: write it in its place, or run the "
                                           "line with the value by hand",
                                           expanded.variable));
    }
    BatchStep step{number_, kind, link.condition};
    step.words = split_words(expanded.text);
    if (step.words.empty() && kind == Kind::kNetsh) return add(Kind::kNote, "skipped 'netsh' without a command");
    steps_.push_back(std::move(step));
  }

  void note_left_out(const std::string& why) {
    add(Kind::kNote, fmt::format("skipped a command of netsh: {}", why));
    steps_.back().left_out = true;
  }

  void add(Kind kind, std::string text) {
    BatchStep step{number_, kind};
    step.text = std::move(text);
    steps_.push_back(std::move(step));
  }

  const std::vector<TextLine>& lines_;
  std::vector<BatchStep> steps_;
  std::size_t next_ = 0;
  std::size_t number_ = 0;
  int skipped_depth_ = 0;
  bool delayed_ = false;
  bool is_over_ = false;
};

}  // namespace

std::vector<BatchStep> read_batch(const std::vector<TextLine>& lines) { return BatchReader(lines).read(); }

bool is_batch_name(std::string_view path) {
  const std::string name = to_lower(path);
  return name.ends_with(".bat") || name.ends_with(".cmd");
}

}  // namespace ipsec::cli

#include "cli/batch.h"

#include <algorithm>
#include <array>

#include "cli/batch_syntax.h"

namespace ipsec::cli {

namespace {

using Kind = BatchStep::Kind;

// Commands of cmd.exe and programs that do nothing for IPsec and need no remark.
constexpr std::string_view kSilent[] = {"echo",     "echo.",  "pause", "cls",   "title",   "color", "setlocal",
                                        "endlocal", "chcp",   "cd",    "chdir", "set",     "ping",  "ver",
                                        "timeout",  "verify", "more",  "find",  "findstr", "choice"};

bool is_silent(std::string_view name) {
  return name.starts_with("echo.") || std::find(std::begin(kSilent), std::end(kSilent), name) != std::end(kSilent);
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
    for (const Link& link : split_chain(text)) read_link(link);
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

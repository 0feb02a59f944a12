#include "cli/session.h"

#include "cli/help.h"
#include "cli/limits.h"
#include "cli/script.h"
#include "cli/text.h"

namespace ipsec::cli {

std::string Session::prompt() const {
  const std::string_view path = row_of(context_).path;
  return path.empty() ? "netsh>" : fmt::format("netsh {}>", path);
}

bool Session::report(std::uint32_t number, std::string_view text) {
  ports_.print(error_text(number, text));
  return false;
}

bool Session::enter(std::string_view path) {
  const auto context = find_context(context_, split_words(path));
  if (!context)
    return report(kShellMisused, fmt::format("there is no context '{}'; expected ipsec, ipsec static or "
                                             "ipsec dynamic",
                                             path));
  context_ = *context;
  return true;
}

bool Session::run_line(std::string_view line) {
  if (line.size() > kLongestLine) {
    return report(kShellMisused, fmt::format("the line is longer than {} characters", kLongestLine));
  }
  std::vector<Word> words = split_words(line);
  const bool succeeded = run_words(words);
  // A line may hold a preshared key.
  for (Word& word : words) wipe_memory(word.text.data(), word.text.size());
  return succeeded;
}

bool Session::run_words(std::span<const Word> words) { return run(parse_line(context_, words)); }

bool Session::run(const Line& line) {
  if (const auto* command = std::get_if<Command>(&line)) {
    const Outcome outcome = run_command(*command, ports_.services);
    ports_.print(outcome.output);
    return !outcome.failed;
  }
  if (const auto* entered = std::get_if<EnterContext>(&line)) context_ = entered->context;
  if (const auto* shell = std::get_if<ShellLine>(&line)) return run_shell(*shell);
  if (const auto* help = std::get_if<HelpRequest>(&line)) ports_.print(help_text(*help));
  const auto* error = std::get_if<ParseError>(&line);
  if (error == nullptr) return true;
  if (error->row == nullptr) {
    ports_.print(harmless(error->text) + "\n");
    return false;
  }
  report(code_of(error->kind), error->text);
  ports_.print("\n" + usage_text(*error->row));
  return false;
}

bool Session::run_shell(const ShellLine& line) {
  switch (line.verb) {
    case ShellVerb::kUp:
      context_ = row_of(context_).parent;
      return true;
    case ShellVerb::kPush:
      return push(line.arguments);
    case ShellVerb::kPop:
      return pop();
    case ShellVerb::kExecute:
      if (line.arguments.size() != 1)
        return report(kShellMisused, "exec needs one file name; blanks need double quotes");
      return run_file(line.arguments.front().text);
    case ShellVerb::kExit:
      is_over_ = true;
      return true;
    case ShellVerb::kHelp:
    case ShellVerb::kOfflineMode:
      return true;
  }
  return true;
}

bool Session::push(std::span<const Word> path) {
  if (saved_.size() >= kDeepestContextStack) {
    return report(kShellMisused, fmt::format("pushd: at most {} contexts are saved", kDeepestContextStack));
  }
  const auto context = find_context(context_, path);
  if (!context) return report(kShellMisused, fmt::format("pushd: there is no context '{}'", printable(path)));
  saved_.push_back(context_);
  context_ = *context;
  return true;
}

bool Session::pop() {
  if (saved_.empty()) return report(kShellMisused, "popd: no context is saved");
  context_ = saved_.back();
  saved_.pop_back();
  return true;
}

bool Session::run_file(const std::string& path) {
  if (script_depth_ >= kDeepestScript) {
    return report(kShellMisused, fmt::format("'{}': scripts run scripts to a depth of {} only", path, kDeepestScript));
  }
  ++script_depth_;
  const bool succeeded = run_script(path);
  --script_depth_;
  return succeeded;
}

bool Session::run_script(const std::string& path) {
  auto content = ports_.read_file(path);
  if (!content.ok()) return report(kFileFailed, content.status().message());
  auto lines = read_script(*content);
  wipe_memory(content->data(), content->size());
  if (!lines.ok()) return report(kFileFailed, fmt::format("'{}': {}", path, lines.status().message()));
  bool succeeded = true;
  for (ScriptLine& line : *lines) {
    const bool done = line.problem.empty() ? run_line(line.text) : report(kFileFailed, line.problem);
    if (!done) ports_.print(fmt::format("{}:{}: this line failed; the others still run.\n", path, line.number));
    wipe_memory(line.text.data(), line.text.size());
    succeeded = succeeded && done;
    if (is_over_) break;
  }
  // `exit` ends the script, not what ran it.
  is_over_ = false;
  return succeeded;
}

}  // namespace ipsec::cli

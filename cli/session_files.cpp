#include "cli/limits.h"
#include "cli/script.h"
#include "cli/session.h"
#include "cli/text.h"

// How a session runs scripts and batch files.
namespace ipsec::cli {

bool Session::run_file(const std::string& path) {
  if (script_depth_ >= kDeepestScript) {
    return report(kShellMisused, fmt::format("'{}': scripts run scripts to a depth of {} only", path, kDeepestScript));
  }
  if (ports_.scripts.is_strict && script_depth_ == 0) return run_strictly(path);
  ++script_depth_;
  const bool succeeded = run_script(path);
  --script_depth_;
  return succeeded;
}

// All of a script is one transaction: its changes are collected, and made together at its end.
bool Session::run_strictly(const std::string& path) {
  scope_.start_staging();
  ++script_depth_;
  const bool succeeded = run_script(path);
  --script_depth_;
  if (succeeded) return commit();
  scope_.discard();
  return false;
}

bool Session::commit() {
  const auto reply = scope_.commit();
  if (!reply.ok()) {
    ports_.print(call_failed(scope_, reply.status()).output);
    ports_.print("Nothing of the script was done (--strict).\n");
    return false;
  }
  for (const proto::Problem& problem : reply->problems()) {
    ports_.print(problem_text(problem));
    ports_.print(fmt::format("{}: this line failed; nothing of the script was done (--strict).\n",
                             scope_.origin_of(problem.change_index())));
  }
  return reply->problems().empty();
}

bool Session::run_script(const std::string& path) {
  auto content = ports_.read_file(path);
  if (!content.ok()) return report(kFileFailed, content.status().message());
  const bool is_batch = ports_.scripts.is_batch || is_batch_name(path);
  auto lines =
      is_batch ? read_batch_lines(*content, ports_.scripts.code_page) : read_script(*content, ports_.scripts.code_page);
  wipe_memory(content->data(), content->size());
  if (!lines.ok()) return report(kFileFailed, fmt::format("'{}': {}", path, lines.status().message()));
  const bool succeeded = is_batch ? run_batch(path, *lines) : run_lines(path, *lines);
  for (TextLine& line : *lines) wipe_memory(line.text.data(), line.text.size());
  return succeeded;
}

bool Session::goes_on_after_failure(const std::string& path, std::size_t number) {
  const bool is_strict = ports_.scripts.is_strict;
  ports_.print(fmt::format("{}:{}: this line failed; {}\n", path, number,
                           is_strict ? "nothing of the script was done (--strict)." : "the others still run."));
  return !is_strict;
}

bool Session::run_lines(const std::string& path, std::vector<TextLine>& lines) {
  bool succeeded = true;
  for (const TextLine& line : lines) {
    scope_.set_origin(fmt::format("{}:{}", path, line.number));
    const bool done = line.problem.empty() ? run_line(line.text) : report(kFileFailed, line.problem);
    succeeded = succeeded && done;
    if (!done && !goes_on_after_failure(path, line.number)) break;
    if (is_over_) break;
  }
  // `exit` ends the script, not what ran it.
  is_over_ = false;
  return succeeded;
}

bool Session::run_batch(const std::string& path, const std::vector<TextLine>& lines) {
  bool succeeded = true;
  bool last_succeeded = true;
  for (const BatchStep& step : read_batch(lines)) {
    if (step.kind == BatchStep::Kind::kNote) {
      ports_.print(harmless(fmt::format("{}:{}: note: {}", path, step.number, step.text)) + "\n");
      if (!step.left_out || !ports_.scripts.is_strict) continue;
    }
    if (step.condition == BatchStep::Condition::kIfSucceeded && !last_succeeded) continue;
    if (step.condition == BatchStep::Condition::kIfFailed && last_succeeded) continue;
    scope_.set_origin(fmt::format("{}:{}", path, step.number));
    last_succeeded = run_batch_step(step);
    succeeded = succeeded && last_succeeded;
    if (!last_succeeded && !goes_on_after_failure(path, step.number)) break;
  }
  return succeeded;
}

bool Session::run_batch_step(const BatchStep& step) {
  switch (step.kind) {
    case BatchStep::Kind::kForeign:
      return true;
    case BatchStep::Kind::kNote:
      return false;  // it left out what may have to be done
    case BatchStep::Kind::kError:
      return report(kFileFailed, step.text);
    case BatchStep::Kind::kNetsh:
    case BatchStep::Kind::kIpseccmd:
      break;
  }
  return run_program_of_batch(step);
}

// Each is a process of its own: contexts and stores do not carry over.
bool Session::run_program_of_batch(const BatchStep& step) {
  Services services{scope_, services_.resolver, services_.now, services_.json, services_.sessions, services_.warn};
  Session program({services, ports_.print, ports_.read_file, ports_.scripts});
  program.script_depth_ = script_depth_;
  if (step.kind == BatchStep::Kind::kIpseccmd) return program.run_ipseccmd(step.words);
  if (!step.words.front().text.starts_with('-')) return program.run_words(step.words);
  std::vector<std::string> arguments;
  for (const Word& word : step.words) arguments.push_back(word.text);
  const auto options = parse_options(arguments);
  if (!options.ok()) return report(kShellMisused, options.status().message());
  return program.run_options(*options);
}

}  // namespace ipsec::cli

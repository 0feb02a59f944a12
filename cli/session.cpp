#include "cli/session.h"

#include "cli/help.h"
#include "cli/ipseccmd.h"
#include "cli/limits.h"
#include "cli/script.h"
#include "cli/text.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kThisMachine = "This computer is administered; another machine needs netsh on that machine.";

// What `ipseccmd show` shows.
struct IpseccmdShow {
  std::string_view what;
  std::string_view line;
};
constexpr IpseccmdShow kIpseccmdShows[] = {
    {"filters", "ipsec dynamic show mmfilter all"},
    {"filters", "ipsec dynamic show qmfilter all"},
    {"policies", "ipsec dynamic show mmpolicy all"},
    {"policies", "ipsec dynamic show qmpolicy all"},
    {"auth", "ipsec dynamic show mmfilter all"},
    {"stats", "ipsec dynamic show stats"},
    {"sas", "ipsec dynamic show mmsas"},
    {"sas", "ipsec dynamic show qmsas"},
    {"all", "ipsec dynamic show all"},
};

}  // namespace

Session::Session(SessionPorts ports)
    : ports_(std::move(ports)),
      scope_(ports_.services.agent),
      services_{scope_,
                ports_.services.resolver,
                ports_.services.now,
                ports_.services.json,
                ports_.services.sessions,
                ports_.services.warn,
                &scope_} {}

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

bool Session::run_words(std::span<const Word> words) {
  const auto alias = words.empty() ? aliases_.end() : aliases_.find(to_lower(words.front().text));
  if (alias == aliases_.end()) return run(parse_line(context_, words));
  std::vector<Word> meant = split_words(alias->second);
  meant.insert(meant.end(), words.begin() + 1, words.end());
  return run(parse_line(context_, meant));
}

bool Session::run(const Line& line) {
  if (const auto* command = std::get_if<Command>(&line)) {
    if (command->row->context == ContextId::kRoot && command->row->id != CommandId::kDumpBoth) {
      return run_command_of_shell(*command);
    }
    services_.json = ports_.services.json;
    const Outcome outcome = run_command(*command, services_);
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

bool Session::run_command_of_shell(const Command& command) {
  switch (command.row->id) {
    case CommandId::kShowAlias:
      ports_.print(aliases_text());
      return true;
    case CommandId::kShowHelper:
      for (const ContextRow& row : contexts()) {
        if (row.id != ContextId::kRoot) ports_.print(fmt::format("{:<16} - {}\n", row.path, row.help));
      }
      return true;
    case CommandId::kShowMode:
      ports_.print("online\n");
      return true;
    case CommandId::kShowMachine:
      ports_.print(fmt::format("{}\n", kThisMachine));
      return true;
    case CommandId::kSetMachine:
      return command.arguments.empty() || report(kShellMisused, kThisMachine);
    default:
      return true;  // set mode
  }
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
    case ShellVerb::kAlias:
      return run_alias(line.arguments);
    case ShellVerb::kUnalias:
      return run_unalias(line.arguments);
    case ShellVerb::kHelp:
    case ShellVerb::kOfflineMode:
      return true;
  }
  return true;
}

std::string Session::aliases_text() const {
  std::string text;
  for (const auto& [name, words] : aliases_) text += harmless(fmt::format("{:<16} {}", name, words)) + "\n";
  return text.empty() ? "No aliases.\n" : text;
}

bool Session::run_alias(std::span<const Word> words) {
  if (words.empty()) {
    ports_.print(aliases_text());
    return true;
  }
  const std::string name = to_lower(words.front().text);
  if (words.size() == 1) {
    const auto alias = aliases_.find(name);
    if (alias == aliases_.end()) return report(kShellMisused, fmt::format("there is no alias '{}'", name));
    ports_.print(harmless(alias->second) + "\n");
    return true;
  }
  if (aliases_.size() >= kMostAliases && !aliases_.contains(name)) {
    return report(kShellMisused, fmt::format("at most {} aliases are kept; unalias takes one away", kMostAliases));
  }
  std::string meaning;
  for (const Word& word : words.subspan(1)) {
    // A quoted string may be several words of the line it stands for.
    meaning += (meaning.empty() ? "" : " ") + word.text;
  }
  aliases_[name] = std::move(meaning);
  return true;
}

bool Session::run_unalias(std::span<const Word> words) {
  if (words.size() == 1 && aliases_.erase(to_lower(words.front().text)) == 1) return true;
  return report(kShellMisused, "unalias needs the name of an alias; alias shows them");
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

bool Session::run_ipseccmd(std::span<const Word> words) {
  const auto command = parse_ipseccmd(words);
  if (!command.ok()) return report(kShellMisused, command.status().message());
  if (command->help) {
    ports_.print(ipseccmd_help());
    return true;
  }
  if (command->show.empty()) {
    const Outcome outcome = cli::run_ipseccmd(*command, services_);
    ports_.print(outcome.output);
    return !outcome.failed;
  }
  bool succeeded = true;
  for (const IpseccmdShow& show : kIpseccmdShows) {
    if (show.what == command->show) succeeded = run_line(show.line) && succeeded;
  }
  return succeeded;
}

bool Session::run_options(const Options& options) {
  if (!options.context.empty() && !enter(options.context)) return false;
  if (options.script) return run_file(*options.script);
  if (options.alias_file && !run_file(*options.alias_file)) return false;
  return options.command.empty() || run_words(words_of(options.command));
}

// ---- files ----------------------------------------------------------------------------------------------------------

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

#include "cli/session.h"

#include "cli/help.h"
#include "cli/ipseccmd.h"
#include "cli/limits.h"
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

}  // namespace ipsec::cli

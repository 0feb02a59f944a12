#include "cli/options.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kRuntimeDirectory = "--runtime-dir";
constexpr std::string_view kCodePage = "--codepage";

// The value of an option: behind '=' or the next word.
Result<std::string> take_value(std::span<const std::string> arguments, std::size_t& next, std::string_view option) {
  const std::string& word = arguments[next];
  if (word.size() > option.size()) return word.substr(option.size() + 1);
  if (next + 1 >= arguments.size()) return invalid(fmt::format("{} needs a value; see netsh -?", option));
  return arguments[++next];
}

bool is_option(const std::string& word, std::string_view option) {
  return word == option || (word.starts_with(option) && option.starts_with("--") && word[option.size()] == '=');
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments) {
  Options options;
  std::size_t next = 0;
  for (; next < arguments.size(); ++next) {
    const std::string& word = arguments[next];
    if (word == "-?" || word == "-h" || word == "--help") {
      options.help = true;
    } else if (word == "--version") {
      options.version = true;
    } else if (word == "--json") {
      options.json = true;
    } else if (word == "--bat") {
      options.batch = true;
    } else if (word == "--strict") {
      options.strict = true;
    } else if (is_option(word, kCodePage)) {
      IPSEC_ASSIGN_OR_RETURN(options.code_page, take_value(arguments, next, kCodePage));
    } else if (word == "-c") {
      IPSEC_ASSIGN_OR_RETURN(options.context, take_value(arguments, next, "-c"));
    } else if (word == "-f") {
      IPSEC_ASSIGN_OR_RETURN(options.script, take_value(arguments, next, "-f"));
    } else if (word == "-a") {
      IPSEC_ASSIGN_OR_RETURN(options.alias_file, take_value(arguments, next, "-a"));
    } else if (is_option(word, kRuntimeDirectory)) {
      IPSEC_ASSIGN_OR_RETURN(options.runtime_directory, take_value(arguments, next, kRuntimeDirectory));
    } else if (word == "-r" || word == "-u" || word == "-p") {
      return invalid(fmt::format("{} (another machine) is not supported: run netsh on that machine", word));
    } else if (word.starts_with('-')) {
      return invalid(fmt::format("'{}' is no option; see netsh -?", word));
    } else {
      break;
    }
  }
  options.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end());
  if (options.script && !options.command.empty()) return invalid("-f and a command exclude one another");
  if (options.strict && !options.script) return invalid("--strict needs -f FILE: it makes one transaction of a file");
  return options;
}

std::string options_help() {
  return R"(Usage: netsh [-c CONTEXT] [-a FILE] [--runtime-dir DIR] [--json] [COMMAND | -f FILE]
             [--bat] [--codepage NAME] [--strict]

  -c CONTEXT         enters the context first: -c "ipsec static"
  -f FILE            runs the commands of the file and ends; status 1 if any failed
                     (a .bat or .cmd file: its lines of netsh and ipseccmd)
  --bat              FILE is a batch file whatever its name is
  --codepage NAME    in which lines of FILE are written that are no UTF-8: 936, 866, GBK ...
  --strict           the first line that fails ends the file, and nothing of it is done
  -a FILE            runs the commands of the file, then gives the prompt
  --runtime-dir DIR  directory of the Policy Agent's socket
                     (otherwise POLICYAGENT_RUNTIME_DIR, otherwise /run/policyagent)
  --json             every show prints JSON of schema policyagent-show/1
  --version          prints the version

Without a command or a file, netsh gives a prompt. `netsh ?` lists the commands.
)";
}

}  // namespace ipsec::cli

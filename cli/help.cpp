#include "cli/help.h"

namespace ipsec::cli {

namespace {

constexpr std::size_t kUsageIndent = 8;
constexpr std::size_t kUsageWidth = 78;

std::string entry(std::string_view name, std::string_view help) { return fmt::format("{:<16} - {}\n", name, help); }

std::string context_help(ContextId context) {
  std::string text = "The following commands are available:\n";
  std::string commands;
  for (const VerbRow& row : verbs()) {
    if (row.context == context) commands += entry(row.verb, row.help);
  }
  if (!commands.empty()) text += "\nCommands in this context:\n" + commands;
  std::string children;
  for (const ContextRow& row : contexts()) {
    if (row.parent == context && row.id != context) children += entry(row.name, row.help);
  }
  if (!children.empty()) text += "\nThe following sub-contexts are available:\n" + children;
  text += "\nCommands of the shell:\n";
  for (const ShellRow& row : shell_commands()) {
    text +=
        entry(row.arguments.empty() ? std::string(row.name) : fmt::format("{} {}", row.name, row.arguments), row.help);
  }
  return text + "\nTo view help for a command, type the command, followed by a space, and then type ?.\n";
}

std::string verb_help(ContextId context, std::string_view verb) {
  std::string text = "The following commands are available:\n\n";
  for (const CommandRow& row : commands_of(context)) {
    if (row.verb == verb) text += entry(fmt::format("{} {}", row.verb, row.object), row.help);
  }
  return text;
}

std::string usage_part(const Parameter& parameter) {
  if (parameter.kind == Kind::kAllOnly) return "[all]";
  const bool is_optional = !parameter.has(kRequired);
  const std::string part = parameter.has(kTagOnly) ? fmt::format("{}=<{}>", parameter.tag, accepted(parameter))
                                                   : fmt::format("[{}=]<{}>", parameter.tag, accepted(parameter));
  if (!is_optional) return part;
  return fmt::format("[ {}{} ]", part, parameter.has(kRepeatable) ? " ..." : "");
}

// "required", the default, or nothing.
std::string remark(const Parameter& parameter) {
  if (parameter.has(kRequired)) return parameter.group == 0 ? " (required)" : " (required, one of its kind)";
  return parameter.fallback.empty() ? "" : fmt::format(" (default {})", parameter.fallback);
}

std::string command_help(const CommandRow& row) {
  std::string text = usage_text(row) + fmt::format("\n  {}.\n", row.help);
  if (!row.parameters.empty()) text += fmt::format("\nParameters:\n\n  {:<20} Value\n", "Tag");
  for (const Parameter& parameter : row.parameters) {
    text += fmt::format("  {:<20} {}{}\n", parameter.tag, parameter.help, remark(parameter));
    if (parameter.kind == Kind::kMainModeMethods) text += "      " + accepted_main_mode_methods() + "\n";
    if (parameter.kind == Kind::kQuickModeMethods) text += "      " + accepted_quick_mode_methods() + "\n";
  }
  if (row.id == CommandId::kExportPolicy) {
    text += "\nRemarks: a last word --with-secrets writes the preshared keys too, in clear text.\n";
  }
  if (has_json_form(row)) text += "\nRemarks: a last word --json prints the same for programs.\n";
  return text + fmt::format("\nExample: {}\n", row.example);
}

}  // namespace

std::string help_text(const HelpRequest& request) {
  if (request.row != nullptr) return command_help(*request.row);
  if (!request.verb.empty()) return verb_help(request.context, request.verb);
  return context_help(request.context);
}

std::string usage_text(const CommandRow& row) {
  std::string line = fmt::format("Usage: {}{}{}", row.verb, row.object.empty() ? "" : " ", row.object);
  std::string text;
  for (const Parameter& parameter : row.parameters) {
    std::string part = usage_part(parameter);
    if (line.size() + 1 + part.size() <= kUsageWidth) {
      line += " " + part;
      continue;
    }
    text += line + "\n";
    // A long choice goes on in the next line.
    for (std::size_t cut; part.size() + kUsageIndent > kUsageWidth; part.erase(0, cut)) {
      cut = part.rfind('|', kUsageWidth - kUsageIndent) + 1;
      if (cut == 0) break;
      text += std::string(kUsageIndent, ' ') + part.substr(0, cut) + "\n";
    }
    line = std::string(kUsageIndent, ' ') + part;
  }
  return text + line + "\n";
}

}  // namespace ipsec::cli

#include "cli/line.h"

#include <algorithm>

namespace ipsec::cli {

namespace {

// An exact name wins; otherwise the first in declared order that the word abbreviates.
template <typename Rows, typename NameOf, typename Fits>
auto find_row(const Rows& rows, std::string_view word, NameOf name_of, Fits fits) -> decltype(&rows[0]) {
  decltype(&rows[0]) found = nullptr;
  for (const auto& row : rows) {
    if (!fits(row)) continue;
    if (equal_ignoring_case(word, name_of(row))) return &row;
    if (found == nullptr && is_abbreviation(word, name_of(row))) found = &row;
  }
  return found;
}

bool is_help(const Word& word) {
  return word.text == "?" || word.text == "/?" || equal_ignoring_case(word.text, "help");
}

const ContextRow* find_child(ContextId context, std::string_view word) {
  const auto rows = contexts();
  return find_row(
      rows, word, [](const ContextRow& row) { return row.name; },
      [context](const ContextRow& row) { return row.parent == context && row.id != ContextId::kRoot; });
}

const VerbRow* find_verb(ContextId context, std::string_view word) {
  const auto rows = verbs();
  return find_row(
      rows, word, [](const VerbRow& row) { return row.verb; },
      [context](const VerbRow& row) { return row.context == context; });
}

const CommandRow* find_object(ContextId context, std::string_view verb, std::string_view word) {
  const auto rows = commands_of(context);
  return find_row(
      rows, word, [](const CommandRow& row) { return row.object; },
      [verb](const CommandRow& row) { return row.verb == verb; });
}

Line parse_with_row(ContextId context, const CommandRow& row, std::span<const Word> words) {
  if (!words.empty() && is_help(words.front())) return HelpRequest{context, row.verb, &row};
  auto parsed = parse_arguments(row, words);
  if (auto* problem = std::get_if<ParseError>(&parsed)) return std::move(*problem);
  return std::get<Command>(std::move(parsed));
}

// The meaning of the words from this context downwards; nullopt if they mean nothing there.
std::optional<Line> parse_from(ContextId context, std::span<const Word> words) {
  if (words.empty()) return EnterContext{context};
  const std::string& first = words.front().text;
  const auto rest = words.subspan(1);
  if (const ContextRow* child = find_child(context, first)) {
    if (!rest.empty() && is_help(rest.front())) return HelpRequest{child->id};
    return parse_from(child->id, rest);
  }
  const VerbRow* verb = find_verb(context, first);
  if (verb == nullptr) return std::nullopt;
  for (const CommandRow& row : commands_of(context)) {
    if (row.verb == verb->verb && row.object.empty()) return parse_with_row(context, row, rest);
  }
  if (rest.empty() || is_help(rest.front())) return HelpRequest{context, verb->verb};
  const CommandRow* row = find_object(context, verb->verb, rest.front().text);
  if (row == nullptr) return std::nullopt;
  return parse_with_row(context, *row, rest.subspan(1));
}

std::optional<Line> parse_shell(ContextId current, std::span<const Word> words) {
  const auto rows = shell_commands();
  const ShellRow* row = find_row(
      rows, words.front().text, [](const ShellRow& entry) { return entry.name; }, [](const ShellRow&) { return true; });
  if (row == nullptr) return std::nullopt;
  if (row->verb == ShellVerb::kHelp) return HelpRequest{current};
  return ShellLine{row->verb, {words.begin() + 1, words.end()}};
}

bool is_program_name(const Word& word) {
  return equal_ignoring_case(word.text, "netsh") || equal_ignoring_case(word.text, "netsh.exe");
}

bool is_exact_shell_command(const Word& word) {
  const auto rows = shell_commands();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const ShellRow& row) { return equal_ignoring_case(row.name, word.text); });
}

}  // namespace

Line parse_line(ContextId current, std::span<const Word> words) {
  const std::span<const Word> typed = words;
  if (!words.empty() && is_program_name(words.front())) words = words.subspan(1);
  if (words.empty()) return NothingToDo{};
  if (is_exact_shell_command(words.front())) return *parse_shell(current, words);
  for (ContextId context = current;; context = row_of(context).parent) {
    if (auto line = parse_from(context, words)) return *std::move(line);
    if (context == ContextId::kRoot) break;
  }
  if (auto line = parse_shell(current, words)) return *std::move(line);
  return ParseError{ParseErrorKind::kUnknownCommand,
                    fmt::format("The following command was not found: {}.", printable(typed)), nullptr};
}

std::optional<ContextId> find_context(ContextId current, std::span<const Word> path) {
  if (!path.empty() && is_program_name(path.front())) return find_context(ContextId::kRoot, path.subspan(1));
  for (ContextId context = current;; context = row_of(context).parent) {
    ContextId reached = context;
    const bool found = std::all_of(path.begin(), path.end(), [&](const Word& word) {
      const ContextRow* child = find_child(reached, word.text);
      if (child != nullptr) reached = child->id;
      return child != nullptr;
    });
    if (found) return reached;
    if (context == ContextId::kRoot) return std::nullopt;
  }
}

}  // namespace ipsec::cli

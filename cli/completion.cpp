#include "cli/completion.h"

#include <algorithm>

#include "cli/arguments.h"
#include "cli/line.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kYesNo[] = {"yes", "no"};
constexpr std::string_view kAddresses[] = {"me", "any", "DNS", "WINS", "DHCP", "GATEWAY"};
constexpr std::string_view kProtocols[] = {"ANY", "ICMP", "TCP", "UDP", "RAW"};

std::span<const std::string_view> values_of(const Parameter& parameter) {
  if (parameter.kind == Kind::kYesNo) return kYesNo;
  if (parameter.kind == Kind::kAddress) return kAddresses;
  if (parameter.kind == Kind::kProtocol) return kProtocols;
  return parameter.choices;
}

// Where the last word of the line begins; its text is what stands behind, quotes included.
std::size_t last_word_start(std::string_view line) {
  std::size_t start = 0;
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') in_quotes = !in_quotes;
    if (!in_quotes && (line[i] == ' ' || line[i] == '\t')) start = i + 1;
  }
  return start;
}

void offer(Completions& completions, std::string_view typed, std::string_view name, std::string_view suffix = {}) {
  if (!typed.empty() && !is_abbreviation(typed, name)) return;
  std::string choice = std::string(name) + std::string(suffix);
  auto& choices = completions.choices;
  if (std::find(choices.begin(), choices.end(), choice) == choices.end()) choices.push_back(std::move(choice));
}

void offer_parameters(Completions& completions, const CommandRow& row, std::span<const Word> given,
                      std::string_view typed) {
  const std::size_t equals = typed.find('=');
  if (equals != std::string_view::npos) {
    const Parameter* parameter = find_parameter(row, typed.substr(0, equals));
    if (parameter == nullptr) return;
    completions.start += equals + 1;
    for (const std::string_view value : values_of(*parameter)) offer(completions, typed.substr(equals + 1), value);
    return;
  }
  for (const Parameter& parameter : row.parameters) {
    const bool is_given = std::any_of(given.begin(), given.end(), [&](const Word& word) {
      return find_parameter(row, word.text.substr(0, word.text.find('='))) == &parameter;
    });
    if (is_given && !parameter.has(kRepeatable)) continue;
    if (parameter.has(kTakesAll) || parameter.kind == Kind::kAllOnly) offer(completions, typed, "all");
    if (parameter.kind != Kind::kAllOnly) offer(completions, typed, parameter.tag, "=");
  }
}

void offer_context(Completions& completions, ContextId context, std::string_view typed, bool with_shell) {
  for (const VerbRow& row : verbs()) {
    if (row.context == context) offer(completions, typed, row.verb);
  }
  for (const ContextRow& row : contexts()) {
    if (row.parent == context && row.id != context) offer(completions, typed, row.name);
  }
  if (!with_shell || typed.empty()) return;
  for (const ShellRow& row : shell_commands()) offer(completions, typed, row.name);
}

// The words before the one to be completed say where it stands. A "?" behind them makes the parser tell.
void offer_after(Completions& completions, ContextId current, std::vector<Word> words, std::string_view typed) {
  for (std::size_t length = words.size(); length > 0; --length) {
    std::vector<Word> path(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(length));
    path.push_back({"?"});
    const Line line = parse_line(current, path);
    const auto* place = std::get_if<HelpRequest>(&line);
    if (place == nullptr) continue;
    const bool is_whole = length == words.size();
    if (place->row != nullptr) {
      return offer_parameters(completions, *place->row, std::span(words).subspan(length), typed);
    }
    if (!is_whole) return;
    if (place->verb.empty()) return offer_context(completions, place->context, typed, false);
    for (const CommandRow& row : commands_of(place->context)) {
      if (row.verb == place->verb) offer(completions, typed, row.object);
    }
    return;
  }
}

}  // namespace

Completions complete(ContextId current, std::string_view line) {
  Completions completions;
  completions.start = last_word_start(line);
  const std::string_view typed = line.substr(completions.start);
  std::vector<Word> words = split_words(line.substr(0, completions.start));
  if (!words.empty()) {
    offer_after(completions, current, std::move(words), typed);
    return completions;
  }
  for (ContextId context = current;; context = row_of(context).parent) {
    offer_context(completions, context, typed, context == current);
    if (context == ContextId::kRoot) return completions;
  }
}

}  // namespace ipsec::cli

#include "cli/words.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/common/utf8.h"

namespace ipsec::cli {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::string_view kKeyTags[] = {"psk", "enckey", "authkey", "ahkey"};

// Which of them this is, or an abbreviation that a command may take for it; a few of other tags are among those, and
// hidden too. Empty: none.
std::string_view key_tag(std::string_view text) {
  for (const std::string_view tag : kKeyTags) {
    if (text.size() >= 2 && is_abbreviation(text, tag)) return tag;
  }
  return {};
}
bool is_key_tag(std::string_view text) { return !key_tag(text).empty(); }

// Index of the word that begins a key, or the number of words.
std::size_t find_key(std::span<const Word> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos && is_key_tag(std::string_view(text).substr(0, equals))) return i;
    if (is_key_tag(text) && i + 1 < words.size() && words[i + 1].text.starts_with('=')) return i;
  }
  return words.size();
}

}  // namespace

std::vector<Word> split_words(std::string_view line) {
  std::vector<Word> words;
  Word word;
  bool in_word = false;
  bool in_quotes = false;
  for (const char c : line) {
    if (!in_quotes && (c == ' ' || c == '\t')) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else if (c == '"') {
      in_quotes = !in_quotes;
      in_word = true;
      word.quoted_last = true;
    } else {
      if (word.text.empty()) word.quoted_first = in_quotes;
      word.text += c;
      word.quoted_last = in_quotes;
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::vector<Word> words_of(std::span<const std::string> arguments) {
  std::vector<Word> words;
  words.reserve(arguments.size());
  for (const std::string& argument : arguments) words.push_back({argument, false, false});
  return words;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) { return equal_folded(a, b); }

bool is_abbreviation(std::string_view typed, std::string_view name) {
  return !typed.empty() && typed.size() <= name.size() && equal_ignoring_case(typed, name.substr(0, typed.size()));
}

bool mentions_key(std::span<const Word> words) { return find_key(words) != words.size(); }

std::string printable(std::span<const Word> words) {
  const std::size_t key = find_key(words);
  std::string line;
  for (const Word& word : words.first(key)) {
    if (!line.empty()) line += ' ';
    line += word.text;
  }
  if (key != words.size())
    line += fmt::format(" {}=***", key_tag(words[key].text.substr(0, words[key].text.find('='))));
  return line;
}

}  // namespace ipsec::cli

#include "cli/prompt.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <histedit.h>
#include <unistd.h>

#include "cli/completion.h"
#include "cli/limits.h"

namespace ipsec::cli {

namespace {

struct EndEditor {
  void operator()(EditLine* editor) const { el_end(editor); }
};
struct EndHistory {
  void operator()(History* history) const { history_end(history); }
};

// libedit calls back with the editor only; this is what hangs on it.
struct PromptState {
  Session* session = nullptr;
  std::string prompt;
};

PromptState& state_of(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return *static_cast<PromptState*>(data);
}

char* prompt_text(EditLine* editor) {
  PromptState& state = state_of(editor);
  state.prompt = state.session->prompt();
  return state.prompt.data();
}

// What all choices begin with, beyond case: the typed text is replaced by it.
std::string common_start(const std::vector<std::string>& choices) {
  std::string start = choices.front();
  for (const std::string& choice : choices) {
    std::size_t length = 0;
    while (length < std::min(start.size(), choice.size()) && start[length] == choice[length]) ++length;
    start.resize(length);
  }
  return start;
}

unsigned char complete_word(EditLine* editor, int) {
  const LineInfo* line = el_line(editor);
  const std::string before(line->buffer, line->cursor);
  const Completions completions = complete(state_of(editor).session->context(), before);
  if (completions.choices.empty()) return CC_ERROR;
  std::string text = common_start(completions.choices);
  const std::string typed = before.substr(completions.start);
  const bool is_whole = completions.choices.size() == 1;
  if (is_whole && !text.ends_with('=')) text += ' ';
  if (text.size() >= typed.size() && text != typed) {
    el_deletestr(editor, static_cast<int>(typed.size()));
    el_insertstr(editor, text.c_str());
    return CC_REFRESH;
  }
  std::fputc('\n', stdout);
  for (const std::string& choice : completions.choices) std::printf("%s  ", choice.c_str());
  std::fputc('\n', stdout);
  return CC_REDISPLAY;
}

bool has_key(const Session& session, const std::vector<Word>& words) {
  if (mentions_key(words)) return true;
  const Line line = parse_line(session.context(), words);
  const auto* command = std::get_if<Command>(&line);
  return command != nullptr && command->has_secret();
}

std::string without_line_end(std::string line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

bool run_edited(Session& session) {
  PromptState state{&session, {}};
  const std::unique_ptr<EditLine, EndEditor> editor(el_init("netsh", stdin, stdout, stderr));
  const std::unique_ptr<History, EndHistory> history(history_init());
  HistEvent event{};
  ::history(history.get(), &event, H_SETSIZE, kHistoryLines);
  el_set(editor.get(), EL_CLIENTDATA, &state);
  el_set(editor.get(), EL_PROMPT, prompt_text);
  el_set(editor.get(), EL_EDITOR, "emacs");
  el_set(editor.get(), EL_SIGNAL, 1);
  el_set(editor.get(), EL_HIST, ::history, history.get());
  el_set(editor.get(), EL_ADDFN, "complete", "Completes the word", complete_word);
  el_set(editor.get(), EL_BIND, "^I", "complete", nullptr);
  bool succeeded = true;
  while (!session.is_over()) {
    int length = 0;
    const char* typed = el_gets(editor.get(), &length);
    if (typed == nullptr || length <= 0) break;
    std::string line = without_line_end(typed);
    const std::vector<Word> words = split_words(line);
    if (!words.empty() && !has_key(session, words)) ::history(history.get(), &event, H_ENTER, line.c_str());
    succeeded = session.run_line(line) && succeeded;
    wipe_memory(line.data(), line.size());
  }
  return succeeded;
}

bool run_plain(Session& session) {
  bool succeeded = true;
  char* buffer = nullptr;
  std::size_t size = 0;
  while (!session.is_over() && getline(&buffer, &size, stdin) >= 0) {
    std::string line = without_line_end(buffer);
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string::npos && line[start] != '#') succeeded = session.run_line(line) && succeeded;
    wipe_memory(line.data(), line.size());
  }
  if (buffer != nullptr) wipe_memory(buffer, size);
  std::free(buffer);
  return succeeded;
}

}  // namespace

bool run_prompt(Session& session) { return isatty(STDIN_FILENO) ? run_edited(session) : run_plain(session); }

}  // namespace ipsec::cli

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/batch.h"
#include "cli/commands/commands.h"
#include "cli/line.h"
#include "cli/options.h"
#include "cli/scope.h"
#include "services/common/result.h"

// One netsh: the context it stands in, the contexts saved, the store it works on, and what the lines it is given print.
// It reads and prints nothing itself.
namespace ipsec::cli {

// How files are read and run.
struct ScriptOptions {
  const CodePage* code_page = nullptr;  // of lines that are no UTF-8; borrowed
  bool is_batch = false;                // a batch file whatever its name is
  bool is_strict = false;               // the first line that fails ends the script, and nothing of it is done
};

// What a session needs from the outside. Borrowed for its life.
struct SessionPorts {
  Services& services;
  std::function<void(std::string_view)> print;
  std::function<Result<std::string>(const std::string& path)> read_file;
  ScriptOptions scripts = {};
};

class Session {
 public:
  explicit Session(SessionPorts ports);

  ContextId context() const { return context_; }
  bool is_over() const { return is_over_; }
  // "netsh>", "netsh ipsec static>".
  std::string prompt() const;
  // -c: enters the context that the words name; false (with an error printed) if there is none.
  bool enter(std::string_view path);

  // Runs one line; false if it failed.
  bool run_words(std::span<const Word> words);
  bool run_line(std::string_view line);
  // Runs a file line by line, a batch file (by its name or by the options) as cmd.exe would start its lines. A failing
  // line is reported with its number and the rest goes on, unless the options are strict; after `exit` the rest is not
  // read and, where it was run from another script or the prompt, those go on. False if any line failed.
  bool run_file(const std::string& path);
  // A command line of ipseccmd, without the program's name.
  bool run_ipseccmd(std::span<const Word> words);
  // The context, files and command of a command line of netsh; not its prompt.
  bool run_options(const Options& options);

 private:
  bool run(const Line& line);
  bool run_command_of_shell(const Command& command);
  bool run_shell(const ShellLine& line);
  bool run_alias(std::span<const Word> words);
  bool run_unalias(std::span<const Word> words);
  std::string aliases_text() const;
  bool run_strictly(const std::string& path);
  bool commit();
  bool run_script(const std::string& path);
  bool run_lines(const std::string& path, std::vector<TextLine>& lines);
  bool run_batch(const std::string& path, const std::vector<TextLine>& lines);
  bool run_batch_step(const BatchStep& step);
  bool run_program_of_batch(const BatchStep& step);
  // True: the rest of the script goes on.
  bool goes_on_after_failure(const std::string& path, std::size_t number);
  bool push(std::span<const Word> path);
  bool pop();
  bool report(std::uint32_t number, std::string_view text);

  SessionPorts ports_;
  AgentScope scope_;
  Services services_;  // those of the ports, with the scope in front of the agent
  ContextId context_ = ContextId::kRoot;
  std::vector<ContextId> saved_;
  std::map<std::string, std::string> aliases_;  // by name in lower case
  bool is_over_ = false;
  unsigned script_depth_ = 0;
};

}  // namespace ipsec::cli

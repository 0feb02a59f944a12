#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/line.h"
#include "services/common/result.h"

// One netsh: the context it stands in, the contexts saved, and what the lines it is given print. It reads and prints
// nothing itself.
namespace ipsec::cli {

// What a session needs from the outside. Borrowed for its life.
struct SessionPorts {
  Services& services;
  std::function<void(std::string_view)> print;
  std::function<Result<std::string>(const std::string& path)> read_file;
};

class Session {
 public:
  explicit Session(SessionPorts ports) : ports_(std::move(ports)) {}

  ContextId context() const { return context_; }
  bool is_over() const { return is_over_; }
  // "netsh>", "netsh ipsec static>".
  std::string prompt() const;
  // -c: enters the context that the words name; false (with an error printed) if there is none.
  bool enter(std::string_view path);

  // Runs one line; false if it failed.
  bool run_words(std::span<const Word> words);
  bool run_line(std::string_view line);
  // Runs a file line by line. A failing line is reported with its number and the rest goes on; after `exit` the rest is
  // not read and, where it was run from another script or the prompt, those go on. False if any line failed.
  bool run_file(const std::string& path);

 private:
  bool run(const Line& line);
  bool run_shell(const ShellLine& line);
  bool run_script(const std::string& path);
  bool push(std::span<const Word> path);
  bool pop();
  bool report(std::uint32_t number, std::string_view text);

  SessionPorts ports_;
  ContextId context_ = ContextId::kRoot;
  std::vector<ContextId> saved_;
  bool is_over_ = false;
  unsigned script_depth_ = 0;
};

}  // namespace ipsec::cli

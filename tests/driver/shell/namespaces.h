#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

// Network namespaces without names: each lives as long as a child process that the kernel kills with the test program,
// so that nothing is left behind however a test ends. Needs root.
namespace ipsec::testing {

// Whether namespaces and eBPF programs can be made here; tests skip themselves otherwise.
bool can_make_namespaces();

struct CommandResult {
  int exit_code = -1;
  std::string output;  // standard output and error
};

class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // The process in whose network namespace things happen.
  pid_t holder() const { return holder_; }
  // "nsenter ... COMMAND", run by a shell; waits for its end.
  CommandResult run(const std::string& command) const;
  // A process in the background: the words of `command` split at blanks, no shell. Killed with the test program.
  pid_t start(const std::string& command, const std::string& log_file) const;
  // Calls `function` on a thread inside this namespace and waits for it.
  void inside(const std::function<void()>& function) const;

 private:
  pid_t holder_ = -1;
};

// Two hosts joined by a wire: 10.99.0.1/24 and 10.99.0.2/24, fd99::1/64 and fd99::2/64, each on its `eth0`.
struct TwoHosts {
  Namespace a;
  Namespace b;

  TwoHosts();
  // The answer to one echo request within a second.
  bool ping(const Namespace& from, const std::string& address) const;
};

// Sends `signal` and waits for the end of a child. Its wait status.
int end_process(pid_t process, int signal);

// Asks every 10 ms, up to `seconds`.
bool eventually(const std::function<bool()>& condition, double seconds = 5);

}  // namespace ipsec::testing

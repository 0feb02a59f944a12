#include "services/policyagent/shell/child_process.h"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char** environ;

namespace ipsec::agent {
namespace {

FileDescriptor open_process(pid_t process) {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

// The agent blocks its signals and ignores SIGPIPE; both would be inherited.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const SpawnAttributes attributes;
  pid_t process = 0;
  const int error = posix_spawn(&process, words[0], nullptr, attributes.get(), words.data(), environ);
  if (error != 0) return unavailable(fmt::format("cannot start '{}': {}", arguments[0], std::strerror(error)));
  FileDescriptor handle = open_process(process);
  // Our own child that has not been waited for keeps its number, so this cannot be another process.
  if (!handle.is_open()) return unavailable(fmt::format("cannot watch process {}: {}", process, std::strerror(errno)));
  return ChildProcess(process, std::move(handle), false);
}

Result<ChildProcess> ChildProcess::adopt(pid_t process) {
  FileDescriptor handle = open_process(process);
  if (!handle.is_open()) return not_found(fmt::format("process {} is gone", process));
  return ChildProcess(process, std::move(handle), true);
}

ChildProcess::ChildProcess(pid_t id, FileDescriptor handle, bool adopted)
    : id_(id), handle_(std::move(handle)), adopted_(adopted) {}

bool ChildProcess::wait(std::chrono::milliseconds limit) const {
  pollfd waiting{handle_.get(), POLLIN, 0};
  return poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
}

std::string ChildProcess::reap() {
  if (adopted_) return "ended";
  int status = 0;
  if (waitpid(id_, &status, 0) != id_) return "ended";
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

void ChildProcess::signal(int number) const { syscall(SYS_pidfd_send_signal, handle_.get(), number, nullptr, 0); }

}  // namespace ipsec::agent

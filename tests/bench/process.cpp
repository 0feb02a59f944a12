#include "tests/bench/process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace ipsec::bench {
namespace {

// Signals wait in a descriptor, so that none is missed between two waits. -1: not asked for.
int signals = -1;
bool ended = false;

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

void note_signals() {
  signalfd_siginfo signal;
  while (signals >= 0 && read(signals, &signal, sizeof signal) == sizeof signal) ended = true;
}

std::string text_of(const Words& command) { return fmt::format("`{}`", fmt::join(command, " ")); }

Result<pid_t> spawn(const Words& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments.front(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return process;
  return unavailable(fmt::format("{}: {}", text_of(command), std::strerror(error)));
}

// What comes until the writers are gone. A signal ends `process`; its last words are still read.
std::string read_all(int file, pid_t process, Purpose purpose) {
  std::string text;
  std::array<char, 4096> piece;
  std::array<pollfd, 2> wanted{{{file, POLLIN, 0}, {purpose == Purpose::kMeasure ? signals : -1, POLLIN, 0}}};
  for (;;) {
    if (poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return text;
    if ((wanted[1].revents & POLLIN) != 0) {
      note_signals();
      kill(process, SIGTERM);
    }
    if (wanted[0].revents == 0) continue;
    const ssize_t size = read(file, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

void end_runs_on_signals() {
  if (signals >= 0) return;
  const sigset_t set = end_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool is_ended_by_signal() {
  note_signals();
  return ended;
}

Result<std::string> run(const Words& command, Purpose purpose) {
  if (purpose == Purpose::kMeasure && is_ended_by_signal()) return unavailable("ended by a signal");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return unavailable(fmt::format("pipe: {}", std::strerror(errno)));
  const Result<pid_t> process = spawn(command, ends[1]);
  close(ends[1]);
  std::string output = process.ok() ? read_all(ends[0], *process, purpose) : std::string();
  close(ends[0]);
  if (!process.ok()) return process.status();
  int status = 0;
  waitpid(*process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  if (purpose == Purpose::kMeasure && is_ended_by_signal()) return unavailable("ended by a signal");
  return unavailable(fmt::format("{} failed with status {}:\n{}", text_of(command), status, output));
}

Result<Background> Background::start(const Words& command) {
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  const Result<pid_t> process = spawn(command, nowhere);
  close(nowhere);
  if (!process.ok()) return process.status();
  return Background(*process);
}

Background::Background(Background&& other) noexcept : process_(std::exchange(other.process_, -1)) {}

Background::~Background() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::string program_directory() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

}  // namespace ipsec::bench

#include "tests/bench/process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace ipsec::bench {
namespace {

std::string text_of(const Words& command) { return fmt::format("`{}`", fmt::join(command, " ")); }

Result<pid_t> spawn(const Words& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return process;
  return unavailable(fmt::format("{}: {}", text_of(command), std::strerror(error)));
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t size = read(file, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

Result<std::string> run(const Words& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return unavailable(fmt::format("pipe: {}", std::strerror(errno)));
  const Result<pid_t> process = spawn(command, ends[1]);
  close(ends[1]);
  std::string output = process.ok() ? read_all(ends[0]) : std::string();
  close(ends[0]);
  if (!process.ok()) return process.status();
  int status = 0;
  waitpid(*process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
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

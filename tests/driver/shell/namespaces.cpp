#include "tests/driver/shell/namespaces.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ipsec::testing {
namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

CommandResult run_shell(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "re");
  require(pipe != nullptr, "popen");
  char buffer[4096];
  std::size_t size = 0;
  while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0) result.output.append(buffer, size);
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

int namespace_of(pid_t process) {
  const int descriptor = open(fmt::format("/proc/{}/ns/net", process).c_str(), O_RDONLY | O_CLOEXEC);
  require(descriptor >= 0, "open a network namespace");
  return descriptor;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

bool can_make_namespaces() { return geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0; }

Namespace::Namespace() {
  int ready[2];
  require(pipe2(ready, O_CLOEXEC) == 0, "pipe");
  holder_ = fork();
  require(holder_ >= 0, "fork");
  if (holder_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char answer = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1 || answer != 'y') _exit(1);
    for (;;) pause();
  }
  char answer = 'n';
  require(read(ready[0], &answer, 1) == 1 && answer == 'y', "make a network namespace");
  close(ready[0]);
  close(ready[1]);
  run("ip link set lo up");
}

Namespace::~Namespace() { end_process(holder_, SIGKILL); }

CommandResult Namespace::run(const std::string& command) const {
  return run_shell(fmt::format("nsenter --net=/proc/{}/ns/net -- sh -c {}", holder_, quoted(command)));
}

pid_t Namespace::start(const std::string& command, const std::string& log_file) const {
  const std::vector<std::string> words = words_of(command);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int network = namespace_of(holder_);
  const pid_t process = fork();
  require(process >= 0, "fork");
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log < 0 || setns(network, CLONE_NEWNET) != 0) _exit(126);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp(arguments.front(), arguments.data());
    _exit(127);
  }
  close(network);
  return process;
}

void Namespace::inside(const std::function<void()>& function) const {
  const int network = namespace_of(holder_);
  std::thread([&] {
    require(setns(network, CLONE_NEWNET) == 0, "enter a network namespace");
    function();
  }).join();
  close(network);
}

TwoHosts::TwoHosts() {
  a.run(fmt::format("ip link add eth0 type veth peer name eth0 netns {}", b.holder()));
  for (const auto& [host, number] : {std::pair{&a, 1}, std::pair{&b, 2}}) {
    // Duplicate address detection would keep IPv6 waiting for a second.
    host->run("sysctl -qw net.ipv6.conf.eth0.accept_dad=0");
    host->run(
        fmt::format("ip link set eth0 up && ip addr add 10.99.0.{0}/24 brd + dev eth0 && "
                    "ip addr add fd99::{0}/64 dev eth0 nodad",
                    number));
  }
}

bool TwoHosts::ping(const Namespace& from, const std::string& address) const {
  return from.run("ping -c 1 -W 1 " + address).exit_code == 0;
}

int end_process(pid_t process, int signal) {
  kill(process, signal);
  int status = 0;
  waitpid(process, &status, 0);
  return status;
}

bool eventually(const std::function<bool()>& condition, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    poll(nullptr, 0, 10);
  }
  return condition();
}

}  // namespace ipsec::testing

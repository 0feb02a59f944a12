#include "tests/ike/shell/network_namespace.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ipsec::ike {

namespace {

void enter(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET) != 0) throw std::runtime_error("cannot enter " + path);
  close(file);
}

[[noreturn]] void become(const std::vector<std::string>& command) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

std::unique_ptr<NetworkNamespace> NetworkNamespace::make() {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return nullptr;
  const pid_t keeper = fork();
  if (keeper < 0) return nullptr;
  if (keeper == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char made = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    if (write(ready[1], &made, 1) != 1 || made != 'y') _exit(1);
    for (;;) pause();
  }
  close(ready[1]);
  char made = 'n';
  const bool said = read(ready[0], &made, 1) == 1;
  close(ready[0]);
  std::unique_ptr<NetworkNamespace> network(new NetworkNamespace(keeper));
  if (!said || made != 'y') return nullptr;
  network->ip({"link", "set", "lo", "up"});
  return network;
}

NetworkNamespace::~NetworkNamespace() {
  kill(keeper_, SIGKILL);
  waitpid(keeper_, nullptr, 0);
}

std::string NetworkNamespace::path() const { return "/proc/" + std::to_string(keeper_) + "/ns/net"; }

void NetworkNamespace::ip(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {"ip"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  int status = 0;
  if (waitpid(start(command), &status, 0) < 0 || status != 0) {
    std::string text;
    for (const std::string& word : command) text += word + " ";
    throw std::runtime_error(text + "failed");
  }
}

void NetworkNamespace::connect(const NetworkNamespace& a, const NetworkNamespace& b) {
  a.ip({"link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", std::to_string(b.keeper_)});
}

void NetworkNamespace::set_address(const std::string& address) const {
  std::vector<std::string> arguments = {"address", "add", address, "dev", "eth0"};
  if (address.find(':') != std::string::npos) arguments.push_back("nodad");
  ip(arguments);
  ip({"link", "set", "eth0", "up"});
}

pid_t NetworkNamespace::start(const std::vector<std::string>& command) const {
  const std::string here = path();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter(here);
  become(command);
}

std::unique_ptr<NetworkNamespace::Visit> NetworkNamespace::visit() const { return std::make_unique<Visit>(path()); }

NetworkNamespace::Visit::Visit(const std::string& path)
    : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  enter(path);
}

NetworkNamespace::Visit::~Visit() {
  if (setns(home_, CLONE_NEWNET) != 0) std::abort();
  close(home_);
}

}  // namespace ipsec::ike

#include "services/common/daemon/signals.h"

#include <cassert>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ipsec::daemon {
namespace {

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGUSR2);
  return signals;
}

}  // namespace

SignalWatcher::SignalWatcher() {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  file_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  assert(file_ >= 0);
}

SignalWatcher::~SignalWatcher() { close(file_); }

std::optional<Signal> SignalWatcher::read() {
  signalfd_siginfo info{};
  if (::read(file_, &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return std::nullopt;
  if (info.ssi_signo == static_cast<std::uint32_t>(SIGUSR2)) return Signal::kHandOver;
  return info.ssi_signo == static_cast<std::uint32_t>(SIGHUP) ? Signal::kReload : Signal::kStop;
}

std::optional<Signal> SignalWatcher::wait(std::chrono::milliseconds limit) {
  pollfd waiting{file_, POLLIN, 0};
  poll(&waiting, 1, static_cast<int>(limit.count()));
  return read();
}

Signal SignalWatcher::wait() {
  for (;;) {
    if (const auto signal = wait(std::chrono::milliseconds(-1))) return *signal;
  }
}

}  // namespace ipsec::daemon

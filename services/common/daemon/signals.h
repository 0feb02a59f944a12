#pragma once

#include <chrono>
#include <optional>

// SIGTERM, SIGINT, SIGHUP and SIGUSR2 as values to be read, so that no code runs inside a signal handler.
namespace ipsec::daemon {

// kHandOver (SIGUSR2): end, and leave to a successor what others rely on.
enum class Signal { kStop, kReload, kHandOver };

// Blocks the four signals for the calling thread and all threads it starts later, and ignores SIGPIPE. Make it first
// in main(). A spawned process must get an empty signal mask.
class SignalWatcher {
 public:
  SignalWatcher();
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  // Readable while a signal waits; for a poll loop. Owned by the watcher.
  int file_descriptor() const { return file_; }
  // The next signal, without waiting.
  std::optional<Signal> read();
  // Waits up to `limit`; nullopt when it has passed.
  std::optional<Signal> wait(std::chrono::milliseconds limit);
  // Waits as long as it takes.
  Signal wait();

 private:
  int file_;
};

}  // namespace ipsec::daemon

#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "services/policyagent/shell/child_process.h"
#include "services/policyagent/shell/event_log.h"

namespace ipsec::agent {

// Keeps one daemon running (PA-25): started at once, started again whenever it ends. A daemon that already serves the
// socket - left by an agent that was killed - is taken over as it is, so that its SAs and its hold on the packet path
// survive; unless an upgrade has put another program in the place of its own: then it is replaced. One thread.
class Supervisor {
 public:
  struct Settings {
    std::string name;                    // "driver"
    std::vector<std::string> arguments;  // program path first
    std::string socket_path;             // that the daemon serves
    // Ends a daemon that is to be replaced by a newer program.
    int replace_signal = SIGTERM;
  };
  struct State {
    int process = 0;             // 0: not running
    std::uint32_t restarts = 0;  // starts after the first
  };

  // `events` must outlive it.
  Supervisor(Settings settings, EventLog& events);
  // Like stop().
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Once; until then nothing runs.
  void start();
  State state() const;
  // Until the daemon serves its socket; whether it does.
  bool wait_ready(std::chrono::milliseconds limit);
  // Ends the daemon: SIGTERM, after limits::kStopPatience SIGKILL. Returns when it is gone.
  void stop();
  // In place of stop(): leaves the daemon to the supervisor of the next agent.
  void leave();

 private:
  void run();
  std::optional<ChildProcess> obtain();
  std::optional<ChildProcess> adopt_running();
  void replace(ChildProcess& outdated);
  void report_failure(const std::string& failure);
  void keep(ChildProcess process);
  void end(ChildProcess& process);
  // False: stopping.
  bool pause(std::chrono::milliseconds time);
  void set_process(int process);

  const Settings settings_;
  EventLog& events_;
  FileDescriptor wake_;  // readable once stopping
  std::atomic<bool> leaving_{false};
  mutable std::mutex mutex_;
  State state_;
  bool started_before_ = false;
  std::string last_failure_;
  std::chrono::milliseconds back_off_{0};
  std::thread thread_;
};

}  // namespace ipsec::agent

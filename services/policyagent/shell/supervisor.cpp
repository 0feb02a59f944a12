#include "services/policyagent/shell/supervisor.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "services/common/daemon/clock.h"
#include "services/common/rpc/server.h"
#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {

using std::chrono::milliseconds;

namespace {

// Between two looks whether a daemon serves its socket.
constexpr milliseconds kReadyStep{10};

}  // namespace

Supervisor::Supervisor(Settings settings, EventLog& events)
    : settings_(std::move(settings)), events_(events), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Supervisor::~Supervisor() { stop(); }

void Supervisor::start() {
  thread_ = std::thread([this] { run(); });
}

Supervisor::State Supervisor::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool Supervisor::wait_ready(milliseconds limit) {
  for (milliseconds waited{0}; waited <= limit; waited += kReadyStep) {
    if (rpc::serving_process(settings_.socket_path) != 0) return true;
    if (!pause(kReadyStep)) return false;
  }
  return false;
}

void Supervisor::stop() {
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void Supervisor::leave() {
  leaving_ = true;
  stop();
}

void Supervisor::run() {
  while (pause(back_off_)) {
    if (auto process = obtain()) {
      keep(*std::move(process));
    } else {
      back_off_ = std::clamp(back_off_ * 2, limits::kRestartFirst, limits::kRestartLongest);
    }
  }
}

std::optional<ChildProcess> Supervisor::obtain() {
  if (auto running = adopt_running()) return running;
  auto spawned = ChildProcess::spawn(settings_.arguments);
  if (!spawned.ok()) {
    report_failure(spawned.status().message());
    return std::nullopt;
  }
  last_failure_.clear();
  {
    const std::lock_guard lock(mutex_);
    if (started_before_) ++state_.restarts;
    started_before_ = true;
  }
  events_.add(Severity::kInformation, "service_started",
              fmt::format("{} runs as process {}", settings_.name, spawned->id()),
              {{"service", settings_.name}, {"process", std::to_string(spawned->id())}});
  return std::move(spawned).value();
}

// Once for each reason, however often it is tried.
void Supervisor::report_failure(const std::string& failure) {
  if (failure == last_failure_) return;
  last_failure_ = failure;
  events_.add(Severity::kError, "service_start_failed", fmt::format("{}: {}", settings_.name, failure),
              {{"service", settings_.name}});
}

std::optional<ChildProcess> Supervisor::adopt_running() {
  const int process = rpc::serving_process(settings_.socket_path);
  if (process == 0) return std::nullopt;
  auto adopted = ChildProcess::adopt(process);
  // The number could have passed to another process between the two looks.
  if (!adopted.ok() || rpc::serving_process(settings_.socket_path) != process) return std::nullopt;
  started_before_ = true;
  if (!rpc::serves_from(settings_.socket_path, settings_.arguments.front())) {
    replace(*adopted);
    return std::nullopt;
  }
  events_.add(Severity::kInformation, "service_adopted",
              fmt::format("{} already runs as process {}", settings_.name, process),
              {{"service", settings_.name}, {"process", std::to_string(process)}});
  return std::move(adopted).value();
}

void Supervisor::replace(ChildProcess& outdated) {
  outdated.signal(settings_.replace_signal);
  if (!outdated.wait(limits::kStopPatience)) {
    outdated.signal(SIGKILL);
    outdated.wait(limits::kStopPatience);
  }
  const std::string how = outdated.reap();
  events_.add(Severity::kInformation, "service_replaced",
              fmt::format("{} (process {}) was of an older program: {}", settings_.name, outdated.id(), how),
              {{"service", settings_.name}, {"process", std::to_string(outdated.id())}});
}

void Supervisor::keep(ChildProcess process) {
  set_process(process.id());
  const Timestamp start = daemon::monotonic_now();
  std::array<pollfd, 2> waiting{{{process.file_descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  while (poll(waiting.data(), waiting.size(), -1) < 0) {
  }
  if (waiting[0].revents == 0) return leaving_ ? set_process(0) : end(process);
  set_process(0);
  const std::string how = process.reap();
  events_.add(Severity::kError, "service_died",
              fmt::format("{} (process {}) ended: {}", settings_.name, process.id(), how),
              {{"service", settings_.name}, {"process", std::to_string(process.id())}, {"reason", how}});
  const bool steady = daemon::monotonic_now() - start >= limits::kSteady;
  back_off_ = steady ? milliseconds(0) : std::clamp(back_off_ * 2, limits::kRestartFirst, limits::kRestartLongest);
}

void Supervisor::end(ChildProcess& process) {
  process.signal(SIGTERM);
  const bool in_time = process.wait(limits::kStopPatience);
  if (!in_time) {
    process.signal(SIGKILL);
    process.wait(limits::kStopPatience);
  }
  const std::string how = process.reap();
  // IKE has no right to its own any more.
  if (rpc::serving_process(settings_.socket_path) == 0) unlink(settings_.socket_path.c_str());
  set_process(0);
  events_.add(in_time ? Severity::kInformation : Severity::kWarning, "service_stopped",
              fmt::format("{} is stopped: {}", settings_.name, how), {{"service", settings_.name}});
}

bool Supervisor::pause(milliseconds time) {
  pollfd waiting{wake_.get(), POLLIN, 0};
  return poll(&waiting, 1, static_cast<int>(time.count())) <= 0;
}

void Supervisor::set_process(int process) {
  const std::lock_guard lock(mutex_);
  state_.process = process;
}

}  // namespace ipsec::agent

#include "services/ike/shell/event_loop.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <optional>

#include <poll.h>
#include <sys/eventfd.h>

#include "services/common/daemon/clock.h"

namespace ipsec::ike {

namespace {

// What ppoll should wait at most; nullopt: as long as it takes.
std::optional<timespec> time_left(Timestamp deadline) {
  if (deadline == kNever) return std::nullopt;
  const Duration left = std::max(deadline - daemon::monotonic_now(), Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return timespec{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
}

}  // namespace

EventLoop::EventLoop() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  assert(wake_.valid());
  watch(wake_.number(), [this] {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = read(wake_.number(), &count, sizeof count);
  });
}

void EventLoop::watch(int file, std::function<void()> readable) { watched_.push_back({file, std::move(readable)}); }

void EventLoop::set_timer(std::function<Timestamp()> deadline, std::function<void()> due) {
  deadline_ = std::move(deadline);
  due_ = std::move(due);
}

void EventLoop::run() {
  while (running_) {
    wait();
    do_posted();
    if (deadline_ && deadline_() <= daemon::monotonic_now()) due_();
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  // Callers wait for these.
  do_posted();
}

void EventLoop::wait() {
  std::vector<pollfd> files;
  files.reserve(watched_.size());
  for (const Watched& watched : watched_) files.push_back({watched.file, POLLIN, 0});
  const auto left = time_left(deadline_ ? deadline_() : kNever);
  if (ppoll(files.data(), files.size(), left ? &*left : nullptr, nullptr) <= 0) return;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].revents != 0) watched_[i].readable();
  }
}

void EventLoop::do_posted() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& one : work) one();
}

bool EventLoop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto size = write(wake_.number(), &one, sizeof one);
  return true;
}

}  // namespace ipsec::ike

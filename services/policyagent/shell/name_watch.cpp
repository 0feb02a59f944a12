#include "services/policyagent/shell/name_watch.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "services/common/daemon/clock.h"
#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {

// Shared with the thread, which may outlive the watch by a lookup.
struct NameWatch::State {
  State(Resolver resolver_function, Tell tell_function)
      : resolver(std::move(resolver_function)), tell(std::move(tell_function)) {}

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (const auto name = schedule.due(daemon::monotonic_now())) {
        look_up(*name, lock);
      } else if (!news.empty()) {
        tell_news(lock);
      } else {
        wait(lock);
      }
    }
  }

  // The lock is released during the lookup.
  void look_up(const std::string& name, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    NameAnswer answer = resolver(name);
    lock.lock();
    const Timestamp now = daemon::monotonic_now();
    if (!schedule.answered(name, answer, now)) return;
    if (news.empty()) tell_at = now + limits::kNameNewsLatest;
    news[name] = std::move(answer.addresses);
    if (now >= tell_at) tell_news(lock);
  }

  // The lock is released during the call.
  void tell_news(std::unique_lock<std::mutex>& lock) {
    if (stopping) return;
    telling = true;
    KnownNames taken = std::exchange(news, {});
    lock.unlock();
    tell(std::move(taken));
    lock.lock();
    telling = false;
    changed.notify_all();
  }

  void wait(std::unique_lock<std::mutex>& lock) {
    woken = false;
    const Timestamp next = schedule.next();
    const auto is_woken = [this] { return stopping || woken; };
    if (next == kNever) {
      changed.wait(lock, is_woken);
    } else {
      changed.wait_for(lock, next - daemon::monotonic_now(), is_woken);
    }
  }

  void wake() {
    woken = true;
    changed.notify_all();
  }

  const Resolver resolver;
  const Tell tell;
  std::mutex mutex;
  std::condition_variable changed;
  NameSchedule schedule;
  KnownNames news;
  Timestamp tell_at = kNever;
  bool woken = false;
  bool telling = false;
  bool stopping = false;
};

NameWatch::NameWatch(Resolver resolver, Tell tell)
    : state_(std::make_shared<State>(std::move(resolver), std::move(tell))) {
  std::thread([state = state_] { state->run(); }).detach();
}

void NameWatch::set_names(const std::vector<std::string>& names) {
  const std::lock_guard lock(state_->mutex);
  state_->schedule.set_names(names, daemon::monotonic_now());
  state_->wake();
}

void NameWatch::look_again() {
  const std::lock_guard lock(state_->mutex);
  state_->schedule.look_again(daemon::monotonic_now());
  state_->wake();
}

void NameWatch::stop() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->wake();
  state_->changed.wait(lock, [this] { return !state_->telling; });
}

}  // namespace ipsec::agent

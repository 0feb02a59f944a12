#pragma once

#include <cassert>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

// Queues between the threads that make events and the server streams that send them. All members are safe from any
// thread.
namespace ipsec::rpc {

// Holds at most `capacity` values; a full queue drops its oldest value and counts it.
template <typename T>
class EventQueue {
 public:
  explicit EventQueue(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }

  // Without effect after close().
  void push(T value) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      if (values_.size() == capacity_) {
        values_.pop_front();
        ++dropped_;
      }
      values_.push_back(std::move(value));
    }
    changed_.notify_one();
  }

  // The oldest value. Waits up to `wait` for one; nullopt after that, or when the queue is closed and empty.
  std::optional<T> pop(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return closed_ || !values_.empty(); });
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    return value;
  }

  // What is in the queue can still be taken.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  // Closed and empty: pop() will never have a value again.
  bool finished() const {
    const std::lock_guard lock(mutex_);
    return closed_ && values_.empty();
  }
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
  std::uint64_t dropped_ = 0;
  bool closed_ = false;
};

// One event, any number of watchers, each with a queue of its own so that a slow one loses only its own events.
template <typename T>
class EventBroadcaster {
 public:
  explicit EventBroadcaster(std::size_t capacity_per_watcher) : capacity_(capacity_per_watcher) {}

  // The watcher is gone when the last reference to its queue is.
  std::shared_ptr<EventQueue<T>> subscribe() {
    auto queue = std::make_shared<EventQueue<T>>(capacity_);
    const std::lock_guard lock(mutex_);
    if (closed_) queue->close();
    watchers_.push_back(queue);
    return queue;
  }

  void publish(const T& event) {
    for_each_watcher([&](EventQueue<T>& queue) { queue.push(event); });
  }

  // Ends every stream, also those that subscribe later.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    for_each_watcher([](EventQueue<T>& queue) { queue.close(); });
  }

 private:
  template <typename Function>
  void for_each_watcher(Function function) {
    const std::lock_guard lock(mutex_);
    std::erase_if(watchers_, [&](const std::weak_ptr<EventQueue<T>>& watcher) {
      const auto queue = watcher.lock();
      if (queue) function(*queue);
      return !queue;
    });
  }

  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<EventQueue<T>>> watchers_;
  bool closed_ = false;
};

}  // namespace ipsec::rpc

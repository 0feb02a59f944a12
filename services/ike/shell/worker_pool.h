#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ipsec::ike {

// Threads for long computations. What is queued is bounded by who posts: the core's limits on negotiations.
class WorkerPool {
 public:
  // As many threads as the machine has cores, at most kMaxWorkers.
  WorkerPool();
  // Finishes what runs, forgets what waits.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // From any thread.
  void post(std::function<void()> work);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ipsec::ike

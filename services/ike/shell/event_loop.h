#pragma once

#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include "services/common/time.h"
#include "services/ike/shell/file_descriptor.h"

namespace ipsec::ike {

// The thread that owns the engine: waits for sockets, for work that other threads post, and for a deadline.
class EventLoop {
 public:
  EventLoop();

  // Before run(): `readable` is called on the loop's thread while the file has something to read.
  void watch(int file, std::function<void()> readable);
  // Before run(): `deadline` says when `due` must be called next (kNever: not at all).
  void set_timer(std::function<Timestamp()> deadline, std::function<void()> due);

  // Until stop(). What was posted before is done before it returns.
  void run();
  // From the loop's thread.
  void stop() { running_ = false; }

  // From any thread. False, and nothing is done, after run() has returned.
  bool post(std::function<void()> work);

  // Runs `work` on the loop's thread and waits for its result; nullopt where the loop has ended. Not from the loop's
  // thread.
  template <typename Work>
  auto call(Work work) -> std::optional<std::invoke_result_t<Work>> {
    std::promise<std::invoke_result_t<Work>> promise;
    auto result = promise.get_future();
    if (!post([&] { promise.set_value(work()); })) return std::nullopt;
    return result.get();
  }

 private:
  struct Watched {
    int file;
    std::function<void()> readable;
  };

  void wait();
  void do_posted();

  FileDescriptor wake_;
  std::vector<Watched> watched_;
  std::function<Timestamp()> deadline_;
  std::function<void()> due_;
  bool running_ = true;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool ended_ = false;
};

}  // namespace ipsec::ike

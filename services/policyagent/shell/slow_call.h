#pragma once

#include <functional>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "services/common/result.h"
#include "services/policyagent/shell/file_descriptor.h"

namespace ipsec::agent {

// Runs `work`, which may hang in the kernel behind a server that is away, on a thread that nobody has to wait for: also
// the end of the process does not. `work` owns whatever it uses. `wake`: an eventfd that is told when it is over; -1:
// none. kUnavailable where there is no thread to be had.
template <typename T>
Result<std::shared_future<Result<T>>> start_slow_call(std::function<Result<T>()> work, int wake = -1) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::shared_future<Result<T>> answer = promise->get_future().share();
  auto signal = std::make_shared<FileDescriptor>(wake < 0 ? -1 : dup(wake));
  try {
    std::thread([promise, signal, work = std::move(work)] {
      promise->set_value(work());
      if (signal->get() >= 0) eventfd_write(signal->get(), 1);
    }).detach();
  } catch (const std::system_error& error) {
    return unavailable(fmt::format("no thread can be started: {}", error.what()));
  }
  return answer;
}

}  // namespace ipsec::agent

#pragma once

#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "services/common/rpc/event_queue.h"
#include "services/driver/core/events.h"

namespace ipsec::driver {

using Request = std::variant<Acquire, RekeyNeeded, SaEnded, PeerMoved>;
using RequestQueue = rpc::EventQueue<Request>;

// What the driver asks of IKE, on its way to the one stream that reads it. Without a stream requests are lost on
// purpose: the core repeats those that matter (acquires at the start of the next stream, rekeys after a while). All
// members are safe from any thread.
class RequestStream {
 public:
  void push(const Request& request);
  // Begins with `pending`; ends the stream before.
  std::shared_ptr<RequestQueue> open(const std::vector<Acquire>& pending);
  // Ends the stream and every later one at once.
  void close();

 private:
  std::mutex mutex_;
  std::shared_ptr<RequestQueue> current_;
  bool closed_ = false;
};

}  // namespace ipsec::driver

#include "services/driver/shell/request_stream.h"

#include "services/driver/shell/limits.h"

namespace ipsec::driver {

void RequestStream::push(const Request& request) {
  const std::lock_guard lock(mutex_);
  if (current_) current_->push(request);
}

std::shared_ptr<RequestQueue> RequestStream::open(const std::vector<Acquire>& pending) {
  auto queue = std::make_shared<RequestQueue>(limits::kRequestQueue);
  for (const Acquire& acquire : pending) queue->push(acquire);
  const std::lock_guard lock(mutex_);
  if (current_) current_->close();
  current_ = queue;
  if (closed_) queue->close();
  return queue;
}

void RequestStream::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (current_) current_->close();
}

}  // namespace ipsec::driver

#pragma once

#include <chrono>

#include "services/common/rpc/event_queue.h"
#include "services/common/rpc/limits.h"

namespace ipsec::rpc {

// The body of a server stream: sends what comes out of `queue`, as `to_message(value)`, until the client is gone, the
// server ends or the queue is closed and empty. `context` is a grpc::ServerContext, `writer` a grpc::ServerWriter;
// templates keep gRPC out of this header.
template <typename Context, typename Writer, typename T, typename ToMessage>
void write_stream(Context& context, Writer& writer, EventQueue<T>& queue, ToMessage to_message) {
  while (!context.IsCancelled() && !queue.finished()) {
    if (auto value = queue.pop(std::chrono::milliseconds(kStreamCheckMs))) {
      if (!writer.Write(to_message(std::move(*value)))) return;
    }
  }
}

// The same where the queue holds messages.
template <typename Context, typename Writer, typename T>
void write_stream(Context& context, Writer& writer, EventQueue<T>& queue) {
  write_stream(context, writer, queue, [](T value) { return value; });
}

}  // namespace ipsec::rpc

#pragma once

#include <memory>
#include <string>

#include "services/common/result.h"
#include "services/common/rpc/event_queue.h"
#include "services/ike/shell/engine_host.h"
#include "services/ike/shell/event_loop.h"

namespace ipsec::ike {

// The service Ike of proto/ike.proto on its socket. Calls are carried to the loop's thread.
class IkeServer {
 public:
  // The three must outlive the server.
  static Result<std::unique_ptr<IkeServer>> start(const std::string& socket_path, EventLoop& loop, EngineHost& host,
                                                  rpc::EventBroadcaster<proto::Event>& events);
  // Ends all calls. Not on the loop's thread while the loop runs.
  ~IkeServer();

 private:
  struct Parts;
  explicit IkeServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ipsec::ike

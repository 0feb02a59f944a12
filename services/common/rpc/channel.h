#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

// The client side of a daemon's socket.
namespace ipsec::rpc {

// Connects on first use and again whenever the other side comes back, with a back-off of 0.1 to 2 s. Never fails here:
// calls do, with kUnavailable. Safe from any thread.
std::shared_ptr<grpc::Channel> connect_channel(const std::string& socket_path);

// The call fails with kUnavailable when there is no answer after `patience`.
void set_patience(grpc::ClientContext& context, std::chrono::milliseconds patience);

}  // namespace ipsec::rpc

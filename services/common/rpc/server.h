#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "services/common/result.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

// The gRPC server of one daemon on one unix socket. Who may connect is decided by file modes alone: the runtime
// directory (0750) and the socket; the kernel checks them at connect(2).
namespace ipsec::rpc {

enum class SocketAccess {
  kOwner,  // 0600: the daemons among themselves (keys cross the driver's socket)
  kGroup,  // 0660: administration by members of the directory's group
  kIke,    // 0660 of IKE's account in a directory of its own (ike_access.h); as kOwner where there is no such account
};

class Server {
 public:
  // Makes the directory of the socket (0750) where it is missing, removes a stale socket, serves `services`.
  // The services must outlive the server. kAlreadyExists where a living process serves this socket: it holds the lock
  // file `socket_path`.lock, which also names its process id and its program; the process can change what it names only
  // with the rights it starts the server with. Changes the process's umask for a moment: call it before other threads
  // make files.
  static Result<std::unique_ptr<Server>> start(const std::string& socket_path, SocketAccess access,
                                               std::span<grpc::Service* const> services);
  // Like shutdown() with no grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ends new calls at once and running ones after `grace`, waits for their handlers, removes the socket. A handler of a
  // stream must look at ServerContext::IsCancelled (stream.h does).
  void shutdown(std::chrono::milliseconds grace);
  const std::string& socket_path() const { return socket_path_; }

 private:
  Server(std::string socket_path, int lock, std::unique_ptr<grpc::Server> server);

  std::string socket_path_;
  int lock_;
  std::unique_ptr<grpc::Server> server_;
};

// The process that serves the socket now; 0 where none does.
int serving_process(const std::string& socket_path);
// Whether that process was started from the file that has this path now: false once an upgrade has put another one
// there. True where no process serves it, or there is no such file.
bool serves_from(const std::string& socket_path, const std::string& program);

}  // namespace ipsec::rpc

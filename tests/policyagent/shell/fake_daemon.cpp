#include <cstdlib>
#include <cstring>
#include <string>

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <unistd.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/rpc/server.h"

// fake_daemon MODE SOCKET: serves the socket as a daemon does, and then
//   run        waits for SIGTERM
//   stubborn   does not listen to SIGTERM
//   die        ends at once with status 3
int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  const std::string mode = argv[1];
  if (mode == "die") return 3;
  if (mode == "stubborn") signal(SIGTERM, SIG_IGN);
  policyagent::v1::Driver::Service service;
  grpc::Service* services[] = {&service};
  const auto server = ipsec::rpc::Server::start(argv[2], ipsec::rpc::SocketAccess::kOwner, services);
  if (!server.ok()) return EXIT_FAILURE;
  for (;;) pause();
}

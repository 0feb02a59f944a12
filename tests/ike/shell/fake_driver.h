#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/event_queue.h"
#include "services/common/rpc/server.h"

namespace ipsec::ike {

// The driver's socket without a driver behind it: remembers the SAs it is given, asks what the test tells it to ask.
class FakeDriver : public proto::Driver::Service {
 public:
  explicit FakeDriver(std::string socket_path) : socket_path_(std::move(socket_path)) {}
  ~FakeDriver() override { stop(); }

  void start();
  // Forgets everything, as a driver that died.
  void stop();

  void ask(proto::DriverRequest request);
  // As if an IKE service of before had installed it.
  void has_from_before(const proto::Sa& sa);
  void can_udp_encapsulation() { udp_encapsulation_ = true; }
  // Calls of these kinds are answered with an error from now on.
  void refuse(bool refuse_everything);

  // Waits until `condition` holds for what has been seen, at most 20 s (a test that waits that long has failed).
  struct Seen {
    std::vector<std::string> calls;               // "reserve", "install inbound", "delete outbound", ... in order
    std::map<std::uint32_t, proto::Sa> inbound;   // by SPI
    std::map<std::uint32_t, proto::Sa> outbound;  // by SPI
    std::vector<proto::AcquireFailedRequest> failed_acquires;
    int streams = 0;  // begun so far
  };
  bool wait_for(const std::function<bool(const Seen&)>& condition);
  Seen seen();

  grpc::Status ReserveSpi(grpc::ServerContext*, const proto::ReserveSpiRequest*, proto::ReserveSpiReply*) override;
  grpc::Status InstallSa(grpc::ServerContext*, const proto::InstallSaRequest*, proto::InstallSaReply*) override;
  grpc::Status DeleteSa(grpc::ServerContext*, const proto::DeleteSaRequest*, proto::DeleteSaReply*) override;
  grpc::Status AcquireFailed(grpc::ServerContext*, const proto::AcquireFailedRequest*,
                             proto::AcquireFailedReply*) override;
  grpc::Status GetCapabilities(grpc::ServerContext*, const proto::GetCapabilitiesRequest*,
                               proto::DriverCapabilities*) override;
  grpc::Status ListSas(grpc::ServerContext*, const proto::ListSasRequest*, proto::ListSasReply*) override;
  grpc::Status WatchRequests(grpc::ServerContext*, const proto::WatchRequestsRequest*,
                             grpc::ServerWriter<proto::DriverRequest>*) override;

 private:
  // Runs `change` on what has been seen, or refuses.
  grpc::Status record(const std::string& call, const std::function<void()>& change);

  const std::string socket_path_;
  std::unique_ptr<rpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Seen seen_;
  bool refusing_ = false;
  std::atomic<bool> udp_encapsulation_ = false;
  std::uint32_t next_spi_ = 0x1000;
  std::shared_ptr<rpc::EventQueue<proto::DriverRequest>> requests_;
};

}  // namespace ipsec::ike

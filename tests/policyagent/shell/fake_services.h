#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "services/common/rpc/event_queue.h"
#include "services/common/rpc/server.h"

// Driver and IKE as far as the agent can tell: gRPC services on real sockets in this process.
namespace ipsec::agent::tests {

namespace proto = ::policyagent::v1;

// What the fakes wait for comes at once; this only ends a test that would hang.
inline constexpr std::chrono::seconds kPatience{20};

class Received {
 public:
  void add(std::uint64_t version) {
    {
      const std::lock_guard lock(mutex_);
      versions_.push_back(version);
    }
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return versions_.size() >= count; });
  }
  bool wait_for_version(std::uint64_t version) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return !versions_.empty() && versions_.back() == version; });
  }
  std::vector<std::uint64_t> versions() const {
    const std::lock_guard lock(mutex_);
    return versions_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint64_t> versions_;
};

// What one UpdatePolicy stream said. Only whole numbers of messages are looked at, no order of filters.
struct ReceivedUpdate {
  std::uint64_t version = 0;
  std::uint64_t base_version = 0;
  std::size_t removed = 0;
  std::size_t inserted = 0;
  std::size_t messages = 0;
};

class FakeDriver : public proto::Driver::Service {
 public:
  // Keeps the last policy; refuses a difference to another version.
  grpc::Status UpdatePolicy(grpc::ServerContext*, grpc::ServerReader<proto::DriverPolicyUpdate>* reader,
                            proto::UpdateDriverPolicyReply* reply) override;
  grpc::Status WatchEvents(grpc::ServerContext* context, const proto::WatchDriverEventsRequest*,
                           grpc::ServerWriter<proto::Event>* writer) override;
  grpc::Status ListSas(grpc::ServerContext*, const proto::ListSasRequest*, proto::ListSasReply* reply) override;
  grpc::Status GetStatistics(grpc::ServerContext*, const proto::GetDriverStatisticsRequest*,
                             proto::DriverStatistics* reply) override;

  proto::DriverPolicy last_policy();
  std::vector<ReceivedUpdate> updates();
  // As if the policy in force were of another version than the agent believes.
  void forget_version();

  Received received;
  rpc::EventBroadcaster<proto::Event> events{100};
  std::uint64_t version_in_force = 0;      // set before it serves
  grpc::Status answer = grpc::Status::OK;  // set before it serves

 private:
  std::mutex mutex_;
  proto::DriverPolicy last_;
  std::vector<ReceivedUpdate> updates_;
};

class FakeIke : public proto::Ike::Service {
 public:
  grpc::Status UpdatePolicy(grpc::ServerContext*, grpc::ServerReader<proto::IkePolicyUpdate>* reader,
                            proto::UpdateIkePolicyReply* reply) override;
  grpc::Status ListMainModeSas(grpc::ServerContext*, const proto::ListMainModeSasRequest*,
                               proto::ListMainModeSasReply* reply) override;
  grpc::Status DeleteMainModeSas(grpc::ServerContext*, const proto::DeleteMainModeSasRequest* request,
                                 proto::DeleteMainModeSasReply* reply) override;
  grpc::Status GetStatistics(grpc::ServerContext*, const proto::GetIkeStatisticsRequest*,
                             proto::IkeStatistics* reply) override;
  grpc::Status WatchEvents(grpc::ServerContext* context, const proto::WatchIkeEventsRequest*,
                           grpc::ServerWriter<proto::Event>* writer) override;

  // Begins with `pending`.
  grpc::Status WatchRequests(grpc::ServerContext* context, const proto::WatchIkeRequestsRequest*,
                             grpc::ServerWriter<proto::IkeRequest>* writer) override;
  grpc::Status DeclineRequest(grpc::ServerContext*, const proto::DeclineIkeRequestRequest* request,
                              proto::DeclineIkeRequestReply*) override;

  proto::IkePolicy last_policy();

  Received received;
  rpc::EventBroadcaster<proto::Event> events{100};
  std::vector<proto::IkeRequest> pending;  // set before it serves
  rpc::EventQueue<proto::DeclineIkeRequestRequest> declined{100};

 private:
  std::mutex mutex_;
  proto::IkePolicy last_;
};

// Serves until destroyed; another one may follow on the same socket.
std::unique_ptr<rpc::Server> serve(const std::string& socket_path, grpc::Service& service);

}  // namespace ipsec::agent::tests

#include "tests/policyagent/shell/fake_services.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "services/common/rpc/stream.h"

namespace ipsec::agent::tests {

grpc::Status FakeDriver::SetPolicy(grpc::ServerContext*, const proto::SetDriverPolicyRequest* request,
                                   proto::SetDriverPolicyReply* reply) {
  {
    const std::lock_guard lock(mutex_);
    last_ = request->policy();
  }
  received.add(request->policy().version());
  reply->set_version(request->policy().version());
  reply->set_attached(request->policy().active());
  return answer;
}

grpc::Status FakeDriver::WatchEvents(grpc::ServerContext* context, const proto::WatchDriverEventsRequest*,
                                     grpc::ServerWriter<proto::Event>* writer) {
  const auto queue = events.subscribe();
  proto::Event hello;
  hello.set_source("driver");
  hello.set_name("fake_started");
  queue->push(hello);
  rpc::write_stream(*context, *writer, *queue);
  return grpc::Status::OK;
}

grpc::Status FakeDriver::ListSas(grpc::ServerContext*, const proto::ListSasRequest*, proto::ListSasReply* reply) {
  reply->add_sas()->set_packets(7);
  return grpc::Status::OK;
}

grpc::Status FakeDriver::GetStatistics(grpc::ServerContext*, const proto::GetDriverStatisticsRequest*,
                                       proto::DriverStatistics* reply) {
  reply->set_policy_version(version_in_force);
  reply->set_attached(true);
  return grpc::Status::OK;
}

proto::DriverPolicy FakeDriver::last_policy() {
  const std::lock_guard lock(mutex_);
  return last_;
}

grpc::Status FakeIke::SetPolicy(grpc::ServerContext*, const proto::SetIkePolicyRequest* request,
                                proto::SetIkePolicyReply* reply) {
  {
    const std::lock_guard lock(mutex_);
    last_ = request->policy();
  }
  received.add(request->policy().version());
  reply->set_version(request->policy().version());
  return grpc::Status::OK;
}

grpc::Status FakeIke::ListMainModeSas(grpc::ServerContext*, const proto::ListMainModeSasRequest*,
                                      proto::ListMainModeSasReply* reply) {
  reply->add_sas()->set_peer_identity("10.77.0.2");
  return grpc::Status::OK;
}

grpc::Status FakeIke::DeleteMainModeSas(grpc::ServerContext*, const proto::DeleteMainModeSasRequest* request,
                                        proto::DeleteMainModeSasReply* reply) {
  reply->set_deleted(request->quick_mode_too() ? 2 : 1);
  return grpc::Status::OK;
}

grpc::Status FakeIke::GetStatistics(grpc::ServerContext*, const proto::GetIkeStatisticsRequest*,
                                    proto::IkeStatistics* reply) {
  reply->set_driver_connected(true);
  return grpc::Status::OK;
}

grpc::Status FakeIke::WatchEvents(grpc::ServerContext* context, const proto::WatchIkeEventsRequest*,
                                  grpc::ServerWriter<proto::Event>* writer) {
  const auto queue = events.subscribe();
  rpc::write_stream(*context, *writer, *queue);
  return grpc::Status::OK;
}

proto::IkePolicy FakeIke::last_policy() {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::unique_ptr<rpc::Server> serve(const std::string& socket_path, grpc::Service& service) {
  grpc::Service* services[] = {&service};
  auto server = rpc::Server::start(socket_path, rpc::SocketAccess::kOwner, services);
  EXPECT_TRUE(server.ok()) << server.status().message();
  return server.ok() ? std::move(server).value() : nullptr;
}

}  // namespace ipsec::agent::tests

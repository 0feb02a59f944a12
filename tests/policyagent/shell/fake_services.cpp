#include "tests/policyagent/shell/fake_services.h"

#include <algorithm>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "services/common/rpc/stream.h"

namespace ipsec::agent::tests {

namespace {

void remove_filters(const google::protobuf::RepeatedField<std::uint64_t>& ids,
                    google::protobuf::RepeatedPtrField<proto::Filter>& filters) {
  for (const std::uint64_t id : ids) {
    const auto found =
        std::find_if(filters.begin(), filters.end(), [id](const proto::Filter& filter) { return filter.id() == id; });
    EXPECT_NE(found, filters.end()) << "removed filter " << id << " is not there";
    if (found != filters.end()) filters.erase(found);
  }
}

void insert_filter(const proto::Filter& filter, google::protobuf::RepeatedPtrField<proto::Filter>& filters) {
  ASSERT_LE(filter.index(), static_cast<std::uint32_t>(filters.size()));
  *filters.Add() = filter;
  for (int at = filters.size() - 1; at > static_cast<int>(filter.index()); --at) filters.SwapElements(at, at - 1);
}

void apply_change(const proto::PolicyChange& change, google::protobuf::RepeatedPtrField<proto::Filter>& filters) {
  remove_filters(change.removed(), filters);
  for (const proto::Filter& filter : change.inserted()) insert_filter(filter, filters);
}

}  // namespace

grpc::Status FakeDriver::UpdatePolicy(grpc::ServerContext*, grpc::ServerReader<proto::DriverPolicyUpdate>* reader,
                                      proto::UpdateDriverPolicyReply* reply) {
  ReceivedUpdate update;
  proto::DriverPolicy policy;
  proto::DriverPolicyUpdate message;
  bool committed = false;
  while (reader->Read(&message)) {
    if (update.messages++ == 0) {
      update.base_version = message.base_version();
      policy = message.settings();
      const std::lock_guard lock(mutex_);
      if (update.base_version != 0) *policy.mutable_filters() = last_.filters();
      if (update.base_version != 0 && update.base_version != last_.version()) {
        return {grpc::StatusCode::FAILED_PRECONDITION, "another version is in force"};
      }
    }
    update.removed += static_cast<std::size_t>(message.change().removed_size());
    update.inserted += static_cast<std::size_t>(message.change().inserted_size());
    apply_change(message.change(), *policy.mutable_filters());
    committed = message.commit();
    if (committed) {
      EXPECT_EQ(message.change().count(), static_cast<std::uint32_t>(policy.filters_size()));
    }
  }
  if (!committed) return {grpc::StatusCode::INVALID_ARGUMENT, "no commit"};
  update.version = policy.version();
  {
    const std::lock_guard lock(mutex_);
    last_ = policy;
    updates_.push_back(update);
  }
  received.add(policy.version());
  reply->set_version(policy.version());
  reply->set_attached(policy.active());
  return answer;
}

std::vector<ReceivedUpdate> FakeDriver::updates() {
  const std::lock_guard lock(mutex_);
  return updates_;
}

void FakeDriver::forget_version() {
  const std::lock_guard lock(mutex_);
  last_.set_version(12345);
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

grpc::Status FakeIke::UpdatePolicy(grpc::ServerContext*, grpc::ServerReader<proto::IkePolicyUpdate>* reader,
                                   proto::UpdateIkePolicyReply* reply) {
  proto::IkePolicy policy;
  proto::IkePolicyUpdate message;
  for (bool first = true; reader->Read(&message); first = false) {
    const std::lock_guard lock(mutex_);
    if (first) {
      policy = message.settings();
      if (message.base_version() != 0) {
        *policy.mutable_filters() = last_.filters();
        *policy.mutable_main_mode_filters() = last_.main_mode_filters();
        if (message.keeps_quick_mode_policies()) *policy.mutable_quick_mode_policies() = last_.quick_mode_policies();
      }
    }
    apply_change(message.change(), *policy.mutable_filters());
    for (const std::uint64_t id : message.main_mode_change().removed()) {
      auto& filters = *policy.mutable_main_mode_filters();
      filters.erase(std::find_if(filters.begin(), filters.end(), [id](const auto& each) { return each.id() == id; }));
    }
    for (const auto& inserted : message.main_mode_change().inserted()) {
      *policy.add_main_mode_filters() = inserted.filter();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    last_ = policy;
  }
  received.add(policy.version());
  reply->set_version(policy.version());
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

grpc::Status FakeIke::WatchRequests(grpc::ServerContext* context, const proto::WatchIkeRequestsRequest*,
                                    grpc::ServerWriter<proto::IkeRequest>* writer) {
  rpc::EventQueue<proto::IkeRequest> queue(100);
  for (const proto::IkeRequest& request : pending) queue.push(request);
  rpc::write_stream(*context, *writer, queue);
  return grpc::Status::OK;
}

grpc::Status FakeIke::DeclineRequest(grpc::ServerContext*, const proto::DeclineIkeRequestRequest* request,
                                     proto::DeclineIkeRequestReply*) {
  declined.push(*request);
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

#include "services/policyagent/shell/daemon_clients.h"

#include <mutex>

#include <grpcpp/grpcpp.h>

#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/status.h"
#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {
namespace {

using grpc::ClientContext;

// The context of the one stream that runs, so that another thread can end it.
class StreamCanceller {
 public:
  // nullptr once cancelled.
  std::shared_ptr<ClientContext> begin() {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return nullptr;
    return context_ = std::make_shared<ClientContext>();
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (context_) context_->TryCancel();
  }

 private:
  std::mutex mutex_;
  bool cancelled_ = false;
  std::shared_ptr<ClientContext> context_;
};

// What both clients do alike. `Service` is the generated class.
template <typename Base, typename Service>
class GrpcClient : public Base {
 public:
  GrpcClient(std::string_view name, const std::string& socket_path)
      : name_(name), channel_(rpc::connect_channel(socket_path)), stub_(Service::NewStub(channel_)) {}

  std::string_view name() const override { return name_; }
  bool wait_connected(std::chrono::milliseconds limit) override {
    return channel_->WaitForConnected(std::chrono::system_clock::now() + limit);
  }
  void cancel() override { stream_.cancel(); }

 protected:
  template <typename Request, typename Reply>
  using Method = grpc::Status (Service::Stub::*)(ClientContext*, const Request&, Reply*);

  template <typename Request, typename Reply>
  Result<Reply> call(Method<Request, Reply> method, const Request& request, std::chrono::milliseconds patience) {
    ClientContext context;
    rpc::set_patience(context, patience);
    Reply reply;
    const Status status = rpc::from_grpc((stub_.get()->*method)(&context, request, &reply));
    if (!status.ok()) return with_context(status, name_);
    return reply;
  }

  // `produce` is given a function that sends one message.
  template <typename Update, typename Reply, typename Produce>
  Status send_updates(std::unique_ptr<grpc::ClientWriter<Update>> (Service::Stub::*method)(ClientContext*, Reply*),
                      Produce produce) {
    ClientContext context;
    rpc::set_patience(context, limits::kUpdatePolicyPatience);
    Reply reply;
    const auto writer = (stub_.get()->*method)(&context, &reply);
    produce(std::function([&writer](const Update& message) { return writer->Write(message); }));
    writer->WritesDone();
    return with_context(rpc::from_grpc(writer->Finish()), name_);
  }

  // Until the stream ends, or `handle` returns false.
  template <typename Request, typename Message>
  void watch(StreamCanceller& stream,
             std::unique_ptr<grpc::ClientReader<Message>> (Service::Stub::*method)(ClientContext*, const Request&),
             const std::function<bool(const Message&)>& handle) {
    const auto context = stream.begin();
    if (!context) return;
    const auto reader = (stub_.get()->*method)(context.get(), Request());
    Message message;
    while (reader->Read(&message)) {
      if (!handle(message)) context->TryCancel();
    }
    reader->Finish();
  }
  template <typename Request>
  void watch(std::unique_ptr<grpc::ClientReader<proto::Event>> (Service::Stub::*method)(ClientContext*, const Request&),
             const std::function<void(proto::Event)>& handle) {
    watch<Request, proto::Event>(stream_, method, [&handle](const proto::Event& event) {
      handle(event);
      return true;
    });
  }

 private:
  const std::string_view name_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<typename Service::Stub> stub_;
  StreamCanceller stream_;
};

class GrpcDriverClient final : public GrpcClient<DriverClient, proto::Driver> {
 public:
  explicit GrpcDriverClient(const std::string& socket_path) : GrpcClient("driver", socket_path) {}

  Status send_policy(const PolicyInForce& policy, const PolicyInForce* base) override {
    return send_updates(&proto::Driver::Stub::UpdatePolicy,
                        [&](const auto& send) { for_each_update(policy, base, send); });
  }
  Result<std::uint64_t> policy_version() override {
    IPSEC_ASSIGN_OR_RETURN(const auto found, summary(limits::kQueryPatience));
    return found.policy_version();
  }
  void watch_events(const std::function<void(proto::Event)>& handle) override {
    watch<proto::WatchDriverEventsRequest>(&proto::Driver::Stub::WatchEvents, handle);
  }
  Result<proto::ListSasReply> list_sas() override {
    return call(&proto::Driver::Stub::ListSas, proto::ListSasRequest(), limits::kQueryPatience);
  }
  Result<proto::ListNatFiltersReply> list_nat_filters() override {
    return call(&proto::Driver::Stub::ListNatFilters, proto::ListNatFiltersRequest(), limits::kQueryPatience);
  }
  Result<proto::ListSasReply> list_manual_sas() override {
    proto::ListSasRequest request;
    request.set_manual_only(true);
    return call(&proto::Driver::Stub::ListSas, request, limits::kQueryPatience);
  }
  Status install_sa(const proto::InstallSaRequest& request) override {
    return call(&proto::Driver::Stub::InstallSa, request, limits::kQueryPatience).status();
  }
  Status delete_sa(const proto::DeleteSaRequest& request) override {
    return call(&proto::Driver::Stub::DeleteSa, request, limits::kQueryPatience).status();
  }
  Result<proto::DriverStatistics> statistics(std::chrono::milliseconds patience) override {
    return call(&proto::Driver::Stub::GetStatistics, proto::GetDriverStatisticsRequest(), patience);
  }
  Result<proto::DriverStatistics> summary(std::chrono::milliseconds patience) override {
    proto::GetDriverStatisticsRequest request;
    request.set_without_filters(true);
    return call(&proto::Driver::Stub::GetStatistics, request, patience);
  }
  Status set_boot_mode(const proto::DriverPolicy& policy) override {
    proto::DriverPolicyUpdate update;
    *update.mutable_settings() = policy;
    update.set_commit(true);
    return send_updates(&proto::Driver::Stub::UpdatePolicy, [&update](const auto& send) { send(update); });
  }
};

class GrpcIkeClient final : public GrpcClient<IkeClient, proto::Ike> {
 public:
  explicit GrpcIkeClient(const std::string& socket_path) : GrpcClient("ike", socket_path) {}

  Status send_policy(const PolicyInForce& policy, const PolicyInForce* base) override {
    return send_updates(&proto::Ike::Stub::UpdatePolicy,
                        [&](const auto& send) { for_each_update(policy, base, send); });
  }
  Result<std::uint64_t> policy_version() override {
    IPSEC_ASSIGN_OR_RETURN(const auto found, statistics(limits::kQueryPatience));
    return found.policy_version();
  }
  void watch_events(const std::function<void(proto::Event)>& handle) override {
    watch<proto::WatchIkeEventsRequest>(&proto::Ike::Stub::WatchEvents, handle);
  }
  Result<proto::ListMainModeSasReply> list_main_mode_sas() override {
    return call(&proto::Ike::Stub::ListMainModeSas, proto::ListMainModeSasRequest(), limits::kQueryPatience);
  }
  Result<proto::ListCertificatesReply> list_certificates() override {
    return call(&proto::Ike::Stub::ListCertificates, proto::ListCertificatesRequest(), limits::kQueryPatience);
  }
  void reload_certificates() override {
    static_cast<void>(
        call(&proto::Ike::Stub::ReloadCertificates, proto::ReloadCertificatesRequest(), limits::kQueryPatience));
  }
  Result<proto::ListFailedNegotiationsReply> list_failed_negotiations() override {
    return call(&proto::Ike::Stub::ListFailedNegotiations, proto::ListFailedNegotiationsRequest(),
                limits::kQueryPatience);
  }
  Result<proto::DeleteMainModeSasReply> delete_main_mode_sas(const proto::DeleteMainModeSasRequest& request) override {
    return call(&proto::Ike::Stub::DeleteMainModeSas, request, limits::kQueryPatience);
  }
  Result<proto::IkeStatistics> statistics(std::chrono::milliseconds patience) override {
    return call(&proto::Ike::Stub::GetStatistics, proto::GetIkeStatisticsRequest(), patience);
  }
  void watch_requests(const std::function<bool(const proto::IkeRequest&)>& handle) override {
    watch<proto::WatchIkeRequestsRequest>(requests_, &proto::Ike::Stub::WatchRequests, handle);
  }
  Status decline_request(const proto::DeclineIkeRequestRequest& request) override {
    return call(&proto::Ike::Stub::DeclineRequest, request, limits::kQueryPatience).status();
  }
  void cancel() override {
    GrpcClient::cancel();
    requests_.cancel();
  }

 private:
  StreamCanceller requests_;
};

}  // namespace

std::unique_ptr<DriverClient> connect_driver(const std::string& socket_path) {
  return std::make_unique<GrpcDriverClient>(socket_path);
}

std::unique_ptr<IkeClient> connect_ike(const std::string& socket_path) {
  return std::make_unique<GrpcIkeClient>(socket_path);
}

}  // namespace ipsec::agent

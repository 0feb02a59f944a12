#include "services/ike/shell/ike_server.h"

#include <atomic>

#include <grpcpp/grpcpp.h>

#include "proto/ike.grpc.pb.h"
#include "services/common/daemon/clock.h"
#include "services/common/rpc/server.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"
#include "services/common/rpc/wipe_keys.h"
#include "services/ike/shell/certificate_listing.h"
#include "services/ike/shell/convert.h"
#include "services/ike/shell/policy_update.h"

namespace ipsec::ike {

namespace {

class IkeService : public proto::Ike::Service {
 public:
  IkeService(EventLoop& loop, EngineHost& host, rpc::EventBroadcaster<proto::Event>& events)
      : loop_(loop), host_(host), events_(events) {}

  grpc::Status UpdatePolicy(grpc::ServerContext*, grpc::ServerReader<proto::IkePolicyUpdate>* reader,
                            proto::UpdateIkePolicyReply* reply) override {
    PolicyUpdateCollector collector;
    proto::IkePolicyUpdate message;
    while (reader->Read(&message)) {
      policy_octets_ += message.ByteSizeLong();
      const Status status = collector.take(message);
      rpc::wipe_keys(message);
      if (!status.ok()) return rpc::to_grpc(status);
    }
    if (!collector.complete()) return rpc::to_grpc(invalid("commit: the stream ended without it"));
    PolicyChange change = collector.take_change();
    reply->set_version(change.settings.version);
    const auto done = loop_.call([&] { return host_.change_policy(std::move(change)); });
    if (!done) return stopping();
    return rpc::to_grpc(*done);
  }

  grpc::Status WatchRequests(grpc::ServerContext* context, const proto::WatchIkeRequestsRequest*,
                             grpc::ServerWriter<proto::IkeRequest>* writer) override {
    const auto queue = loop_.call([this] { return host_.open_requests(); });
    if (!queue) return stopping();
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, **queue);
    return grpc::Status::OK;
  }

  grpc::Status DeclineRequest(grpc::ServerContext*, const proto::DeclineIkeRequestRequest* request,
                              proto::DeclineIkeRequestReply*) override {
    auto declined = from_proto(*request);
    if (!declined.ok()) return rpc::to_grpc(declined.status());
    if (!loop_.call([&] {
          host_.handle(std::move(declined).value());
          return true;
        })) {
      return stopping();
    }
    return grpc::Status::OK;
  }

  grpc::Status ListMainModeSas(grpc::ServerContext*, const proto::ListMainModeSasRequest*,
                               proto::ListMainModeSasReply* reply) override {
    const auto sas = loop_.call([this] { return host_.main_mode_sas(); });
    if (!sas) return stopping();
    for (const MainModeSaStatus& sa : *sas) *reply->add_sas() = to_proto(sa);
    return grpc::Status::OK;
  }

  grpc::Status DeleteMainModeSas(grpc::ServerContext*, const proto::DeleteMainModeSasRequest* request,
                                 proto::DeleteMainModeSasReply* reply) override {
    auto wanted = from_proto(*request);
    if (!wanted.ok()) return rpc::to_grpc(wanted.status());
    const auto deleted = loop_.call([&] { return host_.delete_main_modes(*wanted); });
    if (!deleted) return stopping();
    reply->set_deleted(*deleted);
    return grpc::Status::OK;
  }

  grpc::Status ListFailedNegotiations(grpc::ServerContext*, const proto::ListFailedNegotiationsRequest*,
                                      proto::ListFailedNegotiationsReply* reply) override {
    auto failed = loop_.call([this] { return host_.failed_negotiations(); });
    if (!failed) return stopping();
    *reply = std::move(*failed);
    return grpc::Status::OK;
  }

  grpc::Status ListCertificates(grpc::ServerContext*, const proto::ListCertificatesRequest*,
                                proto::ListCertificatesReply* reply) override {
    const auto at_hand = loop_.call([this] { return host_.certificates_at_hand(); });
    if (!at_hand) return stopping();
    *reply = list_certificates(at_hand->policy, *at_hand->store, at_hand->crls, daemon::wall_clock_seconds());
    return grpc::Status::OK;
  }

  grpc::Status ReloadCertificates(grpc::ServerContext*, const proto::ReloadCertificatesRequest*,
                                  proto::ReloadCertificatesReply*) override {
    if (!loop_.post([this] { host_.certificates().read_again(); })) return stopping();
    return grpc::Status::OK;
  }

  grpc::Status ExportKeys(grpc::ServerContext* context, const proto::ExportKeysRequest*,
                          grpc::ServerWriter<proto::KeyRecord>* writer) override {
    const auto begun = loop_.call([this] { return host_.begin_key_export(); });
    if (!begun) return stopping();
    if (!begun->ok()) return rpc::to_grpc(begun->status());
    writer->SendInitialMetadata();
    const std::shared_ptr<KeyRecords> records = **begun;
    while (!context->IsCancelled() && !records->finished()) {
      const auto key = records->pop(std::chrono::milliseconds(rpc::kStreamCheckMs));
      if (!key) continue;
      proto::KeyRecord message = to_proto(*key);
      const bool written = writer->Write(message);
      rpc::wipe_keys(message);
      if (!written) break;
    }
    loop_.call([this] {
      host_.end_key_export();
      return true;
    });
    return grpc::Status::OK;
  }

  grpc::Status GetStatistics(grpc::ServerContext*, const proto::GetIkeStatisticsRequest*,
                             proto::IkeStatistics* reply) override {
    auto statistics = loop_.call([this] { return host_.statistics(); });
    if (!statistics) return stopping();
    *reply = std::move(*statistics);
    reply->set_policy_octets(policy_octets_);
    return grpc::Status::OK;
  }

  grpc::Status WatchEvents(grpc::ServerContext* context, const proto::WatchIkeEventsRequest*,
                           grpc::ServerWriter<proto::Event>* writer) override {
    const auto queue = events_.subscribe();
    if (!loop_.call([&] {
          host_.greet(*queue);
          return true;
        })) {
      return stopping();
    }
    // Tells the client that nothing from now on is missed.
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, *queue);
    return grpc::Status::OK;
  }

 private:
  static grpc::Status stopping() { return rpc::to_grpc(unavailable("the IKE service stops")); }

  EventLoop& loop_;
  EngineHost& host_;
  rpc::EventBroadcaster<proto::Event>& events_;
  std::atomic<std::uint64_t> policy_octets_{0};
};

}  // namespace

struct IkeServer::Parts {
  Parts(EventLoop& loop, EngineHost& host, rpc::EventBroadcaster<proto::Event>& events) : service(loop, host, events) {}

  IkeService service;
  std::unique_ptr<rpc::Server> server;
};

IkeServer::IkeServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
IkeServer::~IkeServer() = default;

Result<std::unique_ptr<IkeServer>> IkeServer::start(const std::string& socket_path, EventLoop& loop, EngineHost& host,
                                                    rpc::EventBroadcaster<proto::Event>& events) {
  auto parts = std::make_unique<Parts>(loop, host, events);
  grpc::Service* const services[] = {&parts->service};
  IPSEC_ASSIGN_OR_RETURN(parts->server, rpc::Server::start(socket_path, rpc::SocketAccess::kOwner, services));
  return std::unique_ptr<IkeServer>(new IkeServer(std::move(parts)));
}

}  // namespace ipsec::ike

#include "services/driver/shell/ike_service.h"

#include <grpcpp/grpcpp.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/rpc/convert.h"

namespace ipsec::driver {

namespace {

using grpc::ServerContext;

class IkePart final : public proto::Driver::Service {
 public:
  explicit IkePart(proto::Driver::Service& whole) : whole_(whole) {}

  grpc::Status ReserveSpi(ServerContext* context, const proto::ReserveSpiRequest* request,
                          proto::ReserveSpiReply* reply) override {
    return whole_.ReserveSpi(context, request, reply);
  }
  grpc::Status InstallSa(ServerContext* context, const proto::InstallSaRequest* request,
                         proto::InstallSaReply* reply) override {
    return whole_.InstallSa(context, request, reply);
  }
  grpc::Status DeleteSa(ServerContext* context, const proto::DeleteSaRequest* request,
                        proto::DeleteSaReply* reply) override {
    return whole_.DeleteSa(context, request, reply);
  }
  grpc::Status GetCapabilities(ServerContext* context, const proto::GetCapabilitiesRequest* request,
                               proto::DriverCapabilities* reply) override {
    return whole_.GetCapabilities(context, request, reply);
  }
  grpc::Status MovePeer(ServerContext* context, const proto::MovePeerRequest* request,
                        proto::MovePeerReply* reply) override {
    return whole_.MovePeer(context, request, reply);
  }
  grpc::Status AcquireFailed(ServerContext* context, const proto::AcquireFailedRequest* request,
                             proto::AcquireFailedReply* reply) override {
    return whole_.AcquireFailed(context, request, reply);
  }
  grpc::Status WatchRequests(ServerContext* context, const proto::WatchRequestsRequest* request,
                             grpc::ServerWriter<proto::DriverRequest>* writer) override {
    return whole_.WatchRequests(context, request, writer);
  }
  grpc::Status ListSas(ServerContext* context, const proto::ListSasRequest* request,
                       proto::ListSasReply* reply) override {
    return whole_.ListSas(context, request, reply);
  }

 private:
  proto::Driver::Service& whole_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_ike_service(grpc::Service& whole) {
  return std::make_unique<IkePart>(static_cast<proto::Driver::Service&>(whole));
}

}  // namespace ipsec::driver

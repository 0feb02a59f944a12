#include "tests/ike/shell/fake_driver.h"

#include <chrono>
#include <stdexcept>

#include "services/common/rpc/stream.h"

namespace ipsec::ike {

namespace {

const char* word(proto::Direction direction) { return direction == proto::DIRECTION_INBOUND ? "inbound" : "outbound"; }

}  // namespace

void FakeDriver::start() {
  {
    const std::lock_guard lock(mutex_);
    seen_ = {};
    requests_ = std::make_shared<rpc::EventQueue<proto::DriverRequest>>(1024);
  }
  grpc::Service* const services[] = {this};
  auto server = rpc::Server::start(socket_path_, rpc::SocketAccess::kIke, services);
  if (!server.ok()) throw std::runtime_error(server.status().message());
  server_ = std::move(server).value();
}

void FakeDriver::stop() {
  if (server_ == nullptr) return;
  requests_->close();
  server_.reset();
}

void FakeDriver::ask(proto::DriverRequest request) { requests_->push(std::move(request)); }

void FakeDriver::has_from_before(const proto::Sa& sa) {
  const std::lock_guard lock(mutex_);
  auto& sas = sa.direction() == proto::DIRECTION_INBOUND ? seen_.inbound : seen_.outbound;
  sas[sa.spi()] = sa;
}

grpc::Status FakeDriver::GetCapabilities(grpc::ServerContext*, const proto::GetCapabilitiesRequest*,
                                         proto::DriverCapabilities* reply) {
  reply->set_udp_encapsulation(udp_encapsulation_);
  return grpc::Status::OK;
}

grpc::Status FakeDriver::ListSas(grpc::ServerContext*, const proto::ListSasRequest*, proto::ListSasReply* reply) {
  const std::lock_guard lock(mutex_);
  if (refusing_) return {grpc::StatusCode::FAILED_PRECONDITION, "refused for the test"};
  for (const auto* sas : {&seen_.inbound, &seen_.outbound}) {
    for (const auto& [spi, sa] : *sas) *reply->add_sas()->mutable_sa() = sa;
  }
  return grpc::Status::OK;
}

void FakeDriver::refuse(bool refuse_everything) {
  const std::lock_guard lock(mutex_);
  refusing_ = refuse_everything;
}

bool FakeDriver::wait_for(const std::function<bool(const Seen&)>& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return condition(seen_); });
}

FakeDriver::Seen FakeDriver::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

grpc::Status FakeDriver::record(const std::string& call, const std::function<void()>& change) {
  const std::lock_guard lock(mutex_);
  seen_.calls.push_back(call);
  changed_.notify_all();
  if (refusing_) return {grpc::StatusCode::FAILED_PRECONDITION, "refused for the test"};
  change();
  return grpc::Status::OK;
}

grpc::Status FakeDriver::ReserveSpi(grpc::ServerContext*, const proto::ReserveSpiRequest*,
                                    proto::ReserveSpiReply* reply) {
  return record("reserve", [&] { reply->set_spi(next_spi_++); });
}

grpc::Status FakeDriver::InstallSa(grpc::ServerContext*, const proto::InstallSaRequest* request,
                                   proto::InstallSaReply*) {
  const proto::Sa& sa = request->sa();
  return record(std::string("install ") + word(sa.direction()),
                [&] { (sa.direction() == proto::DIRECTION_INBOUND ? seen_.inbound : seen_.outbound)[sa.spi()] = sa; });
}

grpc::Status FakeDriver::DeleteSa(grpc::ServerContext*, const proto::DeleteSaRequest* request,
                                  proto::DeleteSaReply* reply) {
  return record(std::string("delete ") + word(request->direction()), [&] {
    auto& sas = request->direction() == proto::DIRECTION_INBOUND ? seen_.inbound : seen_.outbound;
    reply->set_existed(sas.erase(request->spi()) != 0);
  });
}

grpc::Status FakeDriver::AcquireFailed(grpc::ServerContext*, const proto::AcquireFailedRequest* request,
                                       proto::AcquireFailedReply*) {
  return record("acquire failed", [&] { seen_.failed_acquires.push_back(*request); });
}

grpc::Status FakeDriver::WatchRequests(grpc::ServerContext* context, const proto::WatchRequestsRequest*,
                                       grpc::ServerWriter<proto::DriverRequest>* writer) {
  std::shared_ptr<rpc::EventQueue<proto::DriverRequest>> requests;
  {
    const std::lock_guard lock(mutex_);
    ++seen_.streams;
    requests = requests_;
    changed_.notify_all();
  }
  rpc::write_stream(*context, *writer, *requests);
  return grpc::Status::OK;
}

}  // namespace ipsec::ike

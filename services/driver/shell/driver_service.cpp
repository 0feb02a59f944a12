#include "services/driver/shell/driver_service.h"

#include <atomic>
#include <chrono>
#include <string>

#include <grpcpp/grpcpp.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"
#include "services/common/rpc/wipe_keys.h"
#include "services/driver/shell/convert.h"
#include "services/driver/shell/limits.h"
#include "services/driver/shell/policy_update.h"

namespace ipsec::driver {

// Here, so that it is an overload of those of convert.h.
using rpc::from_proto;

namespace {

using grpc::ServerContext;
using rpc::to_grpc;

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

NamedCounter lost(std::string_view name, std::string_view text, std::uint64_t value) {
  return {name, text, value, to_string(VerdictKind::kDrop)};
}

class DriverService final : public proto::Driver::Service {
 public:
  explicit DriverService(Driver& driver) : driver_(driver) {}

  grpc::Status UpdatePolicy(ServerContext*, grpc::ServerReader<proto::DriverPolicyUpdate>* reader,
                            proto::UpdateDriverPolicyReply* reply) override {
    PolicyUpdateCollector collector;
    proto::DriverPolicyUpdate message;
    while (reader->Read(&message)) {
      policy_octets_ += message.ByteSizeLong();
      if (const Status status = collector.take(message); !status.ok()) return to_grpc(status);
    }
    if (!collector.complete()) return to_grpc(invalid("commit: the stream ended without it"));
    PolicyUpdate update = collector.take_update();
    reply->set_version(update.settings.version);
    const Result<bool> attached = driver_.update_policy(std::move(update));
    if (!attached.ok()) return to_grpc(attached.status());
    reply->set_attached(*attached);
    return grpc::Status::OK;
  }

  grpc::Status ReserveSpi(ServerContext*, const proto::ReserveSpiRequest* request,
                          proto::ReserveSpiReply* reply) override {
    const Result<std::uint32_t> spi = reserve(*request);
    if (!spi.ok()) return to_grpc(spi.status());
    reply->set_spi(*spi);
    return grpc::Status::OK;
  }

  grpc::Status InstallSa(ServerContext*, const proto::InstallSaRequest* request, proto::InstallSaReply*) override {
    auto parameters = from_proto(request->sa());
    // gRPC owns the message and would release the keys as they are.
    rpc::wipe_keys(const_cast<proto::InstallSaRequest&>(*request));
    if (!parameters.ok()) return to_grpc(parameters.status());
    return to_grpc(driver_.install_sa(*std::move(parameters)));
  }

  grpc::Status DeleteSa(ServerContext*, const proto::DeleteSaRequest* request, proto::DeleteSaReply* reply) override {
    const Result<bool> existed = remove(*request);
    if (!existed.ok()) return to_grpc(existed.status());
    reply->set_existed(*existed);
    return grpc::Status::OK;
  }

  grpc::Status GetCapabilities(ServerContext*, const proto::GetCapabilitiesRequest*,
                               proto::DriverCapabilities* reply) override {
    reply->set_ah(true);
    reply->set_udp_encapsulation(true);
    return grpc::Status::OK;
  }

  grpc::Status MovePeer(ServerContext*, const proto::MovePeerRequest* request, proto::MovePeerReply* reply) override {
    const auto port = rpc::port_from_proto(request->port(), "port");
    if (!port.ok()) return to_grpc(port.status());
    if (*port == 0) return to_grpc(invalid("port: 1 to 65535, found 0"));
    reply->set_existed(driver_.move_peer(request->spi(), *port));
    return grpc::Status::OK;
  }

  grpc::Status AcquireFailed(ServerContext*, const proto::AcquireFailedRequest* request,
                             proto::AcquireFailedReply*) override {
    driver_.acquire_failed(request->acquire_id(), request->reason());
    return grpc::Status::OK;
  }

  grpc::Status WatchRequests(ServerContext* context, const proto::WatchRequestsRequest*,
                             grpc::ServerWriter<proto::DriverRequest>* writer) override {
    const std::shared_ptr<RequestQueue> queue = driver_.open_requests();
    // The client's Start returns with these: from then on no request passes it by.
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, *queue, [&queue](const Request& request) {
      proto::DriverRequest message = std::visit([](const auto& each) { return to_proto(each); }, request);
      message.set_dropped(queue->dropped());
      return message;
    });
    return grpc::Status::OK;
  }

  grpc::Status WatchEvents(ServerContext* context, const proto::WatchDriverEventsRequest*,
                           grpc::ServerWriter<proto::Event>* writer) override {
    const auto queue = driver_.watch_events();
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, *queue, [](const Event& event) { return to_proto(event); });
    return grpc::Status::OK;
  }

  grpc::Status TracePackets(ServerContext* context, const proto::TracePacketsRequest* request,
                            grpc::ServerWriter<proto::PacketTrace>* writer) override {
    const auto queue = open_trace(*request);
    if (!queue.ok()) return to_grpc(queue.status());
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, **queue, [&queue](const TracedPacket& traced) {
      proto::PacketTrace message = to_proto(traced);
      message.set_dropped((*queue)->dropped());
      return message;
    });
    driver_.close_trace(*queue);
    return grpc::Status::OK;
  }

  grpc::Status ExplainPacket(ServerContext*, const proto::ExplainPacketRequest* request,
                             proto::PacketTrace* reply) override {
    auto explained = explain(*request);
    if (!explained.ok()) return to_grpc(explained.status());
    *reply = *std::move(explained);
    return grpc::Status::OK;
  }

  grpc::Status ListSas(ServerContext*, const proto::ListSasRequest* request, proto::ListSasReply* reply) override {
    for (const SaStatus& status : driver_.list_sas()) {
      if (status.sa.manual || !request->manual_only()) *reply->add_sas() = to_proto(status);
    }
    return grpc::Status::OK;
  }

  grpc::Status ListNatFilters(ServerContext*, const proto::ListNatFiltersRequest*,
                              proto::ListNatFiltersReply* reply) override {
    for (const Filter& filter : driver_.nat_filters()) *reply->add_filters() = to_proto(filter);
    return grpc::Status::OK;
  }

  grpc::Status GetStatistics(ServerContext*, const proto::GetDriverStatisticsRequest* request,
                             proto::DriverStatistics* reply) override {
    const DriverState state = driver_.state(request->without_filters() ? Control::FilterNumbers::kLeaveOut
                                                                       : Control::FilterNumbers::kInclude);
    for (const NamedCounter& counter : named_counters(state.statistics)) *reply->add_counters() = to_proto(counter);
    for (const NamedCounter& counter : verdict_counters(state.statistics)) *reply->add_verdicts() = to_proto(counter);
    *reply->add_verdicts() =
        to_proto(lost("lost_to_wire", "processed, but the way to the NIC was full or gone", state.lost_to_wire));
    *reply->add_verdicts() =
        to_proto(lost("lost_to_host", "processed, but the way to the IP stack was full or gone", state.lost_to_host));
    for (const FilterStatistics& filter : state.statistics.filters) *reply->add_filters() = to_proto(filter);
    reply->set_policy_version(state.policy_version);
    reply->set_attached(!state.interfaces.empty());
    reply->set_profile(std::string(to_string(state.profile)));
    reply->set_held_packets(static_cast<std::uint32_t>(state.statistics.held_packets));
    reply->set_last_hold_us(microseconds(state.statistics.last_hold));
    reply->set_longest_hold_us(microseconds(state.statistics.longest_hold));
    for (const std::string& name : state.interfaces) reply->add_interfaces(name);
    reply->set_boot_mode(static_cast<proto::BootMode>(state.boot_mode));
    reply->set_crypto_engine(std::string(state.crypto_engine));
    for (const std::string& provider : state.offload) reply->add_interface_offload(provider);
    reply->set_policy_octets(policy_octets_);
    return grpc::Status::OK;
  }

 private:
  Result<std::uint32_t> reserve(const proto::ReserveSpiRequest& request) {
    IPSEC_ASSIGN_OR_RETURN(const SecurityProtocol protocol, from_proto(request.protocol(), "protocol"));
    IPSEC_ASSIGN_OR_RETURN(const IpAddress local, from_proto(request.local(), "local"));
    IPSEC_ASSIGN_OR_RETURN(const IpAddress peer, from_proto(request.peer(), "peer"));
    return driver_.reserve_spi(protocol, local, peer);
  }

  Result<bool> remove(const proto::DeleteSaRequest& request) {
    IPSEC_ASSIGN_OR_RETURN(const Direction direction, from_proto(request.direction(), "direction"));
    IPSEC_ASSIGN_OR_RETURN(const SecurityProtocol protocol, from_proto(request.protocol(), "protocol"));
    // Only an outbound SA needs it for its name.
    IpAddress peer;
    if (direction == Direction::kOutbound || request.has_peer()) {
      IPSEC_ASSIGN_OR_RETURN(peer, from_proto(request.peer(), "peer"));
    }
    return driver_.delete_sa(request.spi(), direction, protocol, peer);
  }

  Result<std::shared_ptr<TraceQueue>> open_trace(const proto::TracePacketsRequest& request) {
    const std::uint32_t count = request.count() == 0 ? limits::kDefaultTraces : request.count();
    if (count > limits::kMaxTraces) {
      return invalid(fmt::format("count: 1 to {}, found {}", limits::kMaxTraces, request.count()));
    }
    std::optional<IpAddress> source, destination;
    if (request.has_source()) {
      IPSEC_ASSIGN_OR_RETURN(source, from_proto(request.source(), "source"));
    }
    if (request.has_destination()) {
      IPSEC_ASSIGN_OR_RETURN(destination, from_proto(request.destination(), "destination"));
    }
    return driver_.open_trace(source, destination, count);
  }

  Result<proto::PacketTrace> explain(const proto::ExplainPacketRequest& request) {
    IPSEC_ASSIGN_OR_RETURN(const Direction direction, from_proto(request.direction(), "direction"));
    IPSEC_ASSIGN_OR_RETURN(const FiveTuple packet, from_proto(request.packet(), "packet"));
    if (packet.source.family() != packet.destination.family()) {
      return invalid("packet: source and destination of different families");
    }
    if (packet.protocol == kProtocolAny) return invalid("packet.protocol: 1 to 255, found 0");
    return to_proto(driver_.explain(direction, packet));
  }

  Driver& driver_;
  std::atomic<std::uint64_t> policy_octets_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> make_driver_service(Driver& driver) { return std::make_unique<DriverService>(driver); }

}  // namespace ipsec::driver

#include "tests/bench/driver_client.h"

#include <grpcpp/grpcpp.h>

#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"

namespace ipsec::bench {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::uint64_t kOutboundFilter = 1;
constexpr std::uint64_t kInboundFilter = 2;

void add_filter(proto::PolicyChange& change, std::uint64_t id, proto::Direction direction, proto::Action action) {
  proto::Filter& filter = *change.add_inserted();
  filter.set_id(id);
  filter.set_mirror_id(id == kOutboundFilter ? kInboundFilter : kOutboundFilter);
  filter.set_index(change.count());
  change.set_count(change.count() + 1);
  filter.set_direction(direction);
  filter.set_action(action);
  filter.set_rule_name("benchmark");
  const AddressRange lab = AddressRange::parse("10.77.0.0/24").value();
  *filter.mutable_selector() = rpc::to_proto(Selector{lab, lab, kProtocolAny, {}, {}});
}

}  // namespace

DriverClient::DriverClient(const std::string& runtime_directory)
    : stub_(proto::Driver::NewStub(rpc::connect_channel(rpc::driver_socket(runtime_directory)))) {}

Status DriverClient::wait_ready() {
  grpc::ClientContext context;
  rpc::set_patience(context, kPatience);
  context.set_wait_for_ready(true);
  proto::DriverStatistics reply;
  return rpc::from_grpc(stub_->GetStatistics(&context, {}, &reply));
}

Status DriverClient::set_policy(proto::Action action) {
  proto::DriverPolicyUpdate update;
  proto::DriverPolicy& policy = *update.mutable_settings();
  policy.set_version(++policy_version_);
  policy.set_active(true);
  policy.set_profile("modern");
  add_filter(*update.mutable_change(), kOutboundFilter, proto::DIRECTION_OUTBOUND, action);
  add_filter(*update.mutable_change(), kInboundFilter, proto::DIRECTION_INBOUND, action);
  update.set_commit(true);
  grpc::ClientContext context;
  rpc::set_patience(context, kPatience);
  proto::UpdateDriverPolicyReply reply;
  const auto writer = stub_->UpdatePolicy(&context, &reply);
  writer->WriteLast(update, grpc::WriteOptions());
  return rpc::from_grpc(writer->Finish());
}

Result<std::uint32_t> DriverClient::reserve_spi(const IpAddress& local, const IpAddress& peer) {
  proto::ReserveSpiRequest request;
  request.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  *request.mutable_local() = rpc::to_proto(local);
  *request.mutable_peer() = rpc::to_proto(peer);
  grpc::ClientContext context;
  proto::ReserveSpiReply reply;
  IPSEC_RETURN_IF_ERROR(rpc::from_grpc(stub_->ReserveSpi(&context, request, &reply)));
  return reply.spi();
}

Status DriverClient::install(proto::Direction direction, std::uint32_t spi, const IpAddress& source,
                             const IpAddress& destination, Cipher cipher, Integrity integrity) {
  proto::InstallSaRequest request;
  proto::Sa& sa = *request.mutable_sa();
  sa.set_spi(spi);
  sa.set_direction(direction);
  sa.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  sa.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
  *sa.mutable_source() = rpc::to_proto(source);
  *sa.mutable_destination() = rpc::to_proto(destination);
  *sa.mutable_selector() =
      rpc::to_proto(Selector{AddressRange::host(source), AddressRange::host(destination), kProtocolAny, {}, {}});
  sa.set_filter_id(direction == proto::DIRECTION_OUTBOUND ? kOutboundFilter : kInboundFilter);
  sa.set_cipher(rpc::to_proto(cipher));
  sa.set_integrity(rpc::to_proto(integrity));
  sa.set_encryption_key(std::string(info(cipher).key_size + info(cipher).salt_size, 'k'));
  sa.set_integrity_key(std::string(info(integrity).key_size, 'i'));
  grpc::ClientContext context;
  proto::InstallSaReply reply;
  return rpc::from_grpc(stub_->InstallSa(&context, request, &reply));
}

Result<std::uint64_t> DriverClient::verdict(const std::string& name) {
  grpc::ClientContext context;
  rpc::set_patience(context, kPatience);
  proto::DriverStatistics reply;
  IPSEC_RETURN_IF_ERROR(rpc::from_grpc(stub_->GetStatistics(&context, {}, &reply)));
  for (const proto::Counter& counter : reply.verdicts()) {
    if (counter.name() == name) return counter.value();
  }
  return not_found(fmt::format("the driver has no counter '{}'", name));
}

Result<bool> DriverClient::has_sa(Cipher cipher) {
  grpc::ClientContext context;
  rpc::set_patience(context, kPatience);
  proto::ListSasReply reply;
  IPSEC_RETURN_IF_ERROR(rpc::from_grpc(stub_->ListSas(&context, {}, &reply)));
  for (const proto::SaStatus& status : reply.sas()) {
    const proto::Sa& sa = status.sa();
    if (sa.direction() == proto::DIRECTION_OUTBOUND && sa.cipher() == rpc::to_proto(cipher)) return true;
  }
  return false;
}

}  // namespace ipsec::bench

#include "tests/driver/shell/driver_process.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"

namespace ipsec::testing {
namespace {

std::string make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "drivershell.XXXXXX").string();
  return mkdtemp(name.data()) == nullptr ? std::string() : name;
}

void add_filter(proto::DriverPolicy& policy, std::uint64_t id, std::uint64_t mirror, proto::Direction direction,
                proto::Action action, AddressFamily family) {
  proto::Filter& filter = *policy.add_filters();
  filter.set_id(id);
  filter.set_mirror_id(mirror);
  filter.set_index(static_cast<std::uint32_t>(policy.filters_size()));
  filter.set_direction(direction);
  filter.set_action(action);
  filter.set_rule_name("all traffic");
  const Selector all{AddressRange::any(family), AddressRange::any(family), kProtocolAny, {}, {}};
  *filter.mutable_selector() = rpc::to_proto(all);
}

}  // namespace

DriverProcess::DriverProcess(const Namespace& where, std::string arguments)
    : where_(where),
      arguments_(std::move(arguments)),
      directory_(make_directory()),
      socket_(rpc::driver_socket(directory_)) {
  start();
}

DriverProcess::~DriverProcess() {
  if (process_ > 0) end(SIGKILL);
  std::filesystem::remove_all(directory_);
}

void DriverProcess::start() {
  process_ = where_.start(
      fmt::format("{} --runtime-dir {} --state-dir {} {}", DRIVER_PROGRAM, directory_, directory_, arguments_),
      directory_ + "/log");
  eventually([this] { return std::filesystem::exists(socket_) || waitpid(process_, nullptr, WNOHANG) == process_; });
  // A channel of its own for each process: no back-off of the last one's.
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = proto::Driver::NewStub(grpc::CreateCustomChannel("unix:" + socket_, grpc::InsecureChannelCredentials(), own));
}

int DriverProcess::end(int signal) {
  const pid_t process = process_;
  process_ = -1;
  const int status = end_process(process, signal);
  if (signal == SIGKILL) std::filesystem::remove(socket_);
  return status;
}

void DriverProcess::restart() { start(); }

std::string DriverProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(directory_ + "/log").rdbuf();
  return text.str();
}

Status DriverProcess::set_policy(const proto::DriverPolicy& policy) {
  grpc::ClientContext context;
  proto::UpdateDriverPolicyReply reply;
  const auto writer = stub_->UpdatePolicy(&context, &reply);
  writer->WriteLast(whole_policy(policy), grpc::WriteOptions());
  Status status = rpc::from_grpc(writer->Finish());
  attached_ = reply.attached();
  return status;
}

Status DriverProcess::install(const proto::Sa& sa) {
  grpc::ClientContext context;
  proto::InstallSaRequest request;
  *request.mutable_sa() = sa;
  proto::InstallSaReply reply;
  return rpc::from_grpc(stub_->InstallSa(&context, request, &reply));
}

std::uint32_t DriverProcess::reserve(const std::string& local, const std::string& peer) {
  grpc::ClientContext context;
  proto::ReserveSpiRequest request;
  request.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  *request.mutable_local() = address_message(local);
  *request.mutable_peer() = address_message(peer);
  proto::ReserveSpiReply reply;
  return stub_->ReserveSpi(&context, request, &reply).ok() ? reply.spi() : 0;
}

proto::DriverStatistics DriverProcess::statistics() {
  grpc::ClientContext context;
  proto::DriverStatistics reply;
  stub_->GetStatistics(&context, {}, &reply);
  return reply;
}

std::uint64_t DriverProcess::verdict(const std::string& name) {
  const proto::DriverStatistics all = statistics();
  for (const proto::Counter& counter : all.verdicts()) {
    if (counter.name() == name) return counter.value();
  }
  return 0;
}

proto::DriverPolicyUpdate whole_policy(const proto::DriverPolicy& policy) {
  proto::DriverPolicyUpdate update;
  *update.mutable_settings() = policy;
  update.mutable_settings()->clear_filters();
  for (const proto::Filter& filter : policy.filters()) {
    proto::Filter& inserted = *update.mutable_change()->add_inserted();
    inserted = filter;
    inserted.set_index(update.change().count());
    update.mutable_change()->set_count(update.change().count() + 1);
  }
  update.set_commit(true);
  return update;
}

proto::DriverPolicy inactive_policy() {
  proto::DriverPolicy policy;
  policy.set_version(1);
  return policy;
}

proto::DriverPolicy policy_for_all(proto::Action action) {
  proto::DriverPolicy policy;
  policy.set_version(2);
  policy.set_policy_name("test");
  policy.set_active(true);
  policy.set_profile("modern");
  for (const char* address : {"10.98.0.1", "10.98.0.2", "10.99.0.1", "10.99.0.2", "fd99::1", "fd99::2"}) {
    *policy.add_local_addresses() = address_message(address);
  }
  std::uint64_t offset = 0;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    add_filter(policy, kOutboundFilter + offset, kInboundFilter + offset, proto::DIRECTION_OUTBOUND, action, family);
    add_filter(policy, kInboundFilter + offset, kOutboundFilter + offset, proto::DIRECTION_INBOUND, action, family);
    offset += 10;
  }
  return policy;
}

proto::Address address_message(const std::string& text) { return rpc::to_proto(IpAddress::parse(text).value()); }

proto::Sa transport_sa(proto::Direction direction, std::uint32_t spi, const std::string& source,
                       const std::string& destination, proto::Cipher cipher, proto::Integrity integrity,
                       char key_byte) {
  const IpAddress from = IpAddress::parse(source).value();
  const IpAddress to = IpAddress::parse(destination).value();
  const CipherInfo& cipher_info = info(rpc::from_proto(cipher, "cipher").value());
  const IntegrityInfo& integrity_info = info(rpc::from_proto(integrity, "integrity").value());
  proto::Sa sa;
  sa.set_spi(spi);
  sa.set_direction(direction);
  sa.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  sa.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
  *sa.mutable_source() = rpc::to_proto(from);
  *sa.mutable_destination() = rpc::to_proto(to);
  *sa.mutable_selector() =
      rpc::to_proto(Selector{AddressRange::host(from), AddressRange::host(to), kProtocolAny, {}, {}});
  const std::uint64_t family_offset = from.is_v4() ? 0 : 10;
  sa.set_filter_id((direction == proto::DIRECTION_OUTBOUND ? kOutboundFilter : kInboundFilter) + family_offset);
  sa.set_cipher(cipher);
  sa.set_integrity(integrity);
  sa.set_encryption_key(std::string(cipher_info.key_size + cipher_info.salt_size, key_byte));
  sa.set_integrity_key(std::string(integrity_info.key_size, static_cast<char>(key_byte + 1)));
  return sa;
}

}  // namespace ipsec::testing

#include "cli/agent_client.h"

#include <grpcpp/grpcpp.h>

#include "cli/limits.h"
#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "proto/policyagent.grpc.pb.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"

namespace ipsec::cli {

namespace {

class AgentClient : public Agent {
 public:
  explicit AgentClient(const std::string& runtime_directory)
      : socket_(rpc::policy_agent_socket(runtime_directory)),
        driver_socket_(rpc::driver_socket(runtime_directory)),
        ike_socket_(rpc::ike_socket(runtime_directory)),
        channel_(rpc::connect_channel(socket_)),
        stub_(proto::PolicyAgent::NewStub(channel_)) {}

  Result<proto::ApplyReply> apply(const proto::ApplyRequest& request) override { return call(&Stub::Apply, request); }
  Result<proto::ReadReply> read(const proto::ReadRequest& request) override { return call(&Stub::Read, request); }
  Result<proto::ExportReply> export_policies(const proto::ExportRequest& request) override {
    return call(&Stub::ExportPolicies, request);
  }
  Result<proto::ImportReply> import_policies(const proto::ImportRequest& request) override {
    return call(&Stub::ImportPolicies, request);
  }
  Result<proto::LintReply> lint(const proto::LintRequest& request) override { return call(&Stub::Lint, request); }
  Result<proto::AgentStatus> status() override { return call(&Stub::GetStatus, proto::GetStatusRequest()); }
  Result<proto::CompiledPolicyReply> compiled_policy() override {
    grpc::ClientContext context;
    rpc::set_patience(context, std::chrono::seconds(kCallSeconds));
    const auto reader = stub_->GetCompiledPolicy(&context, proto::GetCompiledPolicyRequest());
    proto::CompiledPolicyReply whole;
    proto::CompiledPolicyReply part;
    while (reader->Read(&part)) whole.MergeFrom(part);
    const Status status = rpc::from_grpc(reader->Finish());
    if (!status.ok()) return status;
    return whole;
  }
  Result<proto::DynamicPolicy> dynamic_policy() override {
    return call(&Stub::GetDynamicPolicy, proto::GetDynamicPolicyRequest());
  }
  Result<proto::DeleteMainModeSasReply> delete_main_mode_sas(const proto::DeleteMainModeSasRequest& request) override {
    return call(&Stub::DeleteMainModeSas, request);
  }
  Result<proto::ApplyReply> add_manual_sa(const proto::AddManualSaRequest& request) override {
    return call(&Stub::AddManualSa, request);
  }
  Result<proto::DeleteManualSasReply> delete_manual_sas(const proto::DeleteManualSasRequest& request) override {
    return call(&Stub::DeleteManualSas, request);
  }
  Result<proto::ListMainModeSasReply> main_mode_sas() override {
    return call(&Stub::ListMainModeSas, proto::ListMainModeSasRequest());
  }
  Result<proto::ListCertificatesReply> certificates() override {
    return call(&Stub::ListCertificates, proto::ListCertificatesRequest());
  }
  Result<proto::ListFailedNegotiationsReply> failed_negotiations() override {
    return call(&Stub::ListFailedNegotiations, proto::ListFailedNegotiationsRequest());
  }
  Result<proto::ListSasReply> quick_mode_sas() override {
    return call(&Stub::ListQuickModeSas, proto::ListSasRequest());
  }
  Result<proto::Statistics> statistics() override { return call(&Stub::GetStatistics, proto::GetStatisticsRequest()); }
  Result<proto::ReloadReply> reload() override { return call(&Stub::Reload, proto::ReloadRequest()); }
  Result<proto::ListEventsReply> events(std::uint32_t newest) override {
    proto::ListEventsRequest request;
    request.set_newest(newest);
    return call(&Stub::ListEvents, request);
  }
  Result<std::vector<proto::PacketTrace>> trace_packets(const proto::TracePacketsRequest& request,
                                                        std::chrono::seconds time) override {
    const auto driver = proto::Driver::NewStub(rpc::connect_channel(driver_socket_));
    grpc::ClientContext context;
    rpc::set_patience(context, time);
    const auto reader = driver->TracePackets(&context, request);
    std::vector<proto::PacketTrace> traces;
    proto::PacketTrace trace;
    while (reader->Read(&trace)) traces.push_back(std::move(trace));
    const grpc::Status status = reader->Finish();
    // The time is over: that is how most traces end.
    if (status.ok() || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return traces;
    return rpc::from_grpc(status);
  }
  Result<proto::PacketTrace> explain_packet(const proto::ExplainPacketRequest& request) override {
    const auto driver = proto::Driver::NewStub(rpc::connect_channel(driver_socket_));
    grpc::ClientContext context;
    rpc::set_patience(context, std::chrono::seconds(kCallSeconds));
    proto::PacketTrace reply;
    const Status status = rpc::from_grpc(driver->ExplainPacket(&context, request, &reply));
    if (!status.ok()) return status;
    return reply;
  }
  Result<std::vector<proto::KeyRecord>> export_keys(std::chrono::seconds time) override {
    const auto ike = proto::Ike::NewStub(rpc::connect_channel(ike_socket_));
    grpc::ClientContext context;
    rpc::set_patience(context, time);
    const auto reader = ike->ExportKeys(&context, proto::ExportKeysRequest());
    std::vector<proto::KeyRecord> records;
    proto::KeyRecord record;
    while (reader->Read(&record)) records.push_back(std::move(record));
    const grpc::Status status = reader->Finish();
    // The time is over: so every export ends.
    if (status.ok() || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return records;
    return rpc::from_grpc(status);
  }
  std::string location() const override { return socket_; }

 private:
  using Stub = proto::PolicyAgent::Stub;

  template <typename Request, typename Reply>
  Result<Reply> call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                     const Request& request) {
    grpc::ClientContext context;
    rpc::set_patience(context, std::chrono::seconds(kCallSeconds));
    Reply reply;
    const Status status = rpc::from_grpc((stub_.get()->*method)(&context, request, &reply));
    if (status.ok()) return reply;
    // A connected agent may say that a service behind it does not answer: that is no failure to reach the agent.
    const bool is_from_agent = channel_->GetState(false) == GRPC_CHANNEL_READY;
    if (status.code() == ErrorCode::kUnavailable && is_from_agent) return refused(status.message());
    return status;
  }

  std::string socket_;
  std::string driver_socket_;
  std::string ike_socket_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace

std::unique_ptr<Agent> connect_agent(const std::string& runtime_directory) {
  return std::make_unique<AgentClient>(runtime_directory);
}

}  // namespace ipsec::cli

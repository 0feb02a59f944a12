#pragma once

#include <chrono>
#include <vector>

#include "proto/policyagent.pb.h"
#include "services/common/result.h"
#include "services/common/rpc/convert.h"

// What netsh and ipsecmon ask of the Policy Agent; one function for each call of proto/policyagent.proto. kUnavailable:
// the agent does not answer. kNotFound: it has no such object.
namespace ipsec::cli {

class Agent {
 public:
  virtual ~Agent() = default;
  virtual Result<proto::ApplyReply> apply(const proto::ApplyRequest& request) = 0;
  virtual Result<proto::ReadReply> read(const proto::ReadRequest& request) = 0;
  virtual Result<proto::ExportReply> export_policies(const proto::ExportRequest& request) = 0;
  virtual Result<proto::ImportReply> import_policies(const proto::ImportRequest& request) = 0;
  virtual Result<proto::LintReply> lint(const proto::LintRequest& request) = 0;
  virtual Result<proto::AgentStatus> status() = 0;
  virtual Result<proto::CompiledPolicyReply> compiled_policy() = 0;
  virtual Result<proto::DynamicPolicy> dynamic_policy() = 0;
  virtual Result<proto::ListMainModeSasReply> main_mode_sas() = 0;
  virtual Result<proto::ListCertificatesReply> certificates() = 0;
  virtual Result<proto::ListSasReply> quick_mode_sas() = 0;
  virtual Result<proto::ListFailedNegotiationsReply> failed_negotiations() = 0;
  virtual Result<proto::DeleteMainModeSasReply> delete_main_mode_sas(
      const proto::DeleteMainModeSasRequest& request) = 0;
  virtual Result<proto::ApplyReply> add_manual_sa(const proto::AddManualSaRequest& request) = 0;
  virtual Result<proto::DeleteManualSasReply> delete_manual_sas(const proto::DeleteManualSasRequest& request) = 0;
  virtual Result<proto::Statistics> statistics() = 0;
  virtual Result<proto::ReloadReply> reload() = 0;
  virtual Result<proto::ListEventsReply> events(std::uint32_t newest) = 0;
  // Of the driver itself, whose socket is root's alone: packets tell who talks to whom. What came by until the count
  // was reached or the time was over.
  virtual Result<std::vector<proto::PacketTrace>> trace_packets(const proto::TracePacketsRequest& request,
                                                                std::chrono::seconds time) = 0;
  virtual Result<proto::PacketTrace> explain_packet(const proto::ExplainPacketRequest& request) = 0;
  // Of the IKE service itself, whose socket is root's alone: keys of the main modes that are there, and of what is made
  // within the time. Secrets.
  virtual Result<std::vector<proto::KeyRecord>> export_keys(std::chrono::seconds time) = 0;
  // Where it is looked for, for messages.
  virtual std::string location() const = 0;
};

}  // namespace ipsec::cli

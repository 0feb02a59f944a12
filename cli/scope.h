#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/agent.h"

namespace ipsec::cli {

// What `set store`, `set batch` and --strict make of the calls of one netsh: an Agent in front of the agent. Every call
// goes to the store that is set. While it is staging, changes are kept back, reads answer as if they had been made, and
// commit() makes all of them or none.
class AgentScope : public Agent {
 public:
  // `agent` is borrowed.
  explicit AgentScope(Agent& agent) : agent_(agent) {}
  // Changes that a batch holds back are loaded now; a failure then has no one to tell.
  ~AgentScope() override;
  AgentScope(const AgentScope&) = delete;
  AgentScope& operator=(const AgentScope&) = delete;

  const proto::StoreLocation& store() const { return store_; }
  void set_store(proto::StoreLocation store) { store_ = std::move(store); }
  // Disabling has what was held back loaded.
  Status set_batch(bool enabled);

  // ---- staging ----
  bool is_staging() const { return is_staging_; }
  void start_staging() { is_staging_ = true; }
  // Where the changes that follow come from: "file:12".
  void set_origin(std::string origin) { origin_ = std::move(origin); }
  // Where the change at this place of the committed request comes from; empty: nowhere.
  std::string origin_of(std::size_t change) const;
  // Ends staging.
  Result<proto::ApplyReply> commit();
  void discard();

  // ---- Agent ----
  Result<proto::ApplyReply> apply(const proto::ApplyRequest& request) override;
  Result<proto::ReadReply> read(const proto::ReadRequest& request) override;
  Result<proto::ExportReply> export_policies(const proto::ExportRequest& request) override;
  Result<proto::ImportReply> import_policies(const proto::ImportRequest& request) override;
  Result<proto::LintReply> lint(const proto::LintRequest& request) override;
  Result<proto::AgentStatus> status() override { return agent_.status(); }
  Result<proto::CompiledPolicyReply> compiled_policy() override { return agent_.compiled_policy(); }
  Result<proto::DynamicPolicy> dynamic_policy() override { return agent_.dynamic_policy(); }
  Result<proto::ListMainModeSasReply> main_mode_sas() override { return agent_.main_mode_sas(); }
  Result<proto::ListCertificatesReply> certificates() override { return agent_.certificates(); }
  Result<proto::ListFailedNegotiationsReply> failed_negotiations() override { return agent_.failed_negotiations(); }
  Result<proto::ListSasReply> quick_mode_sas() override { return agent_.quick_mode_sas(); }
  Result<proto::DeleteMainModeSasReply> delete_main_mode_sas(const proto::DeleteMainModeSasRequest& request) override;
  Result<proto::ApplyReply> add_manual_sa(const proto::AddManualSaRequest& request) override;
  Result<proto::DeleteManualSasReply> delete_manual_sas(const proto::DeleteManualSasRequest& request) override;
  Result<proto::Statistics> statistics() override { return agent_.statistics(); }
  Result<proto::ReloadReply> reload() override;
  Result<proto::ListEventsReply> events(std::uint32_t newest) override { return agent_.events(newest); }
  Result<std::vector<proto::PacketTrace>> trace_packets(const proto::TracePacketsRequest& request,
                                                        std::chrono::seconds time) override {
    return agent_.trace_packets(request, time);
  }
  Result<std::vector<proto::KeyRecord>> export_keys(std::chrono::seconds time) override {
    return agent_.export_keys(time);
  }
  Result<proto::PacketTrace> explain_packet(const proto::ExplainPacketRequest& request) override {
    return agent_.explain_packet(request);
  }
  std::string location() const override { return agent_.location(); }

 private:
  // Refused while staging: it could not be undone.
  Status check_not_staging(std::string_view what) const;
  template <typename Request>
  Request in_store(Request request) const;

  Agent& agent_;
  proto::StoreLocation store_;
  bool is_batch_ = false;
  bool holds_back_ = false;
  bool is_staging_ = false;
  std::string origin_;
  proto::ApplyRequest staged_;
  std::vector<std::string> origins_;  // of the staged changes
};

// Preshared keys in a message do not wipe themselves.
void wipe_keys(proto::Change& change);

}  // namespace ipsec::cli

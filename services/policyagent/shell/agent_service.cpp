#include "services/policyagent/shell/agent_service.h"

#include <atomic>

#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "proto/policyagent.grpc.pb.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"
#include "services/policyagent/shell/configuration.h"
#include "services/policyagent/shell/dynamic_messages.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/lint_messages.h"
#include "services/policyagent/shell/manual_sa_messages.h"
#include "services/policyagent/shell/policy_messages.h"
#include "services/policyagent/shell/remedy_commands.h"
#include "services/policyagent/shell/requested_changes.h"
#include "services/policyagent/shell/running_policy.h"
#include "services/policyagent/shell/status_messages.h"
#include "services/policyagent/shell/tree_reader.h"

namespace ipsec::agent {
namespace {

using grpc::ServerContext;
using rpc::to_grpc;

void add_problems(const store::Problems& problems, google::protobuf::RepeatedPtrField<proto::Problem>& list) {
  for (const store::Problem& problem : problems) *list.Add() = to_proto(problem);
}

std::uint32_t members(const nlohmann::json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_array() ? static_cast<std::uint32_t>(found->size()) : 0;
}

template <typename Reply>
grpc::Status answer(Result<Reply> result, Reply& reply) {
  if (!result.ok()) return to_grpc(result.status());
  reply = std::move(result).value();
  return grpc::Status::OK;
}

// `persistent` is the local store: that one is in force from the agent's start until a central or cached policy is.
Result<StoreName> store_of(const proto::StoreLocation& location, const Agent& agent) {
  switch (location.kind()) {
    case proto::StoreLocation::KIND_LOCAL:
    case proto::StoreLocation::KIND_PERSISTENT:
      return StoreName::kLocal;
    case proto::StoreLocation::KIND_CACHE:
      return StoreName::kCache;
    case proto::StoreLocation::KIND_DOMAIN:
      break;
    default:
      return invalid(fmt::format("store kind {} is not known", static_cast<int>(location.kind())));
  }
  const std::string& central = agent.central_location();
  if (location.domain().empty() || location.domain() == central) return StoreName::kCentral;
  return refused(fmt::format("there is no central store '{}' here; accepted is {}", location.domain(),
                             central.empty() ? "none: the agent's configuration names no central-store"
                                             : fmt::format("'{}', or no name", central)));
}

// Counts the threads that watchers keep busy.
class WatcherSlot {
 public:
  explicit WatcherSlot(std::atomic<int>& used) : used_(used), granted_(++used <= limits::kMaxEventWatchers) {}
  ~WatcherSlot() { --used_; }
  WatcherSlot(const WatcherSlot&) = delete;
  WatcherSlot& operator=(const WatcherSlot&) = delete;
  bool granted() const { return granted_; }

 private:
  std::atomic<int>& used_;
  const bool granted_;
};

class AgentService final : public proto::PolicyAgent::Service {
 public:
  explicit AgentService(AgentParts parts)
      : parts_(std::move(parts)), running_(parts_.agent, parts_.events, parts_.config_path) {}

  grpc::Status Apply(ServerContext*, const proto::ApplyRequest* request, proto::ApplyReply* reply) override {
    const auto where = store_of(request->store(), parts_.agent);
    if (!where.ok()) return to_grpc(where.status());
    RequestedChanges changes = read_changes(*request, parts_.resolver);
    if (changes.problems.empty()) {
      const auto apply_stored = [&] {
        return changes.stored.empty() ? Result<store::Problems>(store::Problems())
                                      : parts_.agent.apply(changes.stored, *where, request->batch());
      };
      auto applied = apply_all(changes, apply_stored);
      if (!applied.ok()) return to_grpc(applied.status());
      changes.problems = *std::move(applied);
    }
    add_problems(changes.problems, *reply->mutable_problems());
    return grpc::Status::OK;
  }

  grpc::Status Read(ServerContext*, const proto::ReadRequest* request, proto::ReadReply* reply) override {
    const auto where = store_of(request->store(), parts_.agent);
    if (!where.ok()) return to_grpc(where.status());
    reply->set_store(*where == StoreName::kCentral ? "domain" : std::string(name(*where)));
    const auto reader = [&](const store::PolicyTree& tree) -> Status {
      if (request->as_if().empty()) return read_objects(*request, tree, *reply);
      IPSEC_ASSIGN_OR_RETURN(const store::PolicyTree changed, tree_as_if(tree, request->as_if(), parts_.resolver));
      return read_objects(*request, changed, *reply);
    };
    return to_grpc(parts_.agent.read(reader, *where));
  }

  grpc::Status ExportPolicies(ServerContext*, const proto::ExportRequest* request, proto::ExportReply* reply) override {
    const auto where = store_of(request->store(), parts_.agent);
    if (!where.ok()) return to_grpc(where.status());
    auto json = parts_.agent.export_json(request->with_secrets(), request->policy(), *where);
    if (!json.ok()) return to_grpc(json.status());
    reply->set_json(*std::move(json));
    return grpc::Status::OK;
  }

  grpc::Status ImportPolicies(ServerContext*, const proto::ImportRequest* request, proto::ImportReply* reply) override {
    const auto where = store_of(request->store(), parts_.agent);
    if (!where.ok()) return to_grpc(where.status());
    const auto outcome = parts_.agent.import_json(request->json(), *where);
    if (!outcome.ok()) return to_grpc(outcome.status());
    add_problems(*outcome, *reply->mutable_problems());
    if (!outcome->empty()) return grpc::Status::OK;
    const auto document = nlohmann::json::parse(request->json(), nullptr, false);
    reply->set_policies(members(document, "policies"));
    reply->set_filter_lists(members(document, "filter_lists"));
    reply->set_filter_actions(members(document, "filter_actions"));
    return grpc::Status::OK;
  }

  grpc::Status Lint(ServerContext*, const proto::LintRequest* request, proto::LintReply* reply) override {
    const auto where = store_of(request->store(), parts_.agent);
    if (!where.ok()) return to_grpc(where.status());
    return answer(request->in_force() ? lint_running(*request, parts_.agent.assigned_tree(), lint_host())
                                      : lint_stored(*request, *where),
                  *reply);
  }

  grpc::Status GetStatus(ServerContext*, const proto::GetStatusRequest*, proto::AgentStatus* reply) override {
    add_state(parts_.agent.state(), *reply);
    for (const SupervisedService& service : parts_.services) add_service(service, *reply->add_services());
    if (const auto driver = parts_.driver.summary(limits::kStatusPatience); driver.ok()) {
      reply->set_driver_attached(driver->attached());
      reply->set_boot_mode(driver->boot_mode());
    }
    return grpc::Status::OK;
  }

  grpc::Status GetCompiledPolicy(ServerContext*, const proto::GetCompiledPolicyRequest*,
                                 grpc::ServerWriter<proto::CompiledPolicyReply>* writer) override {
    const std::shared_ptr<const PolicyInForce> in_force = parts_.agent.state().in_force;
    for_each_part(*in_force, [writer](const proto::CompiledPolicyReply& part) { return writer->Write(part); });
    proto::CompiledPolicyReply last;
    // Those that nobody has written (EX-14); a driver that is away has none.
    if (auto of_nat = parts_.driver.list_nat_filters(); of_nat.ok()) {
      *last.mutable_driver()->mutable_filters() = std::move(*of_nat->mutable_filters());
    }
    add_exemptions(in_force->policy, last);
    writer->Write(last);
    return grpc::Status::OK;
  }

  grpc::Status GetDynamicPolicy(ServerContext*, const proto::GetDynamicPolicyRequest*,
                                proto::DynamicPolicy* reply) override {
    *reply = to_proto(running_.state(), running_.config_in_effect());
    return grpc::Status::OK;
  }

  grpc::Status ListMainModeSas(ServerContext*, const proto::ListMainModeSasRequest*,
                               proto::ListMainModeSasReply* reply) override {
    return answer(parts_.ike.list_main_mode_sas(), *reply);
  }
  grpc::Status ListCertificates(ServerContext*, const proto::ListCertificatesRequest*,
                                proto::ListCertificatesReply* reply) override {
    return answer(parts_.ike.list_certificates(), *reply);
  }
  grpc::Status ListFailedNegotiations(ServerContext*, const proto::ListFailedNegotiationsRequest*,
                                      proto::ListFailedNegotiationsReply* reply) override {
    auto listed = parts_.ike.list_failed_negotiations();
    if (!listed.ok()) return to_grpc(listed.status());
    const store::PolicyTree assigned = parts_.agent.assigned_tree();
    const store::DynamicPolicy dynamic = running_.state().policy;
    const RemedyWriter writer(assigned, dynamic, stored_policy_names());
    for (proto::FailedNegotiation& failed : *listed->mutable_negotiations()) writer.add_commands(failed);
    *reply = *std::move(listed);
    return grpc::Status::OK;
  }
  grpc::Status ListQuickModeSas(ServerContext*, const proto::ListSasRequest*, proto::ListSasReply* reply) override {
    return answer(parts_.driver.list_sas(), *reply);
  }
  grpc::Status DeleteMainModeSas(ServerContext*, const proto::DeleteMainModeSasRequest* request,
                                 proto::DeleteMainModeSasReply* reply) override {
    return answer(parts_.ike.delete_main_mode_sas(*request), *reply);
  }

  grpc::Status AddManualSa(ServerContext*, const proto::AddManualSaRequest* request,
                           proto::ApplyReply* reply) override {
    store::Problems problems;
    // gRPC owns the message and would release the keys as they are.
    auto sa = read_manual_sa(*const_cast<proto::AddManualSaRequest*>(request),
                             LocalAddresses(parts_.agent.state().host), problems);
    if (sa) {
      auto outcome = parts_.manual_sas.add(*std::move(sa));
      if (!outcome.ok()) return to_grpc(outcome.status());
      problems = *std::move(outcome);
    }
    add_problems(problems, *reply->mutable_problems());
    return grpc::Status::OK;
  }
  grpc::Status DeleteManualSas(ServerContext*, const proto::DeleteManualSasRequest* request,
                               proto::DeleteManualSasReply* reply) override {
    std::optional<IpAddress> peer;
    if (request->has_peer()) {
      const auto address = rpc::from_proto(request->peer(), "peer");
      if (!address.ok()) return to_grpc(address.status());
      peer = *address;
    }
    const auto deleted = parts_.manual_sas.remove(request->spi(), peer ? &*peer : nullptr);
    if (!deleted.ok()) return to_grpc(deleted.status());
    reply->set_deleted(*deleted);
    return grpc::Status::OK;
  }

  grpc::Status GetStatistics(ServerContext*, const proto::GetStatisticsRequest*, proto::Statistics* reply) override {
    if (auto ike = parts_.ike.statistics(limits::kQueryPatience); ike.ok()) *reply->mutable_ike() = *std::move(ike);
    if (auto driver = parts_.driver.statistics(limits::kQueryPatience); driver.ok()) {
      *reply->mutable_driver() = *std::move(driver);
    }
    return grpc::Status::OK;
  }

  grpc::Status Reload(ServerContext*, const proto::ReloadRequest*, proto::ReloadReply* reply) override {
    reply->set_outcome(parts_.agent.load("reload"));
    parts_.ike.reload_certificates();
    return grpc::Status::OK;
  }

  grpc::Status WatchEvents(ServerContext* context, const proto::WatchEventsRequest* request,
                           grpc::ServerWriter<proto::Event>* writer) override {
    const WatcherSlot slot(watchers_);
    if (!slot.granted()) {
      return to_grpc(
          exhausted(fmt::format("{} watchers are connected already, that is the limit", limits::kMaxEventWatchers)));
    }
    if (request->backlog() > limits::kEventBacklog) {
      return to_grpc(invalid(fmt::format("backlog: 0 to {}, found {}", limits::kEventBacklog, request->backlog())));
    }
    const auto queue = parts_.events.watch(request->backlog());
    writer->SendInitialMetadata();
    rpc::write_stream(*context, *writer, *queue);
    return grpc::Status::OK;
  }

  grpc::Status ListEvents(ServerContext*, const proto::ListEventsRequest* request,
                          proto::ListEventsReply* reply) override {
    const std::uint32_t wanted = request->newest() == 0 ? limits::kEventsByDefault : request->newest();
    for (EventLog::Event& event : parts_.events.newest(wanted)) *reply->add_events() = std::move(event);
    return grpc::Status::OK;
  }

 private:
  std::vector<std::string> stored_policy_names() {
    std::vector<std::string> names;
    const auto reader = [&names](const store::PolicyTree& tree) -> Status {
      for (const store::Policy& policy : tree.policies) names.push_back(policy.name);
      return {};
    };
    // A store that cannot be read has none to name.
    return parts_.agent.read(reader).ok() ? names : std::vector<std::string>();
  }

  LintHost lint_host() {
    return {parts_.agent.state().host, running_.state().policy,
            store::property_number(running_.config_in_effect(), "ipsecexempt")};
  }

  Result<proto::LintReply> lint_stored(const proto::LintRequest& request, StoreName where) {
    // A copy: compiling every policy must not hold up the agent.
    store::PolicyTree tree;
    const auto copy = [&tree](const store::PolicyTree& stored) {
      tree = stored;
      return Status();
    };
    IPSEC_RETURN_IF_ERROR(parts_.agent.read(copy, where));
    return lint_tree(request, tree, lint_host());
  }

  Result<store::Problems> apply_all(const RequestedChanges& changes,
                                    const std::function<Result<store::Problems>()>& apply_stored) {
    const bool has_dynamic = !changes.dynamic.empty();
    RunningPolicy::Outcome outcome;
    if (has_dynamic) {
      IPSEC_ASSIGN_OR_RETURN(outcome, running_.apply(changes.dynamic, apply_stored));
    } else {
      IPSEC_ASSIGN_OR_RETURN(outcome.problems, apply_stored());
      outcome.from_stored = true;
    }
    const std::vector<std::size_t>& places = outcome.from_stored ? changes.stored_places : changes.dynamic_places;
    for (store::Problem& problem : outcome.problems) problem.change_index = places[problem.change_index];
    return std::move(outcome.problems);
  }

  const AgentParts parts_;
  RunningPolicy running_;
  std::atomic<int> watchers_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> make_agent_service(AgentParts parts) {
  return std::make_unique<AgentService>(std::move(parts));
}

}  // namespace ipsec::agent

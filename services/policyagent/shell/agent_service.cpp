#include "services/policyagent/shell/agent_service.h"

#include <algorithm>
#include <atomic>

#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "proto/policyagent.grpc.pb.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/policy_messages.h"
#include "store/lookup.h"

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

// This agent has a local store only; a change meant for another must not end up in it.
Status require_local(const proto::StoreLocation& store) {
  if (store.kind() == proto::StoreLocation::KIND_LOCAL) return {};
  const std::string name = proto::StoreLocation::Kind_Name(store.kind());
  return refused(fmt::format("this host has no such policy store ({}); it has the local store", name));
}

// The objects that a ReadRequest asks for.
class TreeReader {
 public:
  TreeReader(const proto::ReadRequest& request, const store::PolicyTree& tree, proto::ReadReply& reply)
      : request_(request), tree_(tree), reply_(reply) {}

  Status run() {
    std::optional<store::Reference> object;
    if (request_.has_object()) {
      store::Problems problems;
      object = to_reference(request_.object(), problems);
      if (!object) return invalid(store::to_string(problems.front()));
    }
    switch (request_.kind()) {
      case proto::ReadRequest::KIND_UNSPECIFIED:
        return everything();
      case proto::ReadRequest::KIND_POLICY:
        return pick(tree_.policies, object, store::find_policy, "policy",
                    [this](const store::Policy& policy) { add(policy); });
      case proto::ReadRequest::KIND_FILTER_LIST:
        return pick(tree_.filter_lists, object, store::find_filter_list, "filter list",
                    [this](const store::FilterList& list) { add(list); });
      case proto::ReadRequest::KIND_FILTER_ACTION:
        return pick(tree_.filter_actions, object, store::find_filter_action, "filter action",
                    [this](const store::FilterAction& action) { add(action); });
      case proto::ReadRequest::KIND_RULE:
        return rules(object);
      default:
        return invalid(fmt::format("kind {} is not known", static_cast<int>(request_.kind())));
    }
  }

 private:
  template <typename T, typename Find, typename Add>
  Status pick(const std::vector<T>& all, const std::optional<store::Reference>& object, Find find,
              std::string_view kind, Add add_one) {
    if (!object) {
      std::for_each(all.begin(), all.end(), add_one);
      return {};
    }
    const T* found = find(tree_, *object);
    if (found == nullptr) return missing(kind, *object);
    add_one(*found);
    return {};
  }

  static Status missing(std::string_view kind, const store::Reference& reference) {
    const auto* text = std::get_if<std::string>(&reference);
    return not_found(
        fmt::format("there is no {} '{}'", kind, text != nullptr ? *text : std::get<store::Guid>(reference).text));
  }

  Status rules(const std::optional<store::Reference>& object) {
    const store::Policy* policy = store::find_policy(tree_, request_.policy());
    if (policy == nullptr) return missing("policy", request_.policy());
    return pick(
        policy->rules, object,
        [policy](const store::PolicyTree&, const store::Reference& reference) {
          return store::find_rule(*policy, reference);
        },
        "rule", [&](const store::Rule& rule) { *reply_.add_rules() = to_proto(rule, *policy, tree_); });
  }

  Status everything() {
    for (const store::Policy& policy : tree_.policies) add(policy);
    for (const store::FilterList& list : tree_.filter_lists) add(list);
    for (const store::FilterAction& action : tree_.filter_actions) add(action);
    return {};
  }

  void add(const store::Policy& policy) { *reply_.add_policies() = to_proto(policy, tree_, request_.with_children()); }
  void add(const store::FilterList& list) { *reply_.add_filter_lists() = to_proto(list, request_.with_children()); }
  void add(const store::FilterAction& action) { *reply_.add_filter_actions() = to_proto(action); }

  const proto::ReadRequest& request_;
  const store::PolicyTree& tree_;
  proto::ReadReply& reply_;
};

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
  explicit AgentService(AgentParts parts) : parts_(std::move(parts)) {}

  grpc::Status Apply(ServerContext*, const proto::ApplyRequest* request, proto::ApplyReply* reply) override {
    if (const Status status = require_local(request->store()); !status.ok()) return to_grpc(status);
    store::Problems problems;
    std::vector<store::Change> changes;
    for (int i = 0; i < request->changes_size(); ++i) {
      const std::size_t before = problems.size();
      if (auto change = to_change(request->changes(i), parts_.resolver, problems))
        changes.push_back(*std::move(change));
      for (std::size_t p = before; p < problems.size(); ++p) problems[p].change_index = static_cast<std::size_t>(i);
    }
    if (problems.empty()) {
      auto applied = parts_.agent.apply(changes);
      if (!applied.ok()) return to_grpc(applied.status());
      problems = *std::move(applied);
    }
    add_problems(problems, *reply->mutable_problems());
    return grpc::Status::OK;
  }

  grpc::Status Read(ServerContext*, const proto::ReadRequest* request, proto::ReadReply* reply) override {
    if (const Status status = require_local(request->store()); !status.ok()) return to_grpc(status);
    reply->set_store("local");
    return to_grpc(
        parts_.agent.read([&](const store::PolicyTree& tree) { return TreeReader(*request, tree, *reply).run(); }));
  }

  grpc::Status ExportPolicies(ServerContext*, const proto::ExportRequest* request, proto::ExportReply* reply) override {
    if (const Status status = require_local(request->store()); !status.ok()) return to_grpc(status);
    auto json = parts_.agent.export_json(request->with_secrets(), request->policy());
    if (!json.ok()) return to_grpc(json.status());
    reply->set_json(*std::move(json));
    return grpc::Status::OK;
  }

  grpc::Status ImportPolicies(ServerContext*, const proto::ImportRequest* request, proto::ImportReply* reply) override {
    if (const Status status = require_local(request->store()); !status.ok()) return to_grpc(status);
    const auto outcome = parts_.agent.import_json(request->json());
    if (!outcome.ok()) return to_grpc(outcome.status());
    add_problems(*outcome, *reply->mutable_problems());
    if (!outcome->empty()) return grpc::Status::OK;
    const auto document = nlohmann::json::parse(request->json(), nullptr, false);
    reply->set_policies(members(document, "policies"));
    reply->set_filter_lists(members(document, "filter_lists"));
    reply->set_filter_actions(members(document, "filter_actions"));
    return grpc::Status::OK;
  }

  grpc::Status GetStatus(ServerContext*, const proto::GetStatusRequest*, proto::AgentStatus* reply) override {
    const Agent::State state = parts_.agent.state();
    const CompiledPolicy& policy = state.in_force->policy;
    reply->set_state(std::string(name(state.retrieval)));
    reply->set_policy_name(policy.policy_name);
    reply->set_policy_version(state.in_force->version);
    reply->set_polling_interval_minutes(state.polling_interval_minutes);
    for (const SupervisedService& service : parts_.services) add_service(service, *reply->add_services());
    if (const auto driver = parts_.driver.summary(limits::kStatusPatience); driver.ok()) {
      reply->set_driver_attached(driver->attached());
    }
    for (const Interface& interface : state.host.interfaces) reply->add_interfaces(interface.name);
    for (const IpAddress& address : policy.local_addresses) *reply->add_local_addresses() = rpc::to_proto(address);
    if (policy.active) reply->set_profile(std::string(name(policy.profile)));
    reply->set_last_load_reason(state.last_load_reason);
    reply->set_last_load_outcome(state.last_load_outcome);
    return grpc::Status::OK;
  }

  grpc::Status GetCompiledPolicy(ServerContext*, const proto::GetCompiledPolicyRequest*,
                                 proto::CompiledPolicyReply* reply) override {
    const std::shared_ptr<const PolicyInForce> in_force = parts_.agent.state().in_force;
    *reply->mutable_driver() = to_driver_policy(*in_force);
    *reply->mutable_ike() = to_ike_policy(*in_force);
    for (const GenericFilter& filter : in_force->policy.generic_filters)
      *reply->add_generic_filters() = to_proto(filter);
    return grpc::Status::OK;
  }

  grpc::Status ListMainModeSas(ServerContext*, const proto::ListMainModeSasRequest*,
                               proto::ListMainModeSasReply* reply) override {
    return answer(parts_.ike.list_main_mode_sas(), *reply);
  }
  grpc::Status ListQuickModeSas(ServerContext*, const proto::ListSasRequest*, proto::ListSasReply* reply) override {
    return answer(parts_.driver.list_sas(), *reply);
  }
  grpc::Status DeleteMainModeSas(ServerContext*, const proto::DeleteMainModeSasRequest* request,
                                 proto::DeleteMainModeSasReply* reply) override {
    return answer(parts_.ike.delete_main_mode_sas(*request), *reply);
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
  static void add_service(const SupervisedService& service, proto::ServiceStatus& status) {
    const ServiceLink::State link = service.link.state();
    status.set_name(service.name);
    status.set_connected(link.connected);
    status.set_policy_version(link.acknowledged_version);
    const Supervisor::State process = service.supervisor.state();
    status.set_pid(process.process);
    status.set_restarts(process.restarts);
  }

  const AgentParts parts_;
  std::atomic<int> watchers_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> make_agent_service(AgentParts parts) {
  return std::make_unique<AgentService>(std::move(parts));
}

}  // namespace ipsec::agent

#include "services/policyagent/shell/agent_service.h"

#include <algorithm>
#include <atomic>

#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "proto/policyagent.grpc.pb.h"
#include "services/common/daemon/clock.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"
#include "services/policyagent/shell/dynamic_messages.h"
#include "services/policyagent/shell/generic_main_mode.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/lint_facts.h"
#include "services/policyagent/shell/policy_messages.h"
#include "services/policyagent/shell/requested_changes.h"
#include "services/policyagent/shell/running_policy.h"
#include "services/policyagent/shell/ssh_sessions.h"
#include "store/lint/lint.h"
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

proto::LintFinding to_message(const store::lint::Finding& finding) {
  proto::LintFinding message;
  message.set_id(finding.id);
  message.set_severity(std::string(store::lint::to_string(finding.severity)));
  message.set_policy(finding.policy);
  message.set_object(finding.object);
  message.set_why(finding.why);
  for (const std::string& line : finding.mend) message.add_mend(line);
  return message;
}

// Those of the request, else the SSH connections of this host.
Result<std::vector<FiveTuple>> sessions_of(const proto::LintRequest& request) {
  if (request.sessions().empty()) return ssh_sessions();
  std::vector<FiveTuple> sessions;
  for (const proto::FiveTuple& message : request.sessions()) {
    IPSEC_ASSIGN_OR_RETURN(const FiveTuple session, rpc::from_proto(message, "sessions"));
    sessions.push_back(session);
  }
  return sessions;
}

// The documented system's keys of the registry, for those who know it by them (ST-15).
constexpr std::string_view kRegistry = R"(HKLM\SOFTWARE\Policies\Microsoft\Windows\IPSec\)";
std::string_view registry_name(StoreName store) {
  switch (store) {
    case StoreName::kLocal:
      return R"(Policy\Local)";
    case StoreName::kCache:
      return R"(Policy\Cache)";
    case StoreName::kCentral:
      break;
  }
  return R"(GPTIPSECPolicy\DSIPSECPolicyPath)";
}

std::string_view state_of(const StoreRecord& record) {
  if (record.in_force) return "in force";
  if (!record.asked) return "not asked";
  if (!record.answered) return "unavailable";
  return record.policy_name.empty() ? "empty" : "available";
}

void add_store(const StoreRecord& record, proto::StoreStatus& status) {
  status.set_name(std::string(name(record.name)));
  status.set_location(record.location);
  status.set_registry_name(fmt::format("{}{}", kRegistry, registry_name(record.name)));
  status.set_state(std::string(state_of(record)));
  status.set_policy_name(record.policy_name);
  status.set_version(record.version);
  status.set_read_at(record.read_at);
  status.set_problem(record.problem);
}

std::int64_t seconds_until(Timestamp time) {
  if (time == kNever) return -1;
  return std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(time - daemon::monotonic_now()).count(), 0);
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
      if (request->as_if().empty()) return TreeReader(*request, tree, *reply).run();
      IPSEC_ASSIGN_OR_RETURN(const store::PolicyTree changed, tree_as_if(tree, request->as_if(), parts_.resolver));
      return TreeReader(*request, changed, *reply).run();
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
    auto sessions = sessions_of(*request);
    if (!sessions.ok()) return to_grpc(sessions.status());
    // A copy: compiling every policy must not hold up the agent.
    store::PolicyTree tree;
    const Status read = parts_.agent.read(
        [&](const store::PolicyTree& stored) {
          tree = stored;
          return Status();
        },
        *where);
    if (!read.ok()) return to_grpc(read);
    std::optional<store::Reference> policy;
    if (!request->policy().empty()) policy = store::Reference(request->policy());
    if (policy && store::find_policy(tree, *policy) == nullptr) {
      return to_grpc(not_found(fmt::format("there is no policy '{}'", request->policy())));
    }
    const auto facts = lint_facts(tree, parts_.agent.state().host, *std::move(sessions));
    for (const auto& finding : store::lint::lint(tree, facts, policy)) *reply->add_findings() = to_message(finding);
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
    reply->set_state_name(std::string(documented_name(state.retrieval)));
    for (const StoreRecord& record : state.stores) add_store(record, *reply->add_stores());
    reply->set_next_poll_seconds(seconds_until(state.next_poll));
    reply->set_loads(state.loads);
    reply->set_last_load_at(state.last_load_at);
    return grpc::Status::OK;
  }

  grpc::Status GetCompiledPolicy(ServerContext*, const proto::GetCompiledPolicyRequest*,
                                 proto::CompiledPolicyReply* reply) override {
    const std::shared_ptr<const PolicyInForce> in_force = parts_.agent.state().in_force;
    *reply->mutable_driver() = to_driver_policy(*in_force);
    *reply->mutable_ike() = to_ike_policy(*in_force);
    for (const GenericFilter& filter : in_force->policy.generic_filters)
      *reply->add_generic_filters() = to_proto(filter);
    add_generic_main_mode_filters(*reply);
    return grpc::Status::OK;
  }

  grpc::Status GetDynamicPolicy(ServerContext*, const proto::GetDynamicPolicyRequest*,
                                proto::DynamicPolicy* reply) override {
    *reply = to_proto(running_.state());
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
  RunningPolicy running_;
  std::atomic<int> watchers_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> make_agent_service(AgentParts parts) {
  return std::make_unique<AgentService>(std::move(parts));
}

}  // namespace ipsec::agent

#include "services/policyagent/shell/status_messages.h"

#include <algorithm>
#include <chrono>

#include "services/common/daemon/clock.h"
#include "services/common/rpc/convert.h"

namespace ipsec::agent {
namespace proto = ::policyagent::v1;
namespace {

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

}  // namespace

void add_state(const Agent::State& state, proto::AgentStatus& reply) {
  const CompiledPolicy& policy = state.in_force->policy;
  reply.set_state(std::string(name(state.retrieval)));
  reply.set_policy_name(policy.policy_name);
  reply.set_policy_version(state.in_force->version);
  reply.set_polling_interval_minutes(state.polling_interval_minutes);
  for (const Interface& interface : state.host.interfaces) reply.add_interfaces(interface.name);
  for (const IpAddress& address : policy.local_addresses) *reply.add_local_addresses() = rpc::to_proto(address);
  if (policy.active) reply.set_profile(std::string(name(policy.profile)));
  reply.set_last_load_reason(state.last_load_reason);
  reply.set_last_load_outcome(state.last_load_outcome);
  reply.set_state_name(std::string(documented_name(state.retrieval)));
  for (const StoreRecord& record : state.stores) add_store(record, *reply.add_stores());
  reply.set_next_poll_seconds(seconds_until(state.next_poll));
  reply.set_loads(state.loads);
  reply.set_last_load_at(state.last_load_at);
}

void add_service(const SupervisedService& service, proto::ServiceStatus& status) {
  const ServiceLink::State link = service.link.state();
  status.set_name(service.name);
  status.set_connected(link.connected);
  status.set_policy_version(link.acknowledged_version);
  const Supervisor::State process = service.supervisor.state();
  status.set_pid(process.process);
  status.set_restarts(process.restarts);
}

}  // namespace ipsec::agent

#pragma once

#include "proto/policyagent.pb.h"
#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/agent_service.h"

// The parts of the status, for `show status` and `show store`.
namespace ipsec::agent {

// What the agent itself knows: the policy in force, its loading, the stores, the host.
void add_state(const Agent::State& state, policyagent::v1::AgentStatus& reply);
void add_service(const SupervisedService& service, policyagent::v1::ServiceStatus& status);

}  // namespace ipsec::agent

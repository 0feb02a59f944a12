#pragma once

#include <memory>

#include "services/policyagent/shell/agent.h"
#include "services/policyagent/shell/daemon_clients.h"
#include "services/policyagent/shell/event_log.h"
#include "services/policyagent/shell/manual_sas.h"
#include "services/policyagent/shell/service_link.h"
#include "services/policyagent/shell/store_messages.h"
#include "services/policyagent/shell/supervisor.h"

namespace grpc {
class Service;
}

namespace ipsec::agent {

// One service as the status shows it.
struct SupervisedService {
  std::string name;
  const ServiceLink& link;
  const Supervisor& supervisor;
};

// What the RPC service stands on; all must outlive it.
struct AgentParts {
  Agent& agent;
  EventLog& events;
  DriverClient& driver;
  IkeClient& ike;
  ManualSas& manual_sas;
  std::vector<SupervisedService> services;
  Resolver resolver;
  // Where the properties of `set config` are kept; empty: in memory only.
  std::string config_path = {};
};

// The service of proto/policyagent.proto.
std::unique_ptr<grpc::Service> make_agent_service(AgentParts parts);

}  // namespace ipsec::agent

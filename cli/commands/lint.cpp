#include <algorithm>

#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "cli/commands/running.h"

namespace ipsec::cli {

namespace {

proto::LintRequest request_for(const std::string& policy, const Services& services) {
  proto::LintRequest request;
  request.set_policy(policy);
  for (const FiveTuple& session : services.sessions) *request.add_sessions() = rpc::to_proto(session);
  return request;
}

// The name of the policy that the command is about; empty if there is none.
std::string policy_name(const Command& command, Services& services) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_POLICY);
  *request.mutable_object() = reference_of(command);
  const auto found = services.agent.read(request);
  return found.ok() && found->policies_size() == 1 ? found->policies(0).name() : "";
}

Outcome outcome_of(const Command& command, Services& services, const proto::LintRequest& request) {
  const auto reply = services.agent.lint(request);
  if (!reply.ok()) return call_failed(services.agent, reply.status(), kPolicyNotFound);
  const bool has_errors = std::any_of(reply->findings().begin(), reply->findings().end(),
                                      [](const auto& finding) { return finding.severity() == "error"; });
  Outcome outcome = wants_json(command, services) ? json_outcome(command, *reply) : Outcome{format_findings(*reply)};
  outcome.failed = has_errors;
  return outcome;
}

}  // namespace

Outcome lint(const Command& command, Services& services) {
  return outcome_of(command, services, request_for(command.text("policy"), services));
}

Outcome lint_running(const Command& command, Services& services) {
  proto::LintRequest request = request_for({}, services);
  request.set_in_force(true);
  return outcome_of(command, services, request);
}

void warn_of_lockout(const Command& set_policy, Services& services) {
  const std::string policy = services.warn ? policy_name(set_policy, services) : "";
  if (policy.empty()) return;
  auto reply = services.agent.lint(request_for(policy, services));
  if (!reply.ok()) return;
  keep_if(reply->mutable_findings(), [](const auto& finding) { return finding.id().starts_with("lockout"); });
  if (!reply->findings().empty()) services.warn(format_warnings(*reply));
}

}  // namespace ipsec::cli

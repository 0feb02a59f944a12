#include "services/policyagent/shell/lint_messages.h"

#include "services/common/rpc/convert.h"
#include "services/policyagent/shell/lint_facts.h"
#include "services/policyagent/shell/ssh_sessions.h"
#include "store/lint/lint.h"
#include "store/lookup.h"

namespace ipsec::agent {
namespace proto = ::policyagent::v1;
namespace {

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

proto::LintReply reply_of(const std::vector<store::lint::Finding>& findings) {
  proto::LintReply reply;
  for (const store::lint::Finding& finding : findings) *reply.add_findings() = to_message(finding);
  return reply;
}

}  // namespace

Result<proto::LintReply> lint_tree(const proto::LintRequest& request, const store::PolicyTree& tree,
                                   const LintHost& host) {
  IPSEC_ASSIGN_OR_RETURN(std::vector<FiveTuple> sessions, sessions_of(request));
  std::optional<store::Reference> policy;
  if (!request.policy().empty()) policy = store::Reference(request.policy());
  if (policy && store::find_policy(tree, *policy) == nullptr) {
    return not_found(fmt::format("there is no policy '{}'", request.policy()));
  }
  store::lint::HostFacts facts = lint_facts(tree, host.addresses, std::move(sessions));
  facts.exemptions = host.exemptions;
  facts.dynamic_rules_left_out = host.dynamic.rules.size();
  return reply_of(store::lint::lint(tree, facts, policy));
}

Result<proto::LintReply> lint_running(const proto::LintRequest& request, store::PolicyTree tree, const LintHost& host) {
  IPSEC_ASSIGN_OR_RETURN(std::vector<FiveTuple> sessions, sessions_of(request));
  RunningFacts running = running_lint_facts(std::move(tree), host.dynamic, host.addresses, std::move(sessions));
  running.facts.exemptions = host.exemptions;
  return reply_of(store::lint::lint(running.tree, running.facts));
}

}  // namespace ipsec::agent

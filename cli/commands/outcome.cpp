#include "cli/commands/outcome.h"

#include "cli/text.h"

namespace ipsec::cli {

std::string error_text(std::uint32_t number, std::string_view text) {
  return fmt::format("ERR IPsec[{:05}] : {}\n", number, harmless(text));
}

Outcome failure(std::uint32_t number, std::string_view text) { return {error_text(number, text), true}; }

Outcome done() { return {"\n", false}; }

std::string problem_text(const proto::Problem& problem) {
  std::string where = problem.object();
  if (!problem.field().empty()) where += (where.empty() ? "" : ", ") + problem.field();
  return error_text(problem.code(), where.empty() ? problem.text() : where + ": " + problem.text());
}

Outcome call_failed(const Agent& agent, const Status& status, std::uint32_t not_found) {
  if (status.code() == ErrorCode::kUnavailable) {
    return failure(
        kAgentNotReached,
        fmt::format("the Policy Agent does not answer at {} ({}). Start it with `systemctl start policyagent` "
                    "or policyagentd, or name its directory with --runtime-dir or POLICYAGENT_RUNTIME_DIR.",
                    agent.location(), status.message()));
  }
  return failure(status.code() == ErrorCode::kNotFound ? not_found : kAgentRefused, status.message());
}

}  // namespace ipsec::cli

#include "cli/commands/running.h"

#include "cli/arguments.h"
#include "cli/words.h"

namespace ipsec::cli {

bool is_named(const Command& command, const std::string& name) {
  const auto* wanted = command.get<std::string>("name");
  return wanted == nullptr || equal_ignoring_case(*wanted, name);
}

Compiled read_compiled(Services& services) {
  auto reply = services.agent.compiled_policy();
  if (!reply.ok()) return {{}, call_failed(services.agent, reply.status())};
  return {*std::move(reply), std::nullopt};
}

Result<Narrowing> narrowing_of_sas(const Command& command, Services& services) {
  const AddressValue me = AddressKeyword::kMe;
  const auto* source = command.get<AddressValue>("srcaddr");
  const auto* destination = command.get<AddressValue>("dstaddr");
  if ((source == nullptr || *source != me) && (destination == nullptr || *destination != me)) {
    return Narrowing::of(command, {});
  }
  IPSEC_ASSIGN_OR_RETURN(const proto::AgentStatus status, services.agent.status());
  return Narrowing::of(command, addresses_of(status.local_addresses()));
}

Outcome narrowing_failed(const Services& services, const Status& status) {
  if (status.code() != ErrorCode::kInvalid) return call_failed(services.agent, status);
  return failure(code_of(ParseErrorKind::kWrongValue), status.message());
}

}  // namespace ipsec::cli

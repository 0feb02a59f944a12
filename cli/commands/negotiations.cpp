#include "cli/commands/running.h"

namespace ipsec::cli {

Outcome show_negotiations(const Command& command, Services& services) {
  auto reply = services.agent.failed_negotiations();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const auto narrowing = narrowing_of_sas(command, services);
  if (!narrowing.ok()) return narrowing_failed(services, narrowing.status());
  keep_if(reply->mutable_negotiations(),
          [&](const auto& failed) { return narrowing->admits(failed.local(), failed.peer()); });
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_negotiations(*reply, show_options(command, services)), false};
}

}  // namespace ipsec::cli

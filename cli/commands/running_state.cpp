#include "cli/commands/commands.h"
#include "cli/text.h"

namespace ipsec::cli {

Outcome delete_running(const Command&, Services& services) {
  proto::Change change;
  change.mutable_delete_dynamic_all();
  return apply_change(services, std::move(change));
}

Outcome delete_sa(const Command& command, Services& services) {
  proto::DeleteMainModeSasRequest request;
  request.set_quick_mode_too(true);
  if (const auto* peer = command.get<AddressValue>("peer")) {
    auto address = tunnel_end(*peer, services);
    if (!address.ok()) return failure(kNameNotResolved, address.status().message());
    *request.mutable_peer() = *std::move(address);
  }
  const auto reply = services.agent.delete_main_mode_sas(request);
  return reply.ok() ? done() : call_failed(services.agent, reply.status());
}

Outcome set_config(const Command& command, Services& services) {
  proto::Change change;
  change.mutable_set_config()->set_property(command.text("property"));
  change.mutable_set_config()->set_value(command.text("value"));
  return apply_change(services, std::move(change));
}

Outcome show_config(const Command& command, Services& services) {
  auto reply = services.agent.dynamic_policy();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (wants_json(command, services)) {
    proto::DynamicPolicy config;
    *config.mutable_config() = reply->config();
    return json_outcome(command, config);
  }
  std::string text = "IPsec Configuration Parameters\n------------------------------\n";
  for (const proto::ConfigProperty& property : reply->config()) text += field(property.property(), property.value());
  return {text + "\n"};
}

}  // namespace ipsec::cli

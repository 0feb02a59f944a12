#include "cli/commands/running.h"
#include "cli/text.h"

namespace ipsec::cli {

namespace {

// EX-06: a value that waits, and the one that the services go by until then.
std::string value_text(const proto::ConfigProperty& property) {
  if (property.value() == property.in_effect()) return property.value();
  return fmt::format("{} (pending: from the next start of the service on; in effect is {})", property.value(),
                     property.in_effect());
}

}  // namespace

Outcome delete_running(const Command&, Services& services) {
  proto::Change change;
  change.mutable_delete_dynamic_all();
  return apply_change(services, std::move(change));
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
  for (const proto::ConfigProperty& property : reply->config())
    text += field(property.property(), value_text(property));
  return {text + "\n"};
}

Outcome show_exemptions(const Command& command, Services& services) {
  const Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  if (!wants_json(command, services)) return {format_exemptions(compiled.reply)};
  proto::CompiledPolicyReply result;
  *result.mutable_exemptions() = compiled.reply.exemptions();
  return json_outcome(command, result);
}

}  // namespace ipsec::cli

#include <nlohmann/json.hpp>

#include "cli/commands/running.h"
#include "cli/show_json.h"
#include "cli/text.h"

namespace ipsec::cli {

namespace {

constexpr std::uint32_t kUsualEvents = 100;

}  // namespace

Outcome show_statistics(const Command& command, Services& services) {
  auto reply = services.agent.statistics();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const std::string type = command.text("type");
  if (wants_json(command, services)) {
    if (type == "ike") reply->clear_driver();
    if (type == "ipsec") reply->clear_ike();
    return json_outcome(command, *reply);
  }
  std::string text;
  if (type != "ipsec") text += format_ike_statistics(*reply) + "\n";
  if (type != "ike") text += format_driver_statistics(*reply) + "\n";
  return {text, false};
}

Outcome show_certificates(const Command& command, Services& services) {
  const auto reply = services.agent.certificates();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_certificates(*reply), false};
}

Outcome show_status(const Command& command, Services& services) {
  const auto reply = services.agent.status();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_status(*reply), false};
}

Outcome show_events(const Command& command, Services& services) {
  const auto reply = services.agent.events(command.number("count", kUsualEvents));
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_events(*reply), false};
}

namespace {

// The parts of `show all`. A service that does not answer leaves the others as they are.
struct Running {
  proto::CompiledPolicyReply compiled;
  Result<proto::ListMainModeSasReply> main_modes;
  Result<proto::ListSasReply> quick_modes;
  Result<proto::Statistics> statistics;

  bool is_whole() const { return main_modes.ok() && quick_modes.ok() && statistics.ok(); }
};

std::string running_text(const Running& running, const Services& services, const ShowOptions& options) {
  const proto::CompiledPolicyReply& compiled = running.compiled;
  std::string text =
      format_main_mode_policies(compiled) + "\n" + format_quick_mode_policies(compiled) + "\n" +
      format_generic_main_mode_filters(compiled) + "\n" + format_specific_main_mode_filters(compiled, options) + "\n" +
      format_generic_filters(compiled, compiled) + "\n" + format_specific_filters(compiled, compiled, options) + "\n" +
      format_running_rules(compiled, compiled) + "\n";
  const auto add = [&](const auto& reply, const auto& format) {
    text += (reply.ok() ? format(*reply) : call_failed(services.agent, reply.status()).output) + "\n";
  };
  add(running.statistics,
      [](const auto& reply) { return format_ike_statistics(reply) + "\n" + format_driver_statistics(reply); });
  add(running.main_modes, [&](const auto& reply) { return format_main_mode_sas(reply, services.now(), options); });
  add(running.quick_modes, [&](const auto& reply) { return format_quick_mode_sas(reply, options); });
  return text;
}

// The compiled policy, with what the other commands show under names of their own; null where a service is silent.
std::string running_json(const Command& command, const Running& running) {
  nlohmann::ordered_json result = message_json(running.compiled);
  const auto add = [&](const char* name, const auto& reply) {
    result[name] = reply.ok() ? message_json(*reply) : nlohmann::ordered_json(nullptr);
  };
  add("main_mode_sas", running.main_modes);
  add("quick_mode_sas", running.quick_modes);
  add("statistics", running.statistics);
  return show_json(command_name(command), std::move(result));
}

}  // namespace

Outcome show_running(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  const Running running{std::move(compiled.reply), services.agent.main_mode_sas(), services.agent.quick_mode_sas(),
                        services.agent.statistics()};
  const std::string text = wants_json(command, services)
                               ? running_json(command, running)
                               : running_text(running, services, show_options(command, services));
  return {text, !running.is_whole()};
}

Outcome refresh(const Command&, Services& services) {
  const auto reply = services.agent.reload();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  return {harmless(reply->outcome()) + "\n", false};
}

}  // namespace ipsec::cli

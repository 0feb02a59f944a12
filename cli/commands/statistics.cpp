#include "cli/commands/running.h"
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

// Everything that runs; as JSON the compiled policy, for the rest has commands of its own.
Outcome show_running(const Command& command, Services& services) {
  const Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  if (wants_json(command, services)) return json_outcome(command, compiled.reply);
  const auto main_modes = services.agent.main_mode_sas();
  const auto quick_modes = services.agent.quick_mode_sas();
  const auto statistics = services.agent.statistics();
  const ShowOptions options = show_options(command, services);
  std::string text = format_main_mode_policies(compiled.reply) + "\n" + format_quick_mode_policies(compiled.reply) +
                     "\n" + format_main_mode_filters(compiled.reply, options) + "\n" +
                     format_generic_filters(compiled.reply) + "\n" + format_specific_filters(compiled.reply, options) +
                     "\n" + format_running_rules(compiled.reply) + "\n";
  bool failed = false;
  // A service that does not answer leaves the other parts as they are.
  const auto add = [&](const auto& reply, const auto& format) {
    text += (reply.ok() ? format(*reply) : call_failed(services.agent, reply.status()).output) + "\n";
    failed = failed || !reply.ok();
  };
  add(statistics,
      [](const auto& reply) { return format_ike_statistics(reply) + "\n" + format_driver_statistics(reply); });
  add(main_modes, [&](const auto& reply) { return format_main_mode_sas(reply, services.now(), options); });
  add(quick_modes, [&](const auto& reply) { return format_quick_mode_sas(reply, options); });
  return {text, failed};
}

Outcome refresh(const Command&, Services& services) {
  const auto reply = services.agent.reload();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  return {harmless(reply->outcome()) + "\n", false};
}

}  // namespace ipsec::cli

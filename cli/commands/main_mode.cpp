#include "cli/commands/running.h"

namespace ipsec::cli {

Outcome show_main_mode_policy(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  keep_if(compiled.reply.mutable_ike()->mutable_main_mode_policies(),
          [&](const auto& policy) { return is_named(command, policy.name()); });
  if (!wants_json(command, services)) return {format_main_mode_policies(compiled.reply), false};
  proto::IkePolicy result;
  result.set_policy_name(compiled.reply.ike().policy_name());
  *result.mutable_main_mode_policies() = compiled.reply.ike().main_mode_policies();
  return json_outcome(command, result);
}

Outcome show_main_mode_filter(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  const auto narrowing = Narrowing::of(command, addresses_of(compiled.reply.driver().local_addresses()));
  if (!narrowing.ok()) return narrowing_failed(services, narrowing.status());
  const bool is_specific = command.text("type") == "specific";
  if (is_specific) {
    keep_if(compiled.reply.mutable_ike()->mutable_main_mode_filters(), [&](const auto& filter) {
      return is_named(command, filter.rule_name()) && narrowing->admits(filter.local(), filter.remote());
    });
  } else {
    keep_if(compiled.reply.mutable_generic_main_mode_filters(),
            [&](const auto& filter) { return is_named(command, filter.rule_name()) && narrowing->admits(filter); });
  }
  if (!wants_json(command, services)) {
    return {is_specific ? format_specific_main_mode_filters(compiled.reply, show_options(command, services))
                        : format_generic_main_mode_filters(compiled.reply)};
  }
  proto::CompiledPolicyReply result;
  if (is_specific) {
    result.mutable_ike()->set_policy_name(compiled.reply.ike().policy_name());
    *result.mutable_ike()->mutable_main_mode_filters() = compiled.reply.ike().main_mode_filters();
  } else {
    *result.mutable_generic_main_mode_filters() = compiled.reply.generic_main_mode_filters();
  }
  return json_outcome(command, result);
}

Outcome show_main_mode_sas(const Command& command, Services& services) {
  auto reply = services.agent.main_mode_sas();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const auto narrowing = narrowing_of_sas(command, services);
  if (!narrowing.ok()) return narrowing_failed(services, narrowing.status());
  keep_if(reply->mutable_sas(), [&](const auto& sa) { return narrowing->admits(sa.local(), sa.peer()); });
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_main_mode_sas(*reply, services.now(), show_options(command, services)), false};
}

}  // namespace ipsec::cli

#include "cli/commands/changes.h"
#include "cli/commands/running.h"

namespace ipsec::cli {

namespace {

// True if no action is stated or it is this one.
bool is_action(const Command& command, std::string_view tag, proto::Action action) {
  const std::string word = command.text(tag);
  return word.empty() || action_of(word) == action;
}

bool is_wanted(const Command& command, const proto::Filter& filter) {
  const bool is_inbound = filter.direction() == proto::DIRECTION_INBOUND;
  if (!is_named(command, filter.rule_name())) return false;
  return is_action(command, is_inbound ? "actioninbound" : "actionoutbound", filter.action());
}

bool is_wanted(const Command& command, const proto::GenericFilter& filter) {
  return is_named(command, filter.rule_name()) && is_action(command, "actioninbound", filter.action()) &&
         is_action(command, "actionoutbound", filter.action());
}

// Drops the filters that the selector parameters do not admit.
Status narrow(const Command& command, proto::CompiledPolicyReply& compiled) {
  IPSEC_ASSIGN_OR_RETURN(const Narrowing narrowing,
                         Narrowing::of(command, addresses_of(compiled.driver().local_addresses())));
  keep_if(compiled.mutable_driver()->mutable_filters(), [&](const proto::Filter& filter) {
    return is_wanted(command, filter) && narrowing.admits(filter.selector());
  });
  keep_if(compiled.mutable_generic_filters(),
          [&](const proto::GenericFilter& filter) { return is_wanted(command, filter) && narrowing.admits(filter); });
  return {};
}

}  // namespace

Outcome show_quick_mode_policy(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  keep_if(compiled.reply.mutable_ike()->mutable_quick_mode_policies(),
          [&](const auto& policy) { return is_named(command, policy.name()); });
  if (!wants_json(command, services)) return {format_quick_mode_policies(compiled.reply), false};
  proto::IkePolicy result;
  result.set_policy_name(compiled.reply.ike().policy_name());
  *result.mutable_quick_mode_policies() = compiled.reply.ike().quick_mode_policies();
  return json_outcome(command, result);
}

Outcome show_quick_mode_filter(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  const proto::CompiledPolicyReply whole = compiled.reply;
  if (const Status status = narrow(command, compiled.reply); !status.ok()) {
    return narrowing_failed(services, status);
  }
  const bool is_specific = command.text("type") == "specific";
  if (!wants_json(command, services)) {
    return {is_specific ? format_specific_filters(compiled.reply, whole, show_options(command, services))
                        : format_generic_filters(compiled.reply, whole)};
  }
  proto::CompiledPolicyReply result;
  if (is_specific) *result.mutable_driver() = compiled.reply.driver();
  if (!is_specific) *result.mutable_generic_filters() = compiled.reply.generic_filters();
  return json_outcome(command, result);
}

Outcome show_running_rule(const Command& command, Services& services) {
  Compiled compiled = read_compiled(services);
  if (compiled.failure) return *compiled.failure;
  const proto::CompiledPolicyReply whole = compiled.reply;
  if (const Status status = narrow(command, compiled.reply); !status.ok()) {
    return narrowing_failed(services, status);
  }
  const std::string type = command.text("type");
  keep_if(compiled.reply.mutable_generic_filters(), [&](const proto::GenericFilter& filter) {
    return type.empty() || filter.has_tunnel_endpoint() == (type == "tunnel");
  });
  if (wants_json(command, services)) return json_outcome(command, compiled.reply);
  return {format_running_rules(compiled.reply, whole), false};
}

Outcome show_quick_mode_sas(const Command& command, Services& services) {
  auto reply = services.agent.quick_mode_sas();
  if (!reply.ok()) return call_failed(services.agent, reply.status());
  const auto narrowing = narrowing_of_sas(command, services);
  if (!narrowing.ok()) return narrowing_failed(services, narrowing.status());
  keep_if(reply->mutable_sas(), [&](const auto& sa) { return narrowing->admits(sa.sa().selector()); });
  if (wants_json(command, services)) return json_outcome(command, *reply);
  return {format_quick_mode_sas(*reply, show_options(command, services)), false};
}

}  // namespace ipsec::cli

#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

// Rules of `netsh ipsec dynamic`: without a name, identified by what they match.
namespace ipsec::cli {

namespace {

Result<proto::DynamicRuleSelector> selector_of(const Command& command, Services& services) {
  proto::DynamicRuleSelector selector;
  *selector.mutable_filter() = filter_of(command);
  const std::string type = command.text("conntype");
  selector.set_connection_type(type.empty() ? "all" : type);
  if (const auto* tunnel = command.get<AddressValue>("tunneldstaddress")) {
    IPSEC_ASSIGN_OR_RETURN(*selector.mutable_tunnel_destination(), tunnel_end(*tunnel, services));
  }
  return selector;
}

// What a rule does, in `add` and `set`.
template <typename Message>
void set_effect(const Command& command, Message& message) {
  message.set_inbound(action_of(command.text("actioninbound")));
  message.set_outbound(action_of(command.text("actionoutbound")));
  auto methods = authentication_of(command);
  if (!methods.methods().empty()) *message.mutable_authentication() = std::move(methods);
}

}  // namespace

Outcome add_running_rule(const Command& command, Services& services) {
  auto selector = selector_of(command, services);
  if (!selector.ok()) return failure(kNameNotResolved, selector.status().message());
  proto::Change change;
  proto::AddDynamicRule& message = *change.mutable_add_dynamic_rule();
  *message.mutable_selector() = *std::move(selector);
  message.set_main_mode_policy(command.text("mmpolicy"));
  message.set_quick_mode_policy(command.text("qmpolicy"));
  set_effect(command, message);
  return apply_change(services, std::move(change));
}

Outcome set_running_rule(const Command& command, Services& services) {
  auto selector = selector_of(command, services);
  if (!selector.ok()) return failure(kNameNotResolved, selector.status().message());
  proto::Change change;
  proto::SetDynamicRule& message = *change.mutable_set_dynamic_rule();
  *message.mutable_selector() = *std::move(selector);
  set_text(command, "mmpolicy", [&] { return message.mutable_main_mode_policy(); });
  set_text(command, "qmpolicy", [&] { return message.mutable_quick_mode_policy(); });
  set_effect(command, message);
  return apply_change(services, std::move(change));
}

Outcome delete_running_rule(const Command& command, Services& services) {
  auto selector = selector_of(command, services);
  if (!selector.ok()) return failure(kNameNotResolved, selector.status().message());
  proto::Change change;
  *change.mutable_delete_dynamic_rule()->mutable_selector() = *std::move(selector);
  return apply_change(services, std::move(change));
}

}  // namespace ipsec::cli

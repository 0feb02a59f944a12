#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "cli/commands/used_by_rule.h"

namespace ipsec::cli {

namespace {

// The parameters that `add filteraction` and `set filteraction` share.
template <typename Message>
void set_negotiation(const Command& command, Message& message) {
  set_text(command, "description", [&] { return message.mutable_description(); });
  set_yes_no(command, "qmpfs", message, &Message::set_quick_mode_pfs);
  set_yes_no(command, "inpass", message, &Message::set_inbound_passthrough);
  set_yes_no(command, "soft", message, &Message::set_allow_soft);
  message.set_action(action_of(command.text("action")));
  if (const auto* offers = command.get<std::vector<QuickModeOffer>>("qmsecmethods")) {
    *message.mutable_offers() = to_proto(*offers);
  }
  if (const auto* group = command.get<DhGroup>("pfsgroup")) message.set_pfs_group(std::string(info(*group).name));
}

Outcome delete_every_filter_action(Services& services) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_FILTER_ACTION);
  const auto objects = services.agent.read(request);
  if (!objects.ok()) return call_failed(services.agent, objects.status());
  proto::ApplyRequest changes;
  for (const auto& action : objects->filter_actions()) {
    changes.add_changes()->mutable_delete_filter_action()->mutable_filter_action()->set_name(action.name());
  }
  return apply_changes(services, changes);
}

Result<proto::ReadReply> read_shown(const Command& command, Services& services) {
  const std::string rule = command.text("rule");
  if (rule.empty()) return services.agent.read(read_request(proto::ReadRequest::KIND_FILTER_ACTION, command, false));
  IPSEC_ASSIGN_OR_RETURN(proto::ReadReply everything, read_everything(services));
  return filter_actions_of_rule(everything, rule);
}

}  // namespace

Outcome add_filter_action(const Command& command, Services& services) {
  proto::Change change;
  proto::AddFilterAction& message = *change.mutable_add_filter_action();
  message.set_name(command.text("name"));
  set_negotiation(command, message);
  return apply_change(services, std::move(change));
}

Outcome set_filter_action(const Command& command, Services& services) {
  proto::Change change;
  proto::SetFilterAction& message = *change.mutable_set_filter_action();
  *message.mutable_filter_action() = reference_of(command);
  set_text(command, "newname", [&] { return message.mutable_new_name(); });
  set_negotiation(command, message);
  return apply_change(services, std::move(change));
}

Outcome delete_filter_action(const Command& command, Services& services) {
  if (command.is("name", Keyword::kAll)) return delete_every_filter_action(services);
  proto::Change change;
  *change.mutable_delete_filter_action()->mutable_filter_action() = reference_of(command);
  return apply_change(services, std::move(change));
}

Outcome show_filter_action(const Command& command, Services& services) {
  const auto objects = read_shown(command, services);
  if (!objects.ok()) return call_failed(services.agent, objects.status(), kFilterActionNotFound);
  if (wants_json(command, services)) return json_outcome(command, *objects);
  if (objects->filter_actions().empty()) {
    if (command.text("name").empty() && command.text("rule").empty()) {
      return failure(kNoFilterActions, "there are no filter actions in the policy store");
    }
    return failure(kFilterActionNotFound,
                   fmt::format("there is no such filter action '{}{}'", command.text("name"), command.text("rule")));
  }
  return {format_filter_actions(*objects, show_options(command, services)), false};
}

}  // namespace ipsec::cli

#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kGpoNameNotKept =
    "WARNING: 'gponame' is not kept: a policy that is assigned in this central store is for every host that names "
    "it.\n";

// The parameters that `add policy` and `set policy` share.
template <typename Message>
void set_main_mode(const Command& command, Message& message) {
  set_text(command, "description", [&] { return message.mutable_description(); });
  set_yes_no(command, "mmpfs", message, &Message::set_master_pfs);
  set_number(command, "qmpermm", message, &Message::set_quick_mode_limit);
  set_number(command, "mmlifetime", message, &Message::set_main_mode_lifetime_minutes);
  set_yes_no(command, "activatedefaultrule", message, &Message::set_activate_default_rule);
  set_number(command, "pollinginterval", message, &Message::set_polling_interval_minutes);
  set_yes_no(command, "assign", message, &Message::set_assign);
  if (const auto* offers = command.get<std::vector<MainModeOffer>>("mmsecmethods")) {
    *message.mutable_main_mode_offers() = to_proto(*offers);
  }
}

// All of them in one request: all go or none.
Outcome delete_every_policy(Services& services) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_POLICY);
  const auto objects = services.agent.read(request);
  if (!objects.ok()) return call_failed(services.agent, objects.status());
  proto::ApplyRequest changes;
  for (const auto& policy : objects->policies()) {
    changes.add_changes()->mutable_delete_policy()->mutable_policy()->set_name(policy.name());
  }
  return apply_changes(services, changes);
}

}  // namespace

Outcome add_policy(const Command& command, Services& services) {
  proto::Change change;
  proto::AddPolicy& message = *change.mutable_add_policy();
  message.set_name(command.text("name"));
  set_main_mode(command, message);
  set_text(command, "profile", [&] { return message.mutable_profile(); });
  auto methods = authentication_of(command);
  if (!methods.methods().empty()) *message.mutable_default_rule_authentication() = std::move(methods);
  return apply_change(services, std::move(change));
}

Outcome set_policy(const Command& command, Services& services) {
  const bool is_domain =
      services.scope != nullptr && services.scope->store().kind() == proto::StoreLocation::KIND_DOMAIN;
  if (command.find("gponame") != nullptr && !is_domain) {
    return failure(kShellMisused, "'gponame' assigns a policy of the domain; `set store location=domain` first");
  }
  proto::Change change;
  proto::SetPolicy& message = *change.mutable_set_policy();
  *message.mutable_policy() = reference_of(command);
  set_text(command, "newname", [&] { return message.mutable_new_name(); });
  set_main_mode(command, message);
  if (command.yes("assign", false)) warn_of_lockout(command, services);
  set_text(command, "gponame", [&] { return message.mutable_gpo_name(); });
  if (command.find("gponame") != nullptr && services.warn) services.warn(kGpoNameNotKept);
  return apply_change(services, std::move(change));
}

Outcome delete_policy(const Command& command, Services& services) {
  if (command.is("name", Keyword::kAll)) return delete_every_policy(services);
  proto::Change change;
  *change.mutable_delete_policy()->mutable_policy() = reference_of(command);
  return apply_change(services, std::move(change));
}

Outcome show_policy(const Command& command, Services& services) {
  const ShowOptions options = show_options(command, services);
  const bool is_whole = options.verbose || wants_json(command, services);
  auto objects = services.agent.read(read_request(proto::ReadRequest::KIND_POLICY, command, is_whole));
  if (!objects.ok()) return call_failed(services.agent, objects.status(), kPolicyNotFound);
  if (wants_json(command, services)) return json_outcome(command, *objects);
  if (objects->policies().empty()) {
    const std::string name = command.text("name");
    return name.empty() ? failure(kNoPolicies, "there are no policies in the policy store")
                        : failure(kPolicyNotFound, fmt::format("there is no policy '{}'", name));
  }
  if (options.verbose) {
    // Rules name lists and actions; in full they are shown too.
    const auto everything = read_everything(services);
    if (!everything.ok()) return call_failed(services.agent, everything.status());
    *objects->mutable_filter_lists() = everything->filter_lists();
    *objects->mutable_filter_actions() = everything->filter_actions();
  }
  return {format_policies(*objects, options), false};
}

}  // namespace ipsec::cli

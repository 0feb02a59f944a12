#include <algorithm>

#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "cli/words.h"

namespace ipsec::cli {

namespace {

// The parameters that `add rule` and `set rule` share.
template <typename Message>
Status set_parts(const Command& command, Services& services, Message& message) {
  if (const auto* tunnel = command.get<AddressValue>("tunnel")) {
    IPSEC_ASSIGN_OR_RETURN(*message.mutable_tunnel_endpoint(), tunnel_end(*tunnel, services));
  }
  set_text(command, "conntype", [&] { return message.mutable_connection_type(); });
  set_yes_no(command, "activate", message, &Message::set_active);
  set_text(command, "description", [&] { return message.mutable_description(); });
  auto methods = authentication_of(command);
  if (!methods.methods().empty()) *message.mutable_authentication() = std::move(methods);
  return {};
}

Result<proto::StoredPolicy> read_policy(Services& services, const std::string& name) {
  proto::ReadRequest request;
  request.set_kind(proto::ReadRequest::KIND_POLICY);
  request.mutable_object()->set_name(name);
  request.set_with_children(true);
  IPSEC_ASSIGN_OR_RETURN(const proto::ReadReply reply, services.agent.read(request));
  if (reply.policies().empty()) return not_found(fmt::format("there is no policy '{}'", name));
  return reply.policies(0);
}

// By name, by guid, or by the number that `show rule` gives.
Result<proto::ObjectReference> rule_reference(const Command& command, Services& services) {
  const auto* number = command.get<std::uint32_t>("id");
  if (number == nullptr) return reference_of(command, "id");
  IPSEC_ASSIGN_OR_RETURN(const proto::StoredPolicy policy, read_policy(services, command.text("policy")));
  if (*number > static_cast<std::uint32_t>(policy.rules_size())) {
    return not_found(fmt::format("policy '{}' has no rule {}; it has {}", policy.name(), *number, policy.rules_size()));
  }
  proto::ObjectReference reference;
  // By name: a rule that a script has yet to make has no lasting guid.
  reference.set_name(policy.rules(static_cast<int>(*number) - 1).name());
  return reference;
}

RuleSelection selection_of(const Command& command) {
  const std::string type = command.text("type");
  const auto fits_type = [type](const proto::StoredRule& rule) {
    return type.empty() || rule.has_tunnel_endpoint() == (type == "tunnel");
  };
  if (command.is("name", Keyword::kDefault)) {
    return {[](const proto::StoredRule&, int) { return false; }, true};
  }
  if (const auto* name = command.get<std::string>("name")) {
    return {[=, name = *name](const proto::StoredRule& rule, int) {
              return equal_ignoring_case(rule.name(), name) && fits_type(rule);
            },
            false};
  }
  if (const auto* guid = command.get<std::string>("id")) {
    return {[guid = *guid](const proto::StoredRule& rule, int) { return equal_ignoring_case(rule.guid(), guid); },
            false};
  }
  if (const auto* id = command.get<std::uint32_t>("id")) {
    return {[id = *id](const proto::StoredRule&, int number) { return static_cast<std::uint32_t>(number) == id; },
            false};
  }
  return {[=](const proto::StoredRule& rule, int) { return fits_type(rule); }, type != "tunnel"};
}

int count_selected(const proto::StoredPolicy& policy, const RuleSelection& selection) {
  int number = 0;
  return static_cast<int>(std::count_if(policy.rules().begin(), policy.rules().end(),
                                        [&](const auto& rule) { return selection.wanted(rule, ++number); }));
}

proto::ReadReply selected_rules(const proto::StoredPolicy& policy, const RuleSelection& selection) {
  proto::ReadReply reply;
  int number = 0;
  for (const auto& rule : policy.rules()) {
    if (selection.wanted(rule, ++number)) *reply.add_rules() = rule;
  }
  if (selection.with_default_rule) {
    // The default response rule is a part of its policy.
    *reply.add_policies() = policy;
    reply.mutable_policies(0)->clear_rules();
  }
  return reply;
}

}  // namespace

Result<proto::Address> tunnel_end(const AddressValue& value, Services& services) {
  if (const auto* range = std::get_if<AddressRange>(&value)) return rpc::to_proto(range->first);
  IPSEC_ASSIGN_OR_RETURN(const IpAddress address, services.resolver.address_of(std::get<HostName>(value).text));
  return rpc::to_proto(address);
}

Outcome add_rule(const Command& command, Services& services) {
  proto::Change change;
  proto::AddRule& message = *change.mutable_add_rule();
  message.set_name(command.text("name"));
  message.set_policy(command.text("policy"));
  message.set_filter_list(command.text("filterlist"));
  message.set_filter_action(command.text("filteraction"));
  if (const Status status = set_parts(command, services, message); !status.ok()) {
    return failure(kNameNotResolved, status.message());
  }
  return apply_change(services, std::move(change));
}

Outcome set_rule(const Command& command, Services& services) {
  proto::Change change;
  proto::SetRule& message = *change.mutable_set_rule();
  auto reference = rule_reference(command, services);
  if (!reference.ok()) return call_failed(services.agent, reference.status(), kRuleNotFound);
  *message.mutable_rule() = *std::move(reference);
  message.set_policy(command.text("policy"));
  set_text(command, "newname", [&] { return message.mutable_new_name(); });
  set_text(command, "filterlist", [&] { return message.mutable_filter_list(); });
  set_text(command, "filteraction", [&] { return message.mutable_filter_action(); });
  if (const Status status = set_parts(command, services, message); !status.ok()) {
    return failure(kNameNotResolved, status.message());
  }
  return apply_change(services, std::move(change));
}

Outcome set_default_rule(const Command& command, Services& services) {
  proto::Change change;
  proto::SetDefaultRule& message = *change.mutable_set_default_rule();
  message.set_policy(command.text("policy"));
  set_yes_no(command, "qmpfs", message, &proto::SetDefaultRule::set_quick_mode_pfs);
  set_yes_no(command, "activate", message, &proto::SetDefaultRule::set_active);
  if (const auto* offers = command.get<std::vector<QuickModeOffer>>("qmsecmethods")) {
    *message.mutable_offers() = to_proto(*offers);
  }
  auto methods = authentication_of(command);
  if (!methods.methods().empty()) *message.mutable_authentication() = std::move(methods);
  return apply_change(services, std::move(change));
}

Outcome delete_rule(const Command& command, Services& services) {
  proto::Change change;
  proto::DeleteRule& message = *change.mutable_delete_rule();
  message.set_policy(command.text("policy"));
  if (!command.is("name", Keyword::kAll)) {
    auto reference = rule_reference(command, services);
    if (!reference.ok()) return call_failed(services.agent, reference.status(), kRuleNotFound);
    *message.mutable_rule() = *std::move(reference);
  }
  return apply_change(services, std::move(change));
}

Outcome show_rule(const Command& command, Services& services) {
  const auto policy = read_policy(services, command.text("policy"));
  if (!policy.ok()) return call_failed(services.agent, policy.status(), kPolicyNotFound);
  const RuleSelection selection = selection_of(command);
  if (wants_json(command, services)) return json_outcome(command, selected_rules(*policy, selection));
  if (count_selected(*policy, selection) == 0 && !selection.with_default_rule) {
    return failure(kRuleNotFound, fmt::format("policy '{}' has no such rule", policy->name()));
  }
  const ShowOptions options = show_options(command, services);
  proto::ReadReply objects;
  if (options.verbose) {
    auto everything = read_everything(services);
    if (!everything.ok()) return call_failed(services.agent, everything.status());
    objects = *std::move(everything);
  }
  return {format_rules(*policy, objects, selection, options), false};
}

}  // namespace ipsec::cli

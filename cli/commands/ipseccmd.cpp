#include "cli/ipseccmd.h"

#include <algorithm>

#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "cli/words.h"

// ipseccmd in terms of the changes that netsh makes. A rule of its stored policies has a filter list and a filter
// action of its own, named after it.
namespace ipsec::cli {

namespace {

constexpr std::string_view kDynamicMainModePolicy = "ipseccmd";
constexpr std::uint32_t kSecondsPerMinute = 60;

std::string list_name(const Ipseccmd& command) { return command.rule + " filter list"; }
std::string action_name(const Ipseccmd& command) { return command.rule + " negotiation policy"; }

proto::Action to_proto(Ipseccmd::Action action) {
  if (action == Ipseccmd::Action::kPermit) return proto::ACTION_PERMIT;
  return action == Ipseccmd::Action::kBlock ? proto::ACTION_BLOCK : proto::ACTION_NEGOTIATE;
}

proto::StoredFilter to_proto(const IpseccmdFilter& filter) {
  proto::StoredFilter message;
  *message.mutable_source() = to_proto(filter.source);
  *message.mutable_destination() = to_proto(filter.destination);
  message.set_protocol(filter.protocol);
  message.set_source_port(filter.source_port);
  message.set_destination_port(filter.destination_port);
  message.set_mirrored(filter.mirrored);
  return message;
}

proto::StoredAuthenticationList to_proto(const std::vector<IpseccmdAuthentication>& methods) {
  proto::StoredAuthenticationList list;
  for (const IpseccmdAuthentication& method : methods) {
    proto::StoredAuthentication& message = *list.add_methods();
    switch (method.kind) {
      case IpseccmdAuthentication::Kind::kKerberos:
        message.set_kerberos(true);
        break;
      case IpseccmdAuthentication::Kind::kPresharedKey:
        message.mutable_preshared_key()->set_key(std::string(method.key.reveal_text()));
        break;
      case IpseccmdAuthentication::Kind::kCertificate:
        message.mutable_certificate()->set_root_ca(method.root_ca);
        break;
    }
  }
  return list;
}

std::string group_name(const std::optional<DhGroup>& group, std::string_view without, std::string_view main_mode) {
  if (!group) return std::string(without);
  return *group == DhGroup::kNone ? std::string(main_mode) : std::string(info(*group).name);
}

// The changes of one command line against what is stored now.
class StoredChanges {
 public:
  StoredChanges(const Ipseccmd& command, Services& services) : command_(command), services_(services) {}

  Result<proto::ApplyRequest> make() {
    IPSEC_ASSIGN_OR_RETURN(store_, read_everything(services_));
    find_present();
    if (command_.remove) return removal();
    if (!command_.filters.empty() || policy_ != nullptr || command_.default_rule) change_policy();
    if (!command_.filters.empty() || rule_ != nullptr) IPSEC_RETURN_IF_ERROR(change_rule());
    if (policy_ == nullptr && command_.filters.empty() && !command_.default_rule) {
      return not_found(fmt::format("there is no policy '{}'; -r and -f make one", command_.policy));
    }
    assign();
    return std::move(request_);
  }

 private:
  void find_present() {
    for (const auto& policy : store_.policies()) {
      if (equal_ignoring_case(policy.name(), command_.policy)) policy_ = &policy;
    }
    for (const auto& list : store_.filter_lists()) {
      if (equal_ignoring_case(list.name(), list_name(command_))) list_ = &list;
    }
    for (const auto& action : store_.filter_actions()) {
      has_action_ = has_action_ || equal_ignoring_case(action.name(), action_name(command_));
    }
    if (policy_ == nullptr) return;
    for (const auto& rule : policy_->rules()) {
      if (!command_.rule.empty() && equal_ignoring_case(rule.name(), command_.rule)) rule_ = &rule;
    }
  }

  // -o, behind -y where both are given.
  Result<proto::ApplyRequest> removal() {
    if (policy_ == nullptr) return not_found(fmt::format("there is no policy '{}'", command_.policy));
    if (command_.rule.empty()) {
      assign();
      request_.add_changes()->mutable_delete_policy()->mutable_policy()->set_name(command_.policy);
      return std::move(request_);
    }
    proto::DeleteRule& rule = *request_.add_changes()->mutable_delete_rule();
    rule.set_policy(command_.policy);
    rule.mutable_rule()->set_name(command_.rule);
    assign();
    return std::move(request_);
  }

  void assign() {
    if (command_.assign == Ipseccmd::Assign::kUnchanged) return;
    proto::SetPolicy& message = *request_.add_changes()->mutable_set_policy();
    message.mutable_policy()->set_name(command_.policy);
    message.set_assign(command_.assign == Ipseccmd::Assign::kYes);
  }

  template <typename Message>
  void set_main_mode(Message& message) const {
    if (command_.polling_minutes) message.set_polling_interval_minutes(*command_.polling_minutes);
    if (command_.quick_mode_limit) message.set_quick_mode_limit(*command_.quick_mode_limit);
    if (command_.main_mode_minutes) message.set_main_mode_lifetime_minutes(*command_.main_mode_minutes);
    if (command_.master_pfs) message.set_master_pfs(true);
    if (command_.default_rule) message.set_activate_default_rule(true);
    if (!command_.main_mode_offers.empty())
      *message.mutable_main_mode_offers() = cli::to_proto(command_.main_mode_offers);
  }

  void change_policy() {
    if (policy_ != nullptr) {
      proto::SetPolicy& message = *request_.add_changes()->mutable_set_policy();
      message.mutable_policy()->set_name(command_.policy);
      return set_main_mode(message);
    }
    proto::AddPolicy& message = *request_.add_changes()->mutable_add_policy();
    message.set_name(command_.policy);
    // Only the filter DEFAULT asks for it.
    message.set_activate_default_rule(false);
    set_main_mode(message);
  }

  template <typename Message>
  void set_action(Message& message) const {
    message.set_action(to_proto(command_.action.value_or(Ipseccmd::Action::kNegotiate)));
    if (command_.inbound_passthrough) message.set_inbound_passthrough(true);
    if (command_.soft) message.set_allow_soft(true);
    if (command_.pfs_group) {
      message.set_quick_mode_pfs(true);
      message.set_pfs_group(group_name(command_.pfs_group, "none", "none"));
    }
    if (!command_.offers.empty()) *message.mutable_offers() = cli::to_proto(command_.offers);
  }

  void change_action() {
    if (has_action_) {
      proto::SetFilterAction& message = *request_.add_changes()->mutable_set_filter_action();
      message.mutable_filter_action()->set_name(action_name(command_));
      return set_action(message);
    }
    proto::AddFilterAction& message = *request_.add_changes()->mutable_add_filter_action();
    message.set_name(action_name(command_));
    set_action(message);
  }

  // The filters of the line take the place of those that the list has.
  void change_filters() {
    if (list_ == nullptr) request_.add_changes()->mutable_add_filter_list()->set_name(list_name(command_));
    for (int i = 0; list_ != nullptr && i < list_->filters_size(); ++i) {
      proto::DeleteFilter& message = *request_.add_changes()->mutable_delete_filter();
      message.set_filter_list(list_name(command_));
      *message.mutable_filter() = list_->filters(i);
    }
    for (const IpseccmdFilter& filter : command_.filters) {
      proto::AddFilter& message = *request_.add_changes()->mutable_add_filter();
      message.set_filter_list(list_name(command_));
      *message.mutable_filter() = to_proto(filter);
    }
  }

  template <typename Message>
  Status set_rule_parts(Message& message) {
    message.set_policy(command_.policy);
    if (command_.tunnel) {
      IPSEC_ASSIGN_OR_RETURN(*message.mutable_tunnel_endpoint(), tunnel_end(*command_.tunnel, services_));
    }
    if (command_.connection_type != "all") message.set_connection_type(command_.connection_type);
    if (!command_.authentication.empty()) *message.mutable_authentication() = to_proto(command_.authentication);
    return {};
  }

  Status change_rule() {
    if (!command_.filters.empty()) change_filters();
    if (command_.action || rule_ == nullptr) change_action();
    if (rule_ == nullptr) {
      proto::AddRule& message = *request_.add_changes()->mutable_add_rule();
      message.set_name(command_.rule);
      message.set_filter_list(list_name(command_));
      message.set_filter_action(action_name(command_));
      return set_rule_parts(message);
    }
    proto::SetRule& message = *request_.add_changes()->mutable_set_rule();
    message.mutable_rule()->set_name(command_.rule);
    if (!command_.filters.empty()) message.set_filter_list(list_name(command_));
    if (command_.action) message.set_filter_action(action_name(command_));
    return set_rule_parts(message);
  }

  const Ipseccmd& command_;
  Services& services_;
  proto::ReadReply store_;
  const proto::StoredPolicy* policy_ = nullptr;
  const proto::StoredRule* rule_ = nullptr;
  const proto::StoredFilterList* list_ = nullptr;
  bool has_action_ = false;
  proto::ApplyRequest request_;
};

// ---- dynamic --------------------------------------------------------------------------------------------------------

template <typename Policies>
bool has_policy(const Policies& policies, const std::string& name) {
  return std::any_of(policies.begin(), policies.end(),
                     [&](const auto& policy) { return equal_ignoring_case(policy.name(), name); });
}

proto::Action action_of(const Ipseccmd& command, const IpseccmdFilter& filter) {
  if (filter.action == IpseccmdFilter::Action::kPermit) return proto::ACTION_PERMIT;
  if (filter.action == IpseccmdFilter::Action::kBlock) return proto::ACTION_BLOCK;
  return to_proto(command.action.value_or(Ipseccmd::Action::kNegotiate));
}

// Policies that lines of equal options share are named after those options.
std::string main_mode_name(const Ipseccmd& command) {
  std::string name(kDynamicMainModePolicy);
  for (const MainModeOffer& offer : command.main_mode_offers) name += " " + to_string(offer);
  if (command.main_mode_minutes) name += fmt::format(" {}m", *command.main_mode_minutes);
  if (command.quick_mode_limit) name += fmt::format(" {}q", *command.quick_mode_limit);
  if (command.soft_sa_seconds) name += fmt::format(" {}s", *command.soft_sa_seconds);
  return command.master_pfs ? name + " pfs" : name;
}

std::string quick_mode_name(const Ipseccmd& command) {
  std::string name(kDynamicMainModePolicy);
  for (const QuickModeOffer& offer : command.offers) name += " " + to_string(offer);
  if (command.pfs_group) name += " pfs " + group_name(command.pfs_group, "", "mm");
  return command.soft ? name + " soft" : name;
}

void add_main_mode(const Ipseccmd& command, proto::ApplyRequest& request) {
  proto::AddMainModePolicy& message = *request.add_changes()->mutable_add_main_mode_policy();
  message.set_name(main_mode_name(command));
  if (!command.main_mode_offers.empty()) *message.mutable_offers() = to_proto(command.main_mode_offers);
  if (command.main_mode_minutes) message.set_lifetime_minutes(*command.main_mode_minutes);
  if (command.quick_mode_limit) message.set_quick_mode_limit(*command.quick_mode_limit);
  if (command.master_pfs) message.set_quick_mode_limit(1);
  if (command.soft_sa_seconds) message.set_soft_sa_expiration(*command.soft_sa_seconds / kSecondsPerMinute);
}

void add_quick_mode(const Ipseccmd& command, proto::ApplyRequest& request) {
  proto::AddQuickModePolicy& message = *request.add_changes()->mutable_add_quick_mode_policy();
  message.set_name(quick_mode_name(command));
  message.set_allow_soft(command.soft);
  message.set_pfs_group(group_name(command.pfs_group, "none", "mm"));
  if (!command.offers.empty()) *message.mutable_offers() = to_proto(command.offers);
}

Result<proto::ApplyRequest> dynamic_changes(const Ipseccmd& command, Services& services) {
  if (command.default_rule) return refused("-f DEFAULT works with -w REG only");
  if (command.inbound_passthrough) return refused("-n INPASS works with -w REG only");
  IPSEC_ASSIGN_OR_RETURN(const proto::DynamicPolicy present, services.agent.dynamic_policy());
  proto::ApplyRequest request;
  if (!has_policy(present.main_mode_policies(), main_mode_name(command))) add_main_mode(command, request);
  const bool negotiates = std::any_of(command.filters.begin(), command.filters.end(), [&](const auto& filter) {
    return action_of(command, filter) == proto::ACTION_NEGOTIATE;
  });
  if (negotiates && !has_policy(present.quick_mode_policies(), quick_mode_name(command))) {
    add_quick_mode(command, request);
  }
  for (const IpseccmdFilter& filter : command.filters) {
    proto::AddDynamicRule& rule = *request.add_changes()->mutable_add_dynamic_rule();
    *rule.mutable_selector()->mutable_filter() = to_proto(filter);
    rule.mutable_selector()->set_connection_type(command.connection_type);
    if (command.tunnel) {
      IPSEC_ASSIGN_OR_RETURN(*rule.mutable_selector()->mutable_tunnel_destination(),
                             tunnel_end(*command.tunnel, services));
    }
    const proto::Action action = action_of(command, filter);
    rule.set_inbound(action);
    rule.set_outbound(action);
    rule.set_main_mode_policy(main_mode_name(command));
    if (action == proto::ACTION_NEGOTIATE) rule.set_quick_mode_policy(quick_mode_name(command));
    if (!command.authentication.empty()) *rule.mutable_authentication() = to_proto(command.authentication);
  }
  return request;
}

}  // namespace

Outcome run_ipseccmd(const Ipseccmd& command, Services& services) {
  proto::ApplyRequest everything;
  everything.add_changes()->mutable_delete_dynamic_all();
  if (command.delete_all) return apply_changes(services, everything);
  auto request = command.is_static ? StoredChanges(command, services).make() : dynamic_changes(command, services);
  if (!request.ok()) return call_failed(services.agent, request.status(), kPolicyNotFound);
  const Outcome outcome = apply_changes(services, *request);
  for (proto::Change& change : *request->mutable_changes()) wipe_keys(change);
  return outcome;
}

}  // namespace ipsec::cli

#include "services/policyagent/shell/dynamic_messages.h"

#include "services/policyagent/shell/change_reader.h"

namespace ipsec::agent {

namespace {

constexpr std::string_view kNoPfs = "none";
constexpr std::string_view kMainModeGroup = "mm";

template <typename Message, typename Change>
void read_main_mode(ChangeReader& reader, const Message& from, Change& to) {
  reader.name_object(fmt::format("main mode policy '{}'", from.name()));
  to.name = from.name();
  if (from.has_quick_mode_limit()) to.quick_mode_limit = from.quick_mode_limit();
  if (from.has_lifetime_minutes()) to.lifetime_minutes = from.lifetime_minutes();
  if (from.has_soft_sa_expiration()) to.soft_sa_expiration = from.soft_sa_expiration();
  if (from.has_offers()) to.offers = reader.main_mode_offers(from.offers());
}

std::optional<DhGroup> pfs_of(ChangeReader& reader, const std::string& text) {
  if (text == kNoPfs) return std::nullopt;
  return text == kMainModeGroup ? DhGroup::kNone : reader.group(text, "pfs_group");
}

template <typename Message, typename Change>
void read_quick_mode(ChangeReader& reader, const Message& from, Change& to) {
  reader.name_object(fmt::format("quick mode policy '{}'", from.name()));
  to.name = from.name();
  if (from.has_allow_soft()) to.allow_soft = from.allow_soft();
  if (from.has_pfs_group()) to.pfs = pfs_of(reader, from.pfs_group());
  if (from.has_offers()) to.offers = reader.quick_mode_offers(from.offers());
}

store::DynamicRuleSelector read_selector(ChangeReader& reader, const proto::DynamicRuleSelector& from) {
  reader.name_object("dynamic rule");
  store::DynamicRuleSelector to;
  to.filter = reader.filter(from.filter());
  if (!from.connection_type().empty()) to.connection_type = reader.connection_type(from.connection_type());
  if (from.has_tunnel_destination()) to.tunnel_endpoint = reader.tunnel_endpoint(from.tunnel_destination());
  return to;
}

template <typename Message, typename Change>
void read_effect(ChangeReader& reader, const Message& from, Change& to) {
  to.selector = read_selector(reader, from.selector());
  to.inbound = reader.action(from.inbound());
  to.outbound = reader.action(from.outbound());
  if (from.has_authentication()) to.authentication = reader.authentication(from.authentication());
}

store::DynamicChange read_change(ChangeReader& reader, const proto::Change& message) {
  switch (message.change_case()) {
    case proto::Change::kAddMainModePolicy: {
      store::AddMainModePolicy to;
      read_main_mode(reader, message.add_main_mode_policy(), to);
      return to;
    }
    case proto::Change::kSetMainModePolicy: {
      store::SetMainModePolicy to;
      read_main_mode(reader, message.set_main_mode_policy(), to);
      return to;
    }
    case proto::Change::kDeleteMainModePolicy:
      return store::DeleteMainModePolicy{message.delete_main_mode_policy().name()};
    case proto::Change::kAddQuickModePolicy: {
      store::AddQuickModePolicy to;
      read_quick_mode(reader, message.add_quick_mode_policy(), to);
      return to;
    }
    case proto::Change::kSetQuickModePolicy: {
      store::SetQuickModePolicy to;
      read_quick_mode(reader, message.set_quick_mode_policy(), to);
      return to;
    }
    case proto::Change::kDeleteQuickModePolicy:
      return store::DeleteQuickModePolicy{message.delete_quick_mode_policy().name()};
    case proto::Change::kAddDynamicRule: {
      const proto::AddDynamicRule& from = message.add_dynamic_rule();
      store::AddDynamicRule to;
      read_effect(reader, from, to);
      to.main_mode_policy = from.main_mode_policy();
      to.quick_mode_policy = from.quick_mode_policy();
      return to;
    }
    case proto::Change::kSetDynamicRule: {
      const proto::SetDynamicRule& from = message.set_dynamic_rule();
      store::SetDynamicRule to;
      read_effect(reader, from, to);
      if (from.has_main_mode_policy()) to.main_mode_policy = from.main_mode_policy();
      if (from.has_quick_mode_policy()) to.quick_mode_policy = from.quick_mode_policy();
      return to;
    }
    case proto::Change::kDeleteDynamicRule:
      return store::DeleteDynamicRule{read_selector(reader, message.delete_dynamic_rule().selector())};
    case proto::Change::kSetConfig:
      return store::SetConfig{message.set_config().property(), message.set_config().value()};
    default:
      break;
  }
  return store::DeleteDynamicAll{};
}

std::string pfs_text(const std::optional<DhGroup>& pfs) {
  if (!pfs) return std::string(kNoPfs);
  return *pfs == DhGroup::kNone ? std::string(kMainModeGroup) : std::string(info(*pfs).name);
}

proto::DynamicRule rule_message(const store::DynamicRule& rule) {
  proto::DynamicRule message;
  *message.mutable_selector()->mutable_filter() = to_proto(rule.filter);
  message.mutable_selector()->mutable_filter()->clear_guid();
  message.mutable_selector()->set_connection_type(std::string(store::to_string(rule.connection_type)));
  if (rule.tunnel_endpoint) {
    *message.mutable_selector()->mutable_tunnel_destination() = rpc::to_proto(*rule.tunnel_endpoint);
  }
  message.set_main_mode_policy(rule.main_mode_policy);
  message.set_quick_mode_policy(rule.quick_mode_policy);
  message.set_inbound(to_proto(rule.inbound));
  message.set_outbound(to_proto(rule.outbound));
  add_authentication(rule.authentication, *message.mutable_authentication());
  return message;
}

}  // namespace

bool is_dynamic(const proto::Change& message) {
  return message.change_case() >= proto::Change::kAddMainModePolicy &&
         message.change_case() <= proto::Change::kSetConfig;
}

std::optional<store::DynamicChange> to_dynamic_change(const proto::Change& message, const Resolver& resolver,
                                                      store::Problems& problems) {
  ChangeReader reader(resolver, problems);
  store::DynamicChange change = read_change(reader, message);
  if (!reader.good()) return std::nullopt;
  return change;
}

proto::DynamicPolicy to_proto(const store::RunningState& state, const store::Config& in_effect) {
  proto::DynamicPolicy message;
  for (const store::DynamicMainModePolicy& policy : state.policy.main_mode_policies) {
    proto::DynamicMainModePolicy& made = *message.add_main_mode_policies();
    made.set_name(policy.name);
    made.set_quick_mode_limit(policy.quick_mode_limit);
    made.set_lifetime_minutes(policy.lifetime_minutes);
    made.set_soft_sa_expiration(policy.soft_sa_expiration);
    add_offers(policy.offers, *made.mutable_offers());
  }
  for (const store::DynamicQuickModePolicy& policy : state.policy.quick_mode_policies) {
    proto::DynamicQuickModePolicy& made = *message.add_quick_mode_policies();
    made.set_name(policy.name);
    made.set_allow_soft(policy.allow_soft);
    made.set_pfs_group(pfs_text(policy.pfs));
    add_offers(policy.offers, *made.mutable_offers());
  }
  for (const store::DynamicRule& rule : state.policy.rules) *message.add_rules() = rule_message(rule);
  for (const store::PropertyInfo& row : store::all_properties()) {
    proto::ConfigProperty& property = *message.add_config();
    property.set_property(std::string(row.name));
    property.set_value(store::property_value(state.config, row.name));
    property.set_in_effect(store::property_value(in_effect, row.name));
  }
  return message;
}

}  // namespace ipsec::agent

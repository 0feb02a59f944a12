#include "services/policyagent/shell/store_messages.h"

#include "services/common/rpc/convert.h"
#include "store/lookup.h"
#include "store/names.h"

namespace ipsec::agent {

namespace {

proto::StoredAddress to_proto(const store::FilterAddress& address) {
  proto::StoredAddress message;
  if (const auto* keyword = std::get_if<store::AddressKeyword>(&address)) {
    message.set_keyword(std::string(store::to_string(*keyword)));
  } else if (const auto* range = std::get_if<AddressRange>(&address)) {
    *message.mutable_range() = rpc::to_proto(*range);
  } else {
    const auto& name = std::get<store::DnsName>(address);
    message.mutable_dns_name()->set_name(name.name);
    for (const IpAddress& each : name.resolved) *message.mutable_dns_name()->add_resolved() = rpc::to_proto(each);
  }
  return message;
}

proto::StoredDefaultRule to_proto(const store::DefaultResponseRule& rule) {
  proto::StoredDefaultRule message;
  message.set_guid(rule.guid.text);
  message.set_active(rule.active);
  message.set_quick_mode_pfs(rule.quick_mode_pfs);
  add_offers(rule.offers, *message.mutable_offers());
  add_authentication(rule.authentication, *message.mutable_authentication());
  return message;
}

}  // namespace

void add_offers(const std::vector<store::QuickModeOffer>& offers, QuickModeOfferMessages& list) {
  for (const store::QuickModeOffer& offer : offers) {
    proto::StoredQuickModeOffer& made = *list.Add();
    if (offer.ah) made.set_ah(std::string(info(*offer.ah).name));
    if (offer.esp) {
      made.set_esp_cipher(std::string(info(offer.esp->cipher).name));
      made.set_esp_integrity(std::string(info(offer.esp->integrity).name));
    }
    made.set_lifetime_kilobytes(offer.lifetime_kilobytes);
    made.set_lifetime_seconds(offer.lifetime_seconds);
  }
}

void add_offers(const std::vector<store::MainModeOffer>& offers, MainModeOfferMessages& list) {
  for (const store::MainModeOffer& offer : offers) {
    proto::StoredMainModeOffer& made = *list.Add();
    made.set_cipher(std::string(info(offer.cipher).name));
    made.set_integrity(std::string(info(offer.integrity).name));
    made.set_dh_group(std::string(info(offer.group).name));
  }
}

void add_authentication(const std::vector<store::AuthenticationMethod>& methods, AuthenticationMessages& list) {
  for (const store::AuthenticationMethod& method : methods) {
    proto::StoredAuthentication& made = *list.Add();
    if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&method)) {
      made.mutable_preshared_key()->set_is_set(!key->key.empty() || key->unopened.has_value());
    } else if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&method)) {
      made.mutable_certificate()->set_root_ca(certificate->root_ca);
      made.mutable_certificate()->set_map_to_account(certificate->map_to_account);
      made.mutable_certificate()->set_exclude_ca_name(certificate->exclude_ca_name);
    } else {
      made.set_kerberos(true);
    }
  }
}

proto::StoredFilter to_proto(const store::Filter& filter) {
  proto::StoredFilter message;
  message.set_guid(filter.guid.text);
  message.set_description(filter.description);
  *message.mutable_source() = to_proto(filter.source);
  *message.mutable_destination() = to_proto(filter.destination);
  message.set_protocol(filter.protocol);
  message.set_source_port(filter.source_port);
  message.set_destination_port(filter.destination_port);
  message.set_mirrored(filter.mirrored);
  return message;
}

proto::Action to_proto(store::Action action) {
  switch (action) {
    case store::Action::kPermit:
      return proto::ACTION_PERMIT;
    case store::Action::kBlock:
      return proto::ACTION_BLOCK;
    case store::Action::kNegotiate:
      break;
  }
  return proto::ACTION_NEGOTIATE;
}

proto::StoredPolicy to_proto(const store::Policy& policy, const store::PolicyTree& tree, bool with_rules) {
  proto::StoredPolicy message;
  message.set_guid(policy.guid.text);
  message.set_name(policy.name);
  message.set_description(policy.description);
  message.set_last_modified(policy.last_modified);
  message.set_version(policy.version);
  message.set_profile(std::string(store::to_string(policy.profile)));
  add_offers(policy.isakmp.offers, *message.mutable_main_mode_offers());
  message.set_main_mode_lifetime_minutes(policy.isakmp.lifetime_minutes);
  message.set_quick_mode_limit(policy.isakmp.quick_mode_limit);
  message.set_master_pfs(policy.isakmp.master_pfs);
  message.set_polling_interval_minutes(policy.polling_interval_minutes);
  if (with_rules) {
    for (const store::Rule& rule : policy.rules) *message.add_rules() = to_proto(rule, policy, tree);
  }
  message.set_rule_count(static_cast<std::uint32_t>(policy.rules.size()));
  *message.mutable_default_rule() = to_proto(policy.default_response);
  message.set_assigned(tree.assigned == policy.guid);
  return message;
}

proto::StoredRule to_proto(const store::Rule& rule, const store::Policy& policy, const store::PolicyTree& tree) {
  proto::StoredRule message;
  message.set_guid(rule.guid.text);
  message.set_name(rule.name);
  message.set_description(rule.description);
  message.set_last_modified(rule.last_modified);
  message.set_policy(policy.name);
  if (const auto* list = store::find_filter_list(tree, rule.filter_list)) message.set_filter_list(list->name);
  if (const auto* action = store::find_filter_action(tree, rule.filter_action)) message.set_filter_action(action->name);
  add_authentication(rule.authentication, *message.mutable_authentication());
  if (rule.tunnel_endpoint) *message.mutable_tunnel_endpoint() = rpc::to_proto(*rule.tunnel_endpoint);
  message.set_connection_type(std::string(store::to_string(rule.connection_type)));
  message.set_active(rule.active);
  return message;
}

proto::StoredFilterList to_proto(const store::FilterList& list, bool with_filters) {
  proto::StoredFilterList message;
  message.set_guid(list.guid.text);
  message.set_name(list.name);
  message.set_description(list.description);
  message.set_last_modified(list.last_modified);
  if (with_filters) {
    for (const store::Filter& filter : list.filters) *message.add_filters() = to_proto(filter);
  }
  message.set_filter_count(static_cast<std::uint32_t>(list.filters.size()));
  return message;
}

proto::StoredFilterAction to_proto(const store::FilterAction& action) {
  proto::StoredFilterAction message;
  message.set_guid(action.guid.text);
  message.set_name(action.name);
  message.set_description(action.description);
  message.set_last_modified(action.last_modified);
  message.set_action(to_proto(action.action));
  add_offers(action.offers, *message.mutable_offers());
  message.set_quick_mode_pfs(action.quick_mode_pfs);
  message.set_pfs_group(std::string(info(action.pfs_group).name));
  message.set_inbound_passthrough(action.inbound_passthrough);
  message.set_allow_soft(action.allow_soft);
  return message;
}

proto::Problem to_proto(const store::Problem& problem) {
  proto::Problem message;
  message.set_change_index(static_cast<std::uint32_t>(problem.change_index));
  message.set_code(problem.code);
  message.set_object(problem.object);
  message.set_field(problem.field);
  message.set_text(problem.text);
  return message;
}

}  // namespace ipsec::agent

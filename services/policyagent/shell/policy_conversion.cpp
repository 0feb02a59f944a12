#include "services/policyagent/shell/policy_conversion.h"

#include "services/common/rpc/convert.h"
#include "services/policyagent/shell/store_messages.h"

namespace ipsec::agent {
namespace {

proto::Direction to_proto(Direction direction) {
  return direction == Direction::kOutbound ? proto::DIRECTION_OUTBOUND : proto::DIRECTION_INBOUND;
}

proto::AuthenticationMethod to_proto(const store::AuthenticationMethod& method, Secrets secrets) {
  proto::AuthenticationMethod message;
  if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&method)) {
    message.set_preshared_key(secrets == Secrets::kInclude ? std::string(key->key.reveal_text()) : std::string());
  } else if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&method)) {
    message.mutable_certificate()->set_root_ca(certificate->root_ca);
    message.mutable_certificate()->set_map_to_account(certificate->map_to_account);
    message.mutable_certificate()->set_exclude_ca_name(certificate->exclude_ca_name);
  } else {
    message.set_kerberos(true);
  }
  return message;
}

proto::MainModePolicy to_proto(const MainModePolicy& policy) {
  proto::MainModePolicy message;
  message.set_name(policy.name);
  for (const store::MainModeOffer& offer : policy.offers) {
    proto::MainModeOffer& made = *message.add_offers();
    made.set_cipher(rpc::to_proto(offer.cipher));
    made.set_integrity(rpc::to_proto(offer.integrity));
    made.set_dh_group(rpc::to_proto(offer.group));
  }
  message.set_lifetime_seconds(policy.lifetime_seconds);
  message.set_quick_mode_limit(policy.quick_mode_limit);
  message.set_master_pfs(policy.master_pfs);
  return message;
}

proto::QuickModeOffer to_proto(const store::QuickModeOffer& offer) {
  proto::QuickModeOffer message;
  if (offer.ah) message.set_ah(rpc::to_proto(*offer.ah));
  if (offer.esp) {
    message.mutable_esp()->set_cipher(rpc::to_proto(offer.esp->cipher));
    message.mutable_esp()->set_integrity(rpc::to_proto(offer.esp->integrity));
  }
  message.set_lifetime_kilobytes(offer.lifetime_kilobytes);
  message.set_lifetime_seconds(offer.lifetime_seconds);
  return message;
}

proto::QuickModePolicy to_proto(const QuickModePolicy& policy) {
  proto::QuickModePolicy message;
  message.set_name(policy.name);
  for (const store::QuickModeOffer& offer : policy.offers) *message.add_offers() = to_proto(offer);
  message.set_pfs(policy.pfs);
  message.set_pfs_group(rpc::to_proto(policy.pfs_group));
  return message;
}

void fill_default_response(const DefaultResponse& response, Secrets secrets, proto::DefaultResponse& message) {
  message.set_active(response.active);
  *message.mutable_quick_mode_policy() = to_proto(response.quick_mode_policy);
  message.set_main_mode_policy(response.main_mode_policy);
  for (const auto& method : response.authentication) *message.add_authentication() = to_proto(method, secrets);
}

}  // namespace

proto::Filter to_proto(const SpecificFilter& filter, std::size_t place, const std::string& policy_name) {
  proto::Filter message;
  message.set_id(filter.id);
  message.set_mirror_id(filter.mirror_id);
  message.set_index(static_cast<std::uint32_t>(place));
  message.set_weight(filter.weight);
  message.set_direction(to_proto(filter.direction));
  *message.mutable_selector() = rpc::to_proto(filter.selector);
  message.set_action(to_proto(filter.action));
  if (filter.tunnel_source) *message.mutable_tunnel_source() = rpc::to_proto(*filter.tunnel_source);
  if (filter.tunnel_destination) *message.mutable_tunnel_destination() = rpc::to_proto(*filter.tunnel_destination);
  message.set_inbound_passthrough(filter.inbound_passthrough);
  message.set_allow_soft(filter.allow_soft);
  message.set_quick_mode_policy(filter.quick_mode_policy);
  message.set_rule_name(filter.rule_name);
  message.set_filter_list_name(filter.filter_list_name);
  message.set_filter_action_name(filter.filter_action_name);
  message.set_policy_name(policy_name);
  message.set_generic_id(filter.generic_id);
  message.set_dynamic(filter.dynamic);
  message.set_protection_id(filter.protection_id);
  return message;
}

proto::MainModeFilter to_proto(const MainModeFilter& filter, Secrets secrets) {
  proto::MainModeFilter message;
  message.set_id(filter.id);
  *message.mutable_local() = rpc::to_proto(filter.local);
  *message.mutable_remote() = rpc::to_proto(filter.remote);
  message.set_weight(filter.weight);
  message.set_main_mode_policy(filter.main_mode_policy);
  for (const auto& method : filter.authentication) *message.add_authentication() = to_proto(method, secrets);
  message.set_rule_name(filter.rule_name);
  return message;
}

proto::GenericFilter to_proto(const GenericFilter& filter) {
  proto::GenericFilter message;
  message.set_id(filter.id);
  message.set_source(filter.source);
  message.set_destination(filter.destination);
  message.set_protocol(filter.protocol);
  message.set_source_port(filter.source_port);
  message.set_destination_port(filter.destination_port);
  message.set_mirrored(filter.mirrored);
  message.set_action(to_proto(filter.action));
  if (filter.tunnel_endpoint) *message.mutable_tunnel_endpoint() = rpc::to_proto(*filter.tunnel_endpoint);
  message.set_quick_mode_policy(filter.quick_mode_policy);
  message.set_rule_name(filter.rule_name);
  message.set_connection_type(std::string(name(filter.connection_type)));
  return message;
}

proto::DriverPolicy driver_settings(const PolicyInForce& in_force) {
  const CompiledPolicy& policy = in_force.policy;
  proto::DriverPolicy message;
  message.set_version(in_force.version);
  message.set_policy_name(policy.policy_name);
  message.set_active(policy.active);
  message.set_profile(std::string(name(policy.profile)));
  for (const IpAddress& address : policy.local_addresses) *message.add_local_addresses() = rpc::to_proto(address);
  message.set_addresses_are_complete(policy.active && !policy.filters.empty());
  message.set_exemptions(policy.settings.exemptions);
  message.set_diagnostics(policy.settings.diagnostics);
  message.set_log_interval_seconds(policy.settings.log_interval_seconds);
  return message;
}

proto::IkePolicy ike_settings(const PolicyInForce& in_force, Secrets secrets) {
  const CompiledPolicy& policy = in_force.policy;
  proto::IkePolicy message;
  message.set_version(in_force.version);
  message.set_policy_name(policy.policy_name);
  for (const MainModePolicy& each : policy.main_mode_policies) *message.add_main_mode_policies() = to_proto(each);
  for (const QuickModePolicy& each : policy.quick_mode_policies) *message.add_quick_mode_policies() = to_proto(each);
  if (policy.active) fill_default_response(policy.default_response, secrets, *message.mutable_default_response());
  message.set_profile(std::string(name(policy.profile)));
  message.set_logging(policy.settings.ike_logging);
  for (const auto& [category, level] : policy.settings.ike_log_levels) {
    proto::IkeLogLevel& one = *message.add_log_levels();
    one.set_category(category);
    one.set_level(level);
  }
  message.set_strong_crl_check(policy.settings.strong_crl_check);
  return message;
}

}  // namespace ipsec::agent

#include "services/policyagent/shell/configuration.h"

#include "services/policyagent/core/exemptions.h"

namespace ipsec::agent {
namespace proto = policyagent::v1;

namespace {

proto::BootMode boot_mode(const std::string& word) {
  if (word == "permit") return proto::BOOT_MODE_PERMIT;
  return word == "block" ? proto::BOOT_MODE_BLOCK : proto::BOOT_MODE_STATEFUL;
}

}  // namespace

ServiceSettings service_settings(const store::Config& in_effect) {
  ServiceSettings settings;
  settings.exemptions = store::property_number(in_effect, "ipsecexempt");
  settings.diagnostics = store::property_number(in_effect, "ipsecdiagnostics");
  settings.log_interval_seconds = store::property_number(in_effect, "ipsecloginterval");
  settings.ike_logging = store::property_number(in_effect, "ikelogging") != 0;
  for (store::IkeLogLevel& one : store::ike_log_levels(in_effect))
    settings.ike_log_levels.emplace_back(std::move(one.category), one.level);
  settings.strong_crl_check = store::property_number(in_effect, "strongcrlcheck");
  return settings;
}

proto::DriverPolicy boot_policy(const store::Config& config, bool only_block) {
  proto::DriverPolicy policy;
  policy.set_active(true);
  policy.set_profile("modern");
  policy.set_boot_mode(only_block ? proto::BOOT_MODE_BLOCK : boot_mode(store::property_value(config, "bootmode")));
  for (const store::BootExemption& exemption : store::boot_exemptions(config)) {
    proto::BootExemption& made = *policy.add_boot_exemptions();
    made.set_direction(exemption.inbound ? proto::DIRECTION_INBOUND : proto::DIRECTION_OUTBOUND);
    made.set_protocol(exemption.protocol);
    made.set_source_port(exemption.source_port);
    made.set_destination_port(exemption.destination_port);
  }
  return policy;
}

void add_exemptions(const CompiledPolicy& policy, proto::CompiledPolicyReply& reply) {
  for (const ExemptionFilter& filter : exemption_filters(policy.settings.exemptions, policy.profile)) {
    proto::ExemptionFilter& made = *reply.add_exemptions();
    made.set_name(std::string(filter.name));
    if (filter.direction) {
      made.set_direction(*filter.direction == Direction::kInbound ? proto::DIRECTION_INBOUND
                                                                  : proto::DIRECTION_OUTBOUND);
    }
    made.set_source(std::string(filter.source));
    made.set_destination(std::string(filter.destination));
    made.set_protocol(filter.protocol);
    made.set_source_port(filter.source_port);
    made.set_destination_port(filter.destination_port);
  }
}

}  // namespace ipsec::agent

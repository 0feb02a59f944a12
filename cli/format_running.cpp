#include <map>

#include "cli/format.h"
#include "cli/text.h"

// The compiled policy: main mode and quick mode policies, filters and rules.
namespace ipsec::cli {

namespace {

std::string policy_name(const proto::CompiledPolicyReply& compiled) {
  const std::string& name = compiled.driver().policy_name();
  return field("Policy Name", name.empty() ? "No Currently Assigned Policy" : name);
}

std::string not_available(std::string_view what) { return fmt::format("{} not available.\n", what); }

// A keyword of a generic filter as the listings write it.
std::string keyword_or_address(const std::string& text) {
  if (text == "Me") return "<My IP Address>";
  if (text == "Any") return "<Any IP Address>";
  return text;
}

std::string authentication_list(const proto::MainModeFilter& filter) {
  std::string text = "Authentication Methods\n";
  for (const auto& method : filter.authentication()) {
    text += fmt::format("    {}\n", harmless(authentication_text(method)));
  }
  return text;
}

std::string tunnel_fields(const proto::Filter& filter, const ShowOptions& options) {
  if (!filter.has_tunnel_destination() && !filter.has_tunnel_source()) return {};
  return field("Tunnel Source",
               filter.has_tunnel_source() ? address_text(filter.tunnel_source(), options) : "<Any IP Address>") +
         field("Tunnel Destination", filter.has_tunnel_destination()
                                         ? address_text(filter.tunnel_destination(), options)
                                         : "<My IP Address>");
}

std::string selector_fields(const proto::Selector& selector, const ShowOptions& options) {
  return field("Source Address", range_text(selector.source(), options)) +
         field("Destination Address", range_text(selector.destination(), options)) +
         field("Protocol", protocol_text(selector.protocol())) +
         field("Src Port", ports_text(selector.has_source_port() ? &selector.source_port() : nullptr)) +
         field("Dest Port", ports_text(selector.has_destination_port() ? &selector.destination_port() : nullptr));
}

std::string generic_fields(const proto::GenericFilter& filter) {
  std::string text =
      field("Source Address", keyword_or_address(filter.source())) +
      field("Destination Address", keyword_or_address(filter.destination())) +
      field("Protocol", protocol_text(filter.protocol())) + field("Src Port", port_text(filter.source_port())) +
      field("Dest Port", port_text(filter.destination_port())) + field("Mirrored", yes_no_text(filter.mirrored()));
  if (filter.has_tunnel_endpoint()) text += field("Tunnel Endpoint", address_text(filter.tunnel_endpoint(), {}));
  return text;
}

// Packets that take in what the filter takes out: pass-through accepts clear ones.
std::string inbound_action(const proto::Filter& filter) {
  return filter.inbound_passthrough() ? "PASSTHRU" : action_text(filter.action());
}

}  // namespace

std::string format_main_mode_policies(const proto::CompiledPolicyReply& compiled) {
  if (compiled.ike().main_mode_policies().empty()) return not_available("Main mode policies");
  std::string text = policy_name(compiled) + "\n";
  for (const auto& policy : compiled.ike().main_mode_policies()) {
    text += field("Mainmode Policy Name", policy.name()) + field("Master PFS", yes_no_text(policy.master_pfs()));
    Table table({"Encryption", "Integrity", "DH", "Lifetime (Kb:secs)", "QM Limit Per MM"});
    for (const auto& offer : policy.offers()) {
      table.add({cipher_text(offer.cipher()), integrity_text(offer.integrity()), group_text(offer.dh_group()),
                 fmt::format("0:{}", policy.lifetime_seconds()), std::to_string(policy.quick_mode_limit())});
    }
    text += table.to_string(0) + "\n";
  }
  return text;
}

std::string format_quick_mode_policies(const proto::CompiledPolicyReply& compiled) {
  if (compiled.ike().quick_mode_policies().empty()) return not_available("Quick mode policies");
  std::string text = policy_name(compiled) + "\n";
  for (const auto& policy : compiled.ike().quick_mode_policies()) {
    text += field("QuickMode Policy Name", policy.name());
    Table table({"Security Methods", "Lifetime (Kb:secs)", "PFS DH Group"});
    for (const auto& offer : policy.offers()) {
      std::string methods;
      if (offer.ah() != proto::INTEGRITY_UNSPECIFIED) methods = fmt::format("AH[{}]", integrity_text(offer.ah()));
      if (offer.has_esp()) {
        methods += fmt::format("{}ESP[{}]", methods.empty() ? "" : "+",
                               esp_text(offer.esp().cipher(), offer.esp().integrity()));
      }
      const std::string group = policy.pfs_group() == 0 ? "Main Mode Derived" : group_text(policy.pfs_group());
      table.add({methods, fmt::format("{}:{}", offer.lifetime_kilobytes(), offer.lifetime_seconds()),
                 policy.pfs() ? group : "<Unassigned>"});
    }
    text += table.to_string(0) + "\n";
  }
  return text;
}

std::string format_main_mode_filters(const proto::CompiledPolicyReply& compiled, const ShowOptions& options) {
  if (compiled.ike().main_mode_filters().empty()) return not_available("Main mode filters");
  std::string text = "Main Mode Filters:\n\n";
  for (const auto& filter : compiled.ike().main_mode_filters()) {
    text += field("Filter name", filter.rule_name()) + field("Weight", std::to_string(filter.weight())) +
            field("Source Address", range_text(filter.local(), options)) +
            field("Destination Address", range_text(filter.remote(), options)) + authentication_list(filter) +
            field("Mainmode Policy", filter.main_mode_policy()) + "\n";
  }
  return text + fmt::format("{} Main Mode Filter(s)\n", compiled.ike().main_mode_filters_size());
}

std::string format_generic_filters(const proto::CompiledPolicyReply& compiled) {
  if (compiled.generic_filters().empty()) return not_available("Generic quick mode filters");
  std::string text = "Quick Mode Filters (Generic):\n\n";
  for (const auto& filter : compiled.generic_filters()) {
    text += field("Filter name", filter.rule_name()) + field("Connection Type", filter.connection_type()) +
            generic_fields(filter) + field("Quick Mode Policy", filter.quick_mode_policy()) +
            field("Action", action_text(filter.action())) + "\n";
  }
  return text + fmt::format("{} Generic Filter(s)\n", compiled.generic_filters_size());
}

std::string format_specific_filters(const proto::CompiledPolicyReply& compiled, const ShowOptions& options) {
  if (compiled.driver().filters().empty()) return not_available("Specific quick mode filters");
  std::string text = "Quick Mode Filters (Specific):\n\n";
  for (const auto& filter : compiled.driver().filters()) {
    const bool is_inbound = filter.direction() == proto::DIRECTION_INBOUND;
    text += field("Filter name", filter.rule_name()) + field("Weight", std::to_string(filter.weight())) +
            field("Direction", direction_text(filter.direction())) + selector_fields(filter.selector(), options) +
            tunnel_fields(filter, options) + field("Quick Mode Policy", filter.quick_mode_policy()) +
            field(is_inbound ? "Inbound Action" : "Outbound Action",
                  is_inbound ? inbound_action(filter) : action_text(filter.action())) +
            "\n";
  }
  return text + fmt::format("{} Specific Filter(s)\n", compiled.driver().filters_size());
}

std::string format_running_rules(const proto::CompiledPolicyReply& compiled) {
  if (compiled.generic_filters().empty()) return not_available("Rules");
  std::map<std::string, const proto::MainModeFilter*> main_modes;
  for (const auto& filter : compiled.ike().main_mode_filters()) main_modes.emplace(filter.rule_name(), &filter);
  std::map<std::uint64_t, const proto::Filter*> inbound;
  for (const auto& filter : compiled.driver().filters()) {
    if (filter.direction() == proto::DIRECTION_INBOUND) inbound.emplace(filter.generic_id(), &filter);
  }
  std::string text = policy_name(compiled) + "\n";
  for (const auto& rule : compiled.generic_filters()) {
    const auto specific = inbound.find(rule.id());
    const auto main_mode = main_modes.find(rule.rule_name());
    text +=
        field("Rule Name", rule.rule_name()) + field("Connection Type", rule.connection_type()) + generic_fields(rule);
    if (rule.action() == proto::ACTION_NEGOTIATE && main_mode != main_modes.end()) {
      text += field("Mainmode Policy", main_mode->second->main_mode_policy()) + authentication_list(*main_mode->second);
    }
    text += field("Quick Mode Policy", rule.quick_mode_policy()) +
            field("Inbound Action",
                  specific == inbound.end() ? action_text(rule.action()) : inbound_action(*specific->second)) +
            field("Outbound Action", action_text(rule.action())) + "\n";
  }
  return text;
}

}  // namespace ipsec::cli

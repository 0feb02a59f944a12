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

template <typename Filter>
std::string authentication_list(const Filter& filter) {
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

// Packets that take in what the filter takes out: pass-through and fall back accept clear ones (DRV-09).
std::string inbound_action(const proto::Filter& filter) {
  return filter.inbound_passthrough() || filter.allow_soft() ? "PASSTHRU" : action_text(filter.action());
}

// The filters of the driver by what they were made from and by their own ids, to tell what a listing joins.
class Filters {
 public:
  explicit Filters(const proto::CompiledPolicyReply& compiled) {
    for (const auto& filter : compiled.driver().filters()) {
      by_id_.emplace(filter.id(), &filter);
      if (filter.direction() == proto::DIRECTION_INBOUND) inbound_.emplace(filter.generic_id(), &filter);
    }
    for (const auto& written : compiled.generic_filters()) written_.emplace(written.id(), &written);
  }

  // Both actions of a filter as written.
  std::string actions(const proto::GenericFilter& filter) const {
    const auto inbound = inbound_.find(filter.id());
    return field("Inbound Action",
                 inbound == inbound_.end() ? action_text(filter.action()) : inbound_action(*inbound->second)) +
           field("Outbound Action", action_text(filter.action()));
  }

  // Of a specific filter that of its direction, and that of its mirror.
  std::string actions(const proto::Filter& filter) const {
    const auto mirror = by_id_.find(filter.mirror_id());
    const proto::Filter* other = mirror == by_id_.end() ? nullptr : mirror->second;
    const bool is_inbound = filter.direction() == proto::DIRECTION_INBOUND;
    const proto::Filter* in = is_inbound ? &filter : other;
    const proto::Filter* out = is_inbound ? other : &filter;
    return field("Inbound Action", in == nullptr ? "" : inbound_action(*in)) +
           field("Outbound Action", out == nullptr ? "" : action_text(out->action()));
  }

  // nullptr: made from no written filter.
  const proto::GenericFilter* written(const proto::Filter& filter) const {
    const auto found = written_.find(filter.generic_id());
    return found == written_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::uint64_t, const proto::Filter*> by_id_;
  std::map<std::uint64_t, const proto::Filter*> inbound_;  // by generic id
  std::map<std::uint64_t, const proto::GenericFilter*> written_;
};

std::string security_methods(const proto::CompiledPolicyReply& compiled, const std::string& policy_name) {
  std::string text = "Security Methods\n";
  for (const auto& policy : compiled.ike().main_mode_policies()) {
    if (policy.name() != policy_name) continue;
    for (const auto& offer : policy.offers()) {
      text += fmt::format("    {}/{}\n", main_mode_suite_text(offer), policy.lifetime_seconds());
    }
  }
  return text;
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

std::string format_generic_main_mode_filters(const proto::CompiledPolicyReply& compiled) {
  if (compiled.generic_main_mode_filters().empty()) return not_available("Generic main mode filters");
  std::string text = "Mainmode Filters (Generic):\n\n";
  for (const auto& filter : compiled.generic_main_mode_filters()) {
    text += field("Filter name", filter.rule_name()) + field("Connection Type", filter.connection_type()) +
            field("Source Address", keyword_or_address(filter.source())) +
            field("Destination Address", keyword_or_address(filter.destination())) + authentication_list(filter) +
            field("Mainmode Policy", filter.main_mode_policy()) +
            security_methods(compiled, filter.main_mode_policy()) + "\n";
  }
  return text + fmt::format("{} Generic Filter(s)\n", compiled.generic_main_mode_filters_size());
}

std::string format_specific_main_mode_filters(const proto::CompiledPolicyReply& compiled, const ShowOptions& options) {
  if (compiled.ike().main_mode_filters().empty()) return not_available("Specific main mode filters");
  std::map<std::string, std::string> connection_types;
  for (const auto& written : compiled.generic_filters()) {
    connection_types.emplace(written.rule_name(), written.connection_type());
  }
  std::string text = "Mainmode Filters (Specific):\n\n";
  for (const auto& filter : compiled.ike().main_mode_filters()) {
    // A main mode goes both ways: either side may begin it.
    text += field("Filter name", filter.rule_name()) + field("Weight", std::to_string(filter.weight())) +
            field("Connection Type", connection_types[filter.rule_name()]) +
            field("Source Address", range_text(filter.local(), options)) +
            field("Destination Address", range_text(filter.remote(), options)) +
            field("Direction", "Inbound and outbound") + authentication_list(filter) +
            field("Mainmode Policy", filter.main_mode_policy()) +
            security_methods(compiled, filter.main_mode_policy()) + "\n";
  }
  return text + fmt::format("{} Specific Filter(s)\n", compiled.ike().main_mode_filters_size());
}

std::string format_generic_filters(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole) {
  if (shown.generic_filters().empty()) return not_available("Generic quick mode filters");
  const Filters filters(whole);
  std::string text = "Quick Mode Filters (Generic):\n\n";
  for (const auto& filter : shown.generic_filters()) {
    text += field("Filter name", filter.rule_name()) + field("Connection Type", filter.connection_type()) +
            generic_fields(filter) + field("Quick Mode Policy", filter.quick_mode_policy()) + filters.actions(filter) +
            "\n";
  }
  return text + fmt::format("{} Generic Filter(s)\n", shown.generic_filters_size());
}

std::string format_specific_filters(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole,
                                    const ShowOptions& options) {
  if (shown.driver().filters().empty()) return not_available("Specific quick mode filters");
  const Filters filters(whole);
  std::string text = "Quick Mode Filters (Specific):\n\n";
  for (const auto& filter : shown.driver().filters()) {
    const proto::GenericFilter* written = filters.written(filter);
    // The default response rule answers on every connection.
    const std::string connection_type = filter.dynamic() ? "all" : written == nullptr ? "" : written->connection_type();
    text += field("Filter name", filter.rule_name()) + field("Weight", std::to_string(filter.weight())) +
            (filter.dynamic() ? field("Dynamic", "YES") : "") + field("Connection Type", connection_type) +
            field("Direction", direction_text(filter.direction())) + selector_fields(filter.selector(), options) +
            field("Mirrored", yes_no_text(filter.mirror_id() != 0)) + tunnel_fields(filter, options) +
            field("Quick Mode Policy", filter.quick_mode_policy()) + filters.actions(filter) + "\n";
  }
  return text + fmt::format("{} Specific Filter(s)\n", shown.driver().filters_size());
}

std::string format_running_rules(const proto::CompiledPolicyReply& shown, const proto::CompiledPolicyReply& whole) {
  if (shown.generic_filters().empty()) return not_available("Rules");
  std::map<std::string, const proto::MainModeFilter*> main_modes;
  for (const auto& filter : whole.ike().main_mode_filters()) main_modes.emplace(filter.rule_name(), &filter);
  const Filters filters(whole);
  std::string text = policy_name(whole) + "\n";
  for (const auto& rule : shown.generic_filters()) {
    const auto main_mode = main_modes.find(rule.rule_name());
    text +=
        field("Rule Name", rule.rule_name()) + field("Connection Type", rule.connection_type()) + generic_fields(rule);
    if (rule.action() == proto::ACTION_NEGOTIATE && main_mode != main_modes.end()) {
      text += field("Mainmode Policy", main_mode->second->main_mode_policy()) + authentication_list(*main_mode->second);
    }
    text += field("Quick Mode Policy", rule.quick_mode_policy()) + filters.actions(rule) + "\n";
  }
  return text;
}

std::string format_exemptions(const proto::CompiledPolicyReply& compiled) {
  Table table({"Exemption", "Direction", "Source", "Destination", "Protocol", "Src Port", "Dest Port"});
  for (const auto& filter : compiled.exemptions()) {
    const bool is_both = filter.direction() == proto::DIRECTION_UNSPECIFIED;
    table.add({filter.name(), is_both ? "Both" : direction_text(filter.direction()), filter.source(),
               filter.destination(), protocol_text(filter.protocol()), port_text(filter.source_port()),
               port_text(filter.destination_port())});
  }
  return fmt::format("Exemptions (ipsecexempt {}), before all filters:\n\n{}\n{} Filter(s)\n",
                     compiled.driver().exemptions(), table.to_string(0), compiled.exemptions_size());
}

}  // namespace ipsec::cli

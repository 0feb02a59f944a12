#include <algorithm>

#include "cli/format.h"
#include "cli/text.h"
#include "cli/words.h"

// Policies and rules.
namespace ipsec::cli {

namespace {

constexpr std::string_view kIndent = "    ";

std::string main_mode_offers_text(const proto::StoredPolicy& policy) {
  Table table({"Encryption", "Integrity", "DH Group"});
  for (const auto& offer : policy.main_mode_offers()) {
    const auto cipher = cipher_by_name(offer.cipher());
    const auto integrity = integrity_by_name(offer.integrity());
    const auto group = dh_group_by_name(offer.dh_group());
    table.add({cipher ? algorithm_text(info(*cipher)) : offer.cipher(),
               integrity ? algorithm_text(info(*integrity)) : offer.integrity(),
               group ? algorithm_text(info(*group)) : offer.dh_group()});
  }
  return table.to_string(0);
}

std::string authentication_list(const google::protobuf::RepeatedPtrField<proto::StoredAuthentication>& methods) {
  std::string text = fmt::format("Authentication Methods({})\n", methods.size());
  for (const auto& method : methods) text += fmt::format("{}{}\n", kIndent, harmless(authentication_text(method)));
  return text;
}

template <typename Objects>
auto find_by_name(const Objects& objects, const std::string& name) {
  return std::find_if(objects.begin(), objects.end(),
                      [&](const auto& object) { return equal_ignoring_case(object.name(), name); });
}

// What a rule ties together: the names, or for level=verbose each in full.
std::string parts_of_rule(const proto::StoredRule& rule, const proto::ReadReply& objects, const ShowOptions& options) {
  const auto list = find_by_name(objects.filter_lists(), rule.filter_list());
  const auto action = find_by_name(objects.filter_actions(), rule.filter_action());
  const bool in_full =
      options.verbose && list != objects.filter_lists().end() && action != objects.filter_actions().end();
  if (!in_full) return field("FilterList Name", rule.filter_list()) + field("FilterAction Name", rule.filter_action());
  return "\nFilterList Details\n------------------\n\n" + format_filter_list(*list, objects.store(), options) +
         "\nFilterAction Details\n--------------------\n\n" + format_filter_action(*action, objects.store());
}

std::string format_rule(const proto::StoredRule& rule, int number, const proto::ReadReply& objects,
                        const ShowOptions& options) {
  std::string text = field("Rule ID", fmt::format("{}, {}", number, guid_text(rule.guid()))) +
                     field("Rule Name", rule.name()) + field("Description", rule.description()) +
                     field("Last Modified", utc_time(rule.last_modified())) +
                     field("Activated", yes_no_text(rule.active())) + field("Connection Type", rule.connection_type());
  if (rule.has_tunnel_endpoint()) text += field("Tunnel Dest IP Address", address_text(rule.tunnel_endpoint(), {}));
  return text + authentication_list(rule.authentication()) + parts_of_rule(rule, objects, options);
}

std::string format_default_rule(const proto::StoredPolicy& policy, const ShowOptions& options) {
  const proto::StoredDefaultRule& rule = policy.default_rule();
  std::string text = field("Rule ID", fmt::format("{}, {}", policy.rules_size() + 1, guid_text(rule.guid()))) +
                     field("Rule Name", "<Default Response Rule>") + field("Activated", yes_no_text(rule.active())) +
                     authentication_list(rule.authentication()) + field("FilterList Name", "<Dynamic>") +
                     field("FilterAction Name", "<Default Response>");
  if (options.verbose) text += "\n" + format_quick_mode_offers(rule.offers(), rule.quick_mode_pfs());
  return text;
}

std::string rule_table(const proto::StoredPolicy& policy, const RuleSelection& selection, const ShowOptions& options) {
  Table table({"Enabled", "Rule", "FilterList", "FilterAction", "Authentication"});
  int number = 0;
  for (const auto& rule : policy.rules()) {
    if (!selection.wanted(rule, ++number)) continue;
    std::string methods;
    for (const auto& method : rule.authentication()) {
      methods += (methods.empty() ? "" : ", ") + authentication_text(method);
    }
    table.add({rule.active() ? "Yes" : "No", rule.name(), rule.filter_list(), rule.filter_action(), methods});
  }
  if (selection.with_default_rule) {
    table.add({policy.default_rule().active() ? "Yes" : "No", "<Default Response Rule>", "<Dynamic>",
               "<Default Response>", ""});
  }
  return table.to_string(options.columns());
}

std::string format_policy(const proto::StoredPolicy& policy, const proto::ReadReply& objects,
                          const ShowOptions& options) {
  std::string text =
      field("Policy Name", policy.name()) + field("Description", policy.description()) +
      field("Store", store_text(objects.store())) + field("Last Modified", utc_time(policy.last_modified())) +
      field("Version", std::to_string(policy.version())) + field("GUID", guid_text(policy.guid())) +
      field("Assigned", yes_no_text(policy.assigned())) + field("Master PFS", yes_no_text(policy.master_pfs())) +
      field("Polling Interval", fmt::format("{} minutes", policy.polling_interval_minutes())) +
      field("Profile", policy.profile()) + field("No. of Rules", std::to_string(policy.rule_count()));
  if (!options.verbose) return text;
  text += field("Main Mode LifeTime", fmt::format("{} minutes / {} Quick mode sessions",
                                                  policy.main_mode_lifetime_minutes(), policy.quick_mode_limit()));
  text += "Main Mode Security Method Order\n" + main_mode_offers_text(policy);
  const RuleSelection everything = {[](const proto::StoredRule&, int) { return true; }, true};
  return text + "\nRule Details\n------------\n\n" + format_rules(policy, objects, everything, options);
}

std::string policy_table(const proto::ReadReply& objects, const ShowOptions& options) {
  Table table({"Policy Name", "Rules", "Last Modified", "Assign"});
  for (const auto& policy : objects.policies()) {
    table.add({policy.name(), std::to_string(policy.rule_count()), utc_time(policy.last_modified()),
               std::string(yes_no_text(policy.assigned()))});
  }
  // Programs that read this start at the fifth line and stop five lines before the end.
  const std::size_t columns = options.columns();
  return "\n" + table.header(columns) + table.rule(columns) + "\n" + table.rows(columns) +
         fmt::format("\nNo. of policies         : {}\nStore                   : {}\n\n\n", objects.policies_size(),
                     store_text(objects.store()));
}

}  // namespace

std::string format_policies(const proto::ReadReply& objects, const ShowOptions& options) {
  if (options.table) return policy_table(objects, options);
  std::string text;
  for (const auto& policy : objects.policies()) text += format_policy(policy, objects, options) + "\n";
  return text + fmt::format("No. of policies : {}\nStore : {}\n", objects.policies_size(), store_text(objects.store()));
}

std::string format_rules(const proto::StoredPolicy& policy, const proto::ReadReply& objects,
                         const RuleSelection& selection, const ShowOptions& options) {
  if (options.table) return rule_table(policy, selection, options);
  std::string text;
  int number = 0;
  for (const auto& rule : policy.rules()) {
    if (selection.wanted(rule, ++number)) text += format_rule(rule, number, objects, options) + "\n";
  }
  if (selection.with_default_rule && policy.has_default_rule()) text += format_default_rule(policy, options) + "\n";
  return text;
}

}  // namespace ipsec::cli

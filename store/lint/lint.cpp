#include "store/lint/lint.h"

#include <algorithm>
#include <array>

#include "store/lint/checks.h"

namespace ipsec::store::lint {

namespace {

constexpr auto kError = Severity::kError;
constexpr auto kWarning = Severity::kWarning;
constexpr auto kInformation = Severity::kInformation;

struct CheckRow {
  CheckInfo info;
  void (*run)(const Context&, Report);
};

constexpr std::array kChecks = {
    CheckRow{{"lockout", kError, "an administrator's connection would be cut off"}, check_lockout},
    CheckRow{{"lockout_without_ipsec", kWarning, "an administrator's connection would need IPsec to go on"},
             check_lockout_without_ipsec},
    CheckRow{{"tunnel_incomplete", kError, "a tunnel has a rule for one direction only"}, check_tunnel_incomplete},
    CheckRow{{"tunnel_overlap", kWarning, "two tunnels to different gateways want the same packets"},
             check_tunnel_overlap},
    CheckRow{{"tunnel_networks_overlap", kWarning, "the networks at the two ends of a tunnel overlap"},
             check_tunnel_networks_overlap},
    CheckRow{{"filter_one_way", kWarning, "one direction of the traffic is secured, its answers are not"},
             check_filter_one_way},
    CheckRow{{"filter_duplicate", kWarning, "a filter is written twice"}, check_filter_duplicate},
    CheckRow{{"rule_unreachable", kWarning, "other rules decide all packets of a rule"}, check_rule_unreachable},
    CheckRow{{"filter_unreachable", kWarning, "other filters decide all packets of a filter"},
             check_filter_unreachable},
    CheckRow{{"main_mode_weak", kWarning, "main mode offers algorithms that can be broken"}, check_main_mode_weak},
    CheckRow{{"main_mode_order", kWarning, "a weak main mode offer stands before a strong one"}, check_main_mode_order},
    CheckRow{{"main_mode_unlimited", kWarning, "one main mode key serves any number of quick modes for long"},
             check_main_mode_unlimited},
    CheckRow{{"quick_mode_weak", kWarning, "a filter action offers algorithms that can be broken"},
             check_quick_mode_weak},
    CheckRow{{"quick_mode_no_integrity", kWarning, "a filter action offers encryption without integrity"},
             check_quick_mode_no_integrity},
    CheckRow{{"quick_mode_much_data", kWarning, "one key of a 64-bit block cipher serves for too much data"},
             check_quick_mode_much_data},
    CheckRow{{"default_response_weak", kWarning, "the default response rule accepts weak methods"},
             check_default_response_weak},
    CheckRow{{"preshared_key_shared", kWarning, "many rules have the same preshared key"}, check_preshared_key_shared},
    CheckRow{{"rule_without_filters", kWarning, "a rule has no effect because its filter list is empty"},
             check_rule_without_filters},
    CheckRow{{"exemption_hole", kWarning, "what comes from port 88 passes by all filters"}, check_exemption_hole},
    CheckRow{{"dynamic_rules_left_out", kInformation, "dynamic rules lie over the policies, which are looked at alone"},
             check_dynamic_rules_left_out},
    CheckRow{{"filter_list_unused", kInformation, "no rule uses a filter list"}, check_filter_list_unused},
    CheckRow{{"filter_action_unused", kInformation, "no rule uses a filter action"}, check_filter_action_unused},
};

constexpr auto kInfos = [] {
  std::array<CheckInfo, kChecks.size()> infos;
  for (std::size_t i = 0; i < kChecks.size(); ++i) infos[i] = kChecks[i].info;
  return infos;
}();

}  // namespace

std::span<const CheckInfo> all_checks() { return kInfos; }

std::vector<Finding> lint(const PolicyTree& tree, const HostFacts& facts, const std::optional<Reference>& policy) {
  const Policy* scope = policy ? find_policy(tree, *policy) : nullptr;
  if (policy && scope == nullptr) return {};
  const Context context(tree, facts, scope);
  std::vector<Finding> findings;
  for (const CheckRow& check : kChecks) check.run(context, Report(check.info, findings));
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return findings;
}

std::string_view to_string(Severity severity) {
  if (severity == Severity::kError) return "error";
  return severity == Severity::kWarning ? "warning" : "information";
}

}  // namespace ipsec::store::lint

#include <fmt/format.h>

#include "store/lint/checks.h"

// What this host does beside its policies. No command of `netsh ipsec static` changes it.
namespace ipsec::store::lint {

// EX-08. Anybody may send from port 88.
void check_exemption_hole(const Context& context, Report report) {
  const auto exemptions = context.facts().exemptions;
  if (!exemptions || (*exemptions != 0 && *exemptions != 2)) return;
  report.add(
      {"",
       "property ipsecexempt",
       fmt::format("it is {}: packets from source port 88 (Kerberos) reach every port of this host, whatever the "
                   "filters say. `netsh ipsec dynamic set config ipsecexempt 3` and a rule that permits what is "
                   "needed are better",
                   *exemptions),
       {}});
}

void check_dynamic_rules_left_out(const Context& context, Report report) {
  const std::size_t rules = context.facts().dynamic_rules_left_out;
  if (rules == 0) return;
  report.add({"",
              "the dynamic policy",
              fmt::format("{} dynamic {} over whatever policy is assigned; here each policy is looked at without them. "
                          "`netsh ipsec dynamic lint` looks at the policy in force with them",
                          rules, rules == 1 ? "rule lies" : "rules lie"),
              {}});
}

}  // namespace ipsec::store::lint

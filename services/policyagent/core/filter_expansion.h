#pragma once

#include <string>
#include <vector>

#include "services/policyagent/core/filter_table.h"
#include "services/policyagent/core/host_addresses.h"
#include "services/policyagent/core/local_addresses.h"
#include "services/policyagent/core/problem_list.h"
#include "store/model.h"

// From a filter as written to specific filters: one direction each, concrete addresses.
//
// Which directions an unmirrored filter S -> D has on this host:
//
//   S is a local address | D is a local address | S holds one | D holds one | outbound | inbound
//   yes                  | yes                  |             |             | yes      | yes
//   yes                  | no                   |             |             | yes      |
//   no                   | yes                  |             |             |          | yes
//   no                   | no                   | yes/no      | yes/no      | as S     | as D
//   no                   | no                   | no          | no          | yes      | yes       (forwarded traffic)
//
// A mirrored filter is S -> D and D -> S. The outbound filter of a selector and the inbound filter of its mirror are
// linked. A rule for LAN or dial-up only narrows the local side to the addresses of such interfaces (IM-08).
namespace ipsec::agent {

// Everything about the rule that its filters share.
struct RuleContext {
  const store::Policy& policy;
  const store::Rule& rule;
  const store::FilterList& filter_list;
  const store::FilterAction& filter_action;
  const HostAddresses& host;
  const LocalAddresses& locals;
  std::uint32_t rule_index;
  std::string object;  // how problems name the rule
  std::uint64_t protection_id = 0;
};

// Adds the specific filters of one written filter, transport or tunnel (PD-17 to PD-19), to `table`.
void expand_filter(const RuleContext& context, const store::Filter& filter, std::uint32_t filter_index,
                   std::uint64_t generic_id, FilterTable& table, ProblemList& problems);

// A tunnel takes two rules, one for each direction (PD-18): links the outbound filters to the inbound filters of the
// mirrored traffic, gives both ends to each, and complains about those without a partner. In the order of the rules.
void link_tunnels(std::vector<SpecificFilter>& tunnels, const std::string& policy_name, ProblemList& problems);

}  // namespace ipsec::agent

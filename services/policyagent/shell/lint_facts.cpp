#include "services/policyagent/shell/lint_facts.h"

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/dynamic_layer.h"
#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/local_addresses.h"

namespace ipsec::agent {

namespace {

struct Origin {
  store::Guid rule;
  store::Guid filter;
};

// The compiled filters name their origin by this id.
using Origins = absl::flat_hash_map<std::uint64_t, Origin>;

Origins origins_of(const store::PolicyTree& tree, const store::Policy& policy) {
  absl::flat_hash_map<store::Guid, const store::FilterList*> lists;
  for (const store::FilterList& list : tree.filter_lists) lists.emplace(list.guid, &list);
  Origins origins;
  for (const store::Rule& rule : policy.rules) {
    const auto list = lists.find(rule.filter_list);
    if (list == lists.end()) continue;
    for (const store::Filter& filter : list->second->filters) {
      origins.emplace(generic_filter_id(rule.guid.text, filter.guid.text), Origin{rule.guid, filter.guid});
    }
  }
  return origins;
}

store::lint::HostFilter host_filter(const SpecificFilter& filter, const Origin& origin) {
  store::lint::HostFilter made;
  made.rule = origin.rule;
  made.filter = origin.filter;
  made.inbound = filter.direction == Direction::kInbound;
  made.selector = filter.selector;
  made.action = filter.action;
  made.tunnel_destination = filter.tunnel_destination;
  // Pass-through takes clear packets in; the answers wait for security all the same.
  made.accepts_clear = filter.allow_soft || (made.inbound && filter.inbound_passthrough);
  return made;
}

store::lint::PolicyOnHost policy_on_host(const store::Guid& policy, const CompiledPolicy& compiled,
                                         const Origins& origins) {
  store::lint::PolicyOnHost on_host;
  on_host.policy = policy;
  for (const SpecificFilter& filter : compiled.filters) {
    const auto origin = origins.find(filter.generic_id);
    if (origin != origins.end()) on_host.filters.push_back(host_filter(filter, origin->second));
  }
  return on_host;
}

// Stands for the assigned policy where there is none.
store::Policy policy_without_rules() {
  store::Policy policy;
  policy.name = "no assigned policy";
  policy.guid.text = policy.name;
  policy.default_response.active = false;
  return policy;
}

}  // namespace

store::lint::HostFacts lint_facts(const store::PolicyTree& tree, const HostAddresses& host,
                                  std::vector<FiveTuple> sessions) {
  store::lint::HostFacts facts;
  facts.local_addresses = LocalAddresses(host).all();
  facts.sessions = std::move(sessions);
  store::PolicyTree assigned = tree;
  for (const store::Policy& policy : tree.policies) {
    assigned.assigned = policy.guid;
    const auto compiled = compile(assigned, host);
    if (!compiled.ok()) continue;
    facts.policies.push_back(policy_on_host(policy.guid, *compiled, origins_of(tree, policy)));
  }
  return facts;
}

RunningFacts running_lint_facts(store::PolicyTree tree, const store::DynamicPolicy& dynamic, const HostAddresses& host,
                                std::vector<FiveTuple> sessions) {
  RunningFacts running{std::move(tree), {}};
  running.facts.local_addresses = LocalAddresses(host).all();
  running.facts.sessions = std::move(sessions);
  auto compiled = compile(running.tree, host);
  if (compiled.ok()) compiled = lay_over(std::move(compiled).value(), dynamic, host);
  if (running.tree.policies.empty()) running.tree.policies.push_back(policy_without_rules());
  if (!compiled.ok()) return running;
  const store::Policy& policy = running.tree.policies.front();
  Origins origins = origins_of(running.tree, policy);
  for (const store::DynamicRule& rule : dynamic.rules) {
    origins.emplace(generic_filter_id(rule.guid.text, rule.filter.guid.text), Origin{rule.guid, rule.filter.guid});
  }
  store::lint::PolicyOnHost on_host = policy_on_host(policy.guid, *compiled, origins);
  for (const store::DynamicRule& rule : dynamic.rules) on_host.dynamic_rules.emplace(rule.guid.text, rule.name);
  running.facts.policies.push_back(std::move(on_host));
  return running;
}

}  // namespace ipsec::agent

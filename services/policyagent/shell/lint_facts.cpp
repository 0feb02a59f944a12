#include "services/policyagent/shell/lint_facts.h"

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/compiler.h"
#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/local_addresses.h"

namespace ipsec::agent {

namespace {

struct Origin {
  store::Guid rule;
  store::Guid filter;
};

// The compiled filters name their origin by this id.
absl::flat_hash_map<std::uint64_t, Origin> origins_of(const store::PolicyTree& tree, const store::Policy& policy) {
  absl::flat_hash_map<store::Guid, const store::FilterList*> lists;
  for (const store::FilterList& list : tree.filter_lists) lists.emplace(list.guid, &list);
  absl::flat_hash_map<std::uint64_t, Origin> origins;
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
    const auto origins = origins_of(tree, policy);
    store::lint::PolicyOnHost& on_host = facts.policies.emplace_back();
    on_host.policy = policy.guid;
    for (const SpecificFilter& filter : compiled->filters) {
      const auto origin = origins.find(filter.generic_id);
      if (origin != origins.end()) on_host.filters.push_back(host_filter(filter, origin->second));
    }
  }
  return facts;
}

}  // namespace ipsec::agent

#include "services/policyagent/core/compiled_rule.h"

#include <algorithm>

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include "services/policyagent/core/address_expansion.h"
#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/limits.h"

namespace ipsec::agent {

bool is_supported(const store::AuthenticationMethod& method) {
  return !std::holds_alternative<store::KerberosAuthentication>(method);
}

namespace {

void check_authentication(const RuleContext& context, ProblemList& problems) {
  if (context.filter_action.action != store::Action::kNegotiate) return;
  const auto& methods = context.rule.authentication;
  if (std::any_of(methods.begin(), methods.end(), is_supported)) return;
  problems.add(Severity::kError, "authentication_not_supported", context.object,
               "Kerberos is not yet supported by IKE: the rule stays in force, every negotiation fails and its traffic "
               "is dropped; a certificate or a preshared key would be accepted");
}

void check_tunnel_action(const RuleContext& context, ProblemList& problems) {
  if (!context.rule.tunnel_endpoint || context.filter_action.action == store::Action::kNegotiate) return;
  problems.add(Severity::kWarning, "tunnel_endpoint_ignored", context.object,
               fmt::format("filter action '{}' is {}: only negotiate uses a tunnel endpoint",
                           context.filter_action.name, name(context.filter_action.action)));
}

GenericFilter generic_filter(const RuleContext& context, const store::Filter& filter, std::uint64_t id) {
  GenericFilter generic;
  generic.id = id;
  generic.source = written(filter.source);
  generic.destination = written(filter.destination);
  generic.protocol = filter.protocol;
  generic.source_port = filter.source_port;
  generic.destination_port = filter.destination_port;
  generic.mirrored = filter.mirrored;
  generic.action = context.filter_action.action;
  generic.tunnel_endpoint = context.rule.tunnel_endpoint;
  if (generic.action == store::Action::kNegotiate) generic.quick_mode_policy = context.filter_action.name;
  generic.rule_name = context.rule.name;
  generic.connection_type = context.rule.connection_type;
  return generic;
}

std::uint64_t traffic_hash(const SpecificFilter& filter) {
  const Selector& selector = filter.selector;
  return absl::HashOf(filter.direction, selector.source.first, selector.source.last, selector.destination.first,
                      selector.destination.last, selector.protocol, selector.source_port.first,
                      selector.source_port.last, selector.destination_port.first, selector.destination_port.last);
}

FilterPlace place_in_rule(const SpecificFilter& filter, std::uint32_t filter_index) {
  return {filter.weight, std::uint64_t{caution(filter.action)} << 62U | filter_index};
}

// Filters of the compilation before, to be used again where they are equal.
class KnownFilters {
 public:
  explicit KnownFilters(const CompiledRule* previous) {
    if (previous == nullptr) return;
    for (const auto* list : {&previous->filters, &previous->tunnels}) {
      for (const PlacedFilter& placed : *list) by_id_.emplace(placed.filter->id, placed.filter);
    }
  }
  std::shared_ptr<const SpecificFilter> share(SpecificFilter filter) const {
    const auto known = by_id_.find(filter.id);
    if (known != by_id_.end() && *known->second == filter) return known->second;
    return std::make_shared<const SpecificFilter>(std::move(filter));
  }

 private:
  absl::flat_hash_map<std::uint64_t, std::shared_ptr<const SpecificFilter>> by_id_;
};

}  // namespace

Result<CompiledRule> compile_rule(const RuleContext& context, const CompiledRule* previous) {
  CompiledRule compiled;
  ProblemList problems(compiled.problems, compiled.more_problems);
  check_authentication(context, problems);
  check_tunnel_action(context, problems);
  FilterTable table;
  std::uint32_t filter_index = 0;
  for (const store::Filter& filter : context.filter_list.filters) {
    const std::uint64_t generic_id = generic_filter_id(context.rule.guid.text, filter.guid.text);
    compiled.generic_filters.push_back(
        std::make_shared<const GenericFilter>(generic_filter(context, filter, generic_id)));
    expand_filter(context, filter, filter_index++, generic_id, table, problems);
    if (table.size() > kMaxSpecificFilters) {
      return exhausted(fmt::format("more than {} specific filters on this host", kMaxSpecificFilters));
    }
  }
  const KnownFilters known(previous);
  MainModeCandidates candidates(context.rule, context.policy);
  for (FilterTable::Entry& entry : table.take_sorted()) {
    const bool tunnel = entry.filter.tunnel_destination.has_value();
    const std::uint64_t hash = traffic_hash(entry.filter);
    const FilterPlace place = place_in_rule(entry.filter, entry.origin.filter_index);
    PlacedFilter placed{known.share(std::move(entry.filter)), place, hash};
    if (!tunnel) candidates.add(*placed.filter, place);
    (tunnel ? compiled.tunnels : compiled.filters).push_back(std::move(placed));
  }
  compiled.main_mode = candidates.take();
  return compiled;
}

}  // namespace ipsec::agent

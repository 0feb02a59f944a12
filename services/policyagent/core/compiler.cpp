#include "services/policyagent/core/compiler.h"

#include <algorithm>
#include <map>
#include <set>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/address_expansion.h"
#include "services/policyagent/core/filter_expansion.h"
#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/limits.h"
#include "services/policyagent/core/main_mode_filters.h"

namespace ipsec::agent {
namespace {

constexpr std::string_view kDefaultResponseName = "Default response";

template <typename T>
using ByGuid = absl::flat_hash_map<store::Guid, const T*>;

template <typename T>
ByGuid<T> by_guid(const std::vector<T>& objects) {
  ByGuid<T> found;
  for (const T& object : objects) found.emplace(object.guid, &object);
  return found;
}

template <typename T>
Result<const T*> look_up(const ByGuid<T>& objects, const store::Guid& guid, std::string_view kind) {
  const auto found = objects.find(guid);
  if (found != objects.end()) return found->second;
  return invalid(fmt::format("there is no {} {{{}}}", kind, guid.text));
}

bool is_preshared_key(const store::AuthenticationMethod& method) {
  return std::holds_alternative<store::PresharedKeyAuthentication>(method);
}

QuickModePolicy quick_mode_policy(const store::FilterAction& action) {
  return {action.name, action.offers, action.quick_mode_pfs, action.pfs_group};
}

class Compiler {
 public:
  Compiler(const store::PolicyTree& tree, const HostAddresses& host)
      : tree_(tree), host_(host), locals_(host), problems_(compiled_) {}

  Result<CompiledPolicy> run() {
    compiled_.local_addresses = locals_.all();
    if (!tree_.assigned) return std::move(compiled_);
    IPSEC_ASSIGN_OR_RETURN(const store::Policy* policy, look_up(by_guid(tree_.policies), *tree_.assigned, "policy"));
    IPSEC_RETURN_IF_ERROR(with_context(compile_policy(*policy), fmt::format("policy '{}'", policy->name)));
    return std::move(compiled_);
  }

 private:
  Status compile_policy(const store::Policy& policy) {
    describe_policy(policy);
    const ByGuid<store::FilterList> lists = by_guid(tree_.filter_lists);
    const ByGuid<store::FilterAction> actions = by_guid(tree_.filter_actions);
    std::uint32_t rule_index = 0;
    for (const store::Rule& rule : policy.rules) {
      const std::string object = fmt::format("rule '{}' of policy '{}'", rule.name, policy.name);
      const auto list = look_up(lists, rule.filter_list, "filter list");
      if (!list.ok()) return with_context(list.status(), object);
      const auto action = look_up(actions, rule.filter_action, "filter action");
      if (!action.ok()) return with_context(action.status(), object);
      if (rule.active) {
        IPSEC_RETURN_IF_ERROR(compile_rule({policy, rule, **list, **action, host_, locals_, rule_index, object}));
      }
      ++rule_index;
    }
    finish_filters(policy);
    return {};
  }

  void describe_policy(const store::Policy& policy) {
    compiled_.active = true;
    compiled_.policy_name = policy.name;
    compiled_.profile = policy.profile;
    compiled_.polling_interval_minutes = policy.polling_interval_minutes;
    const store::IsakmpPolicy& isakmp = policy.isakmp;
    compiled_.main_mode_policies.push_back(
        {policy.name, isakmp.offers, isakmp.lifetime_minutes * 60, isakmp.quick_mode_limit, isakmp.master_pfs});
    describe_default_response(policy);
    if (policy.profile == store::Profile::kWindows2003) {
      problems_.add(Severity::kWarning, "ipv6_not_filtered", fmt::format("policy '{}'", policy.name),
                    "profile windows2003 filters IPv4 only: IPv6 traffic passes in the clear");
    }
  }

  void describe_default_response(const store::Policy& policy) {
    const store::DefaultResponseRule& rule = policy.default_response;
    compiled_.default_response.active = rule.active;
    compiled_.default_response.quick_mode_policy = {std::string(kDefaultResponseName), rule.offers, rule.quick_mode_pfs,
                                                    DhGroup::kNone};
    compiled_.default_response.main_mode_policy = policy.name;
    compiled_.default_response.authentication = rule.authentication;
    if (rule.active && std::none_of(rule.authentication.begin(), rule.authentication.end(), is_preshared_key)) {
      problems_.add(Severity::kInformation, "authentication_not_supported",
                    fmt::format("default response rule of policy '{}'", policy.name),
                    "Kerberos and certificates are not yet supported by IKE: no peer is answered by this rule; a "
                    "preshared key would be accepted");
    }
  }

  Status compile_rule(const RuleContext& context) {
    check_authentication(context);
    check_tunnel_action(context);
    if (context.filter_action.action == store::Action::kNegotiate &&
        used_actions_.insert(&context.filter_action).second) {
      compiled_.quick_mode_policies.push_back(quick_mode_policy(context.filter_action));
    }
    std::uint32_t filter_index = 0;
    for (const store::Filter& filter : context.filter_list.filters) {
      const std::uint64_t generic_id = generic_filter_id(context.rule.guid.text, filter.guid.text);
      compiled_.generic_filters.push_back(generic_filter(context, filter, generic_id));
      expand_filter(context, filter, filter_index++, generic_id, table_, problems_);
      if (table_.size() > kMaxSpecificFilters) {
        return with_context(exhausted(fmt::format("more than {} specific filters on this host", kMaxSpecificFilters)),
                            context.object);
      }
    }
    return {};
  }

  void check_authentication(const RuleContext& context) {
    if (context.filter_action.action != store::Action::kNegotiate) return;
    const auto& methods = context.rule.authentication;
    if (std::any_of(methods.begin(), methods.end(), is_preshared_key)) return;
    problems_.add(Severity::kError, "authentication_not_supported", context.object,
                  "Kerberos and certificates are not yet supported by IKE: the rule stays in force, every negotiation "
                  "fails and its traffic is "
                  "dropped; a preshared key would be accepted");
  }

  void check_tunnel_action(const RuleContext& context) {
    if (!context.rule.tunnel_endpoint || context.filter_action.action == store::Action::kNegotiate) return;
    problems_.add(Severity::kWarning, "tunnel_endpoint_ignored", context.object,
                  fmt::format("filter action '{}' is {}: only negotiate uses a tunnel endpoint",
                              context.filter_action.name, name(context.filter_action.action)));
  }

  static GenericFilter generic_filter(const RuleContext& context, const store::Filter& filter, std::uint64_t id) {
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

  void finish_filters(const store::Policy& policy) {
    link_tunnels(table_, policy.name, problems_);
    std::vector<FilterTable::Entry> sorted = table_.take_sorted();
    check_shadowed(sorted, policy);
    compiled_.main_mode_filters = main_mode_filters(sorted, policy, problems_);
    compiled_.filters.reserve(sorted.size());
    for (FilterTable::Entry& entry : sorted) compiled_.filters.push_back(std::move(entry.filter));
  }

  // PD-24: two rules for exactly the same traffic; only the first in order has an effect.
  void check_shadowed(const std::vector<FilterTable::Entry>& sorted, const store::Policy& policy) {
    std::map<std::pair<Direction, Selector>, const SpecificFilter*> first;
    std::set<std::pair<std::uint64_t, std::uint64_t>> told;
    for (const FilterTable::Entry& entry : sorted) {
      const SpecificFilter& filter = entry.filter;
      const auto [known, is_new] = first.try_emplace({filter.direction, filter.selector}, &filter);
      const SpecificFilter& winner = *known->second;
      if (is_new || !told.insert({winner.generic_id, filter.generic_id}).second) continue;
      problems_.add(winner.action == filter.action ? Severity::kInformation : Severity::kWarning, "filter_shadowed",
                    fmt::format("rule '{}' of policy '{}'", filter.rule_name, policy.name),
                    fmt::format("{} traffic {} is decided by rule '{}' ({}); this one ({}) has no effect on it",
                                name(filter.direction), filter.selector.to_string(), winner.rule_name,
                                name(winner.action), name(filter.action)));
    }
  }

  const store::PolicyTree& tree_;
  const HostAddresses& host_;
  const LocalAddresses locals_;
  CompiledPolicy compiled_;
  ProblemList problems_;
  FilterTable table_;
  absl::flat_hash_set<const store::FilterAction*> used_actions_;
};

}  // namespace

Result<CompiledPolicy> compile(const store::PolicyTree& tree, const HostAddresses& host) {
  return Compiler(tree, host).run();
}

}  // namespace ipsec::agent

#include "services/policyagent/core/compiler.h"

#include <algorithm>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/compiled_rule.h"
#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/filter_order.h"
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

bool is_supported(const store::AuthenticationMethod& method) {
  return !std::holds_alternative<store::KerberosAuthentication>(method);
}

QuickModePolicy quick_mode_policy(const store::FilterAction& action) {
  return {action.name, action.offers, action.quick_mode_pfs, action.pfs_group};
}

std::uint64_t protection_id(const store::FilterAction& action) {
  return agent::protection_id(action.offers, action.quick_mode_pfs, action.pfs_group);
}

std::string object_of(const store::Rule& rule, const store::Policy& policy) {
  return fmt::format("rule '{}' of policy '{}'", rule.name, policy.name);
}

}  // namespace

using CompiledRulePointer = std::shared_ptr<const CompiledRule>;

// What the compilation before has left.
struct Compiler::Known {
  absl::flat_hash_map<store::Guid, CompiledRulePointer> rules;
  absl::flat_hash_map<std::uint64_t, std::shared_ptr<const SpecificFilter>> tunnels;  // linked; by id
};

namespace {

// One compilation of an assigned policy.
class Compilation {
 public:
  using Rules = absl::flat_hash_map<store::Guid, CompiledRulePointer>;
  using Tunnels = absl::flat_hash_map<std::uint64_t, std::shared_ptr<const SpecificFilter>>;

  Compilation(const store::PolicyTree& tree, const HostAddresses& host, const LocalAddresses& locals,
              CompiledPolicy& compiled)
      : tree_(tree),
        host_(host),
        locals_(locals),
        compiled_(compiled),
        problems_(compiled.problems, compiled.more_problems) {}

  Status run(const store::Policy& policy, const Rules& known_rules, const Tunnels& known_tunnels) {
    describe_policy(policy);
    IPSEC_RETURN_IF_ERROR(compile_rules(policy, known_rules));
    add_tunnels(policy, known_tunnels);
    add_filters(policy);
    return {};
  }

  Rules take_rules() { return std::move(rules_by_guid_); }
  Tunnels take_tunnels() { return std::move(tunnels_by_id_); }

 private:
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
    if (rule.active && std::none_of(rule.authentication.begin(), rule.authentication.end(), is_supported)) {
      problems_.add(
          Severity::kInformation, "authentication_not_supported",
          fmt::format("default response rule of policy '{}'", policy.name),
          "Kerberos is not yet supported by IKE: no peer is answered by this rule; a certificate or a preshared "
          "key would be accepted");
    }
  }

  Status compile_rules(const store::Policy& policy, const Rules& known) {
    const ByGuid<store::FilterList> lists = by_guid(tree_.filter_lists);
    const ByGuid<store::FilterAction> actions = by_guid(tree_.filter_actions);
    const Fingerprint common = absl::HashOf(fingerprint(host_), policy.name, policy.profile);
    rules_by_guid_.reserve(policy.rules.size());
    marks_.reserve(tree_.filter_lists.size() + tree_.filter_actions.size());
    std::uint32_t rule_index = 0;
    for (const store::Rule& rule : policy.rules) {
      const auto list = look_up(lists, rule.filter_list, "filter list");
      if (!list.ok()) return with_context(list.status(), object_of(rule, policy));
      const auto action = look_up(actions, rule.filter_action, "filter action");
      if (!action.ok()) return with_context(action.status(), object_of(rule, policy));
      if (rule.active) {
        const Fingerprint mark = absl::HashOf(common, fingerprint(rule), list_mark(**list), action_mark(**action));
        IPSEC_RETURN_IF_ERROR(
            compile_one({policy, rule, **list, **action, host_, locals_, rule_index, {}, 0}, mark, known));
      }
      ++rule_index;
    }
    return {};
  }

  // Lists and actions are shared by rules.
  Fingerprint list_mark(const store::FilterList& list) {
    const auto [known, is_new] = marks_.try_emplace(&list, 0);
    if (is_new) known->second = fingerprint(list);
    return known->second;
  }
  Fingerprint action_mark(const store::FilterAction& action) {
    const auto [known, is_new] = marks_.try_emplace(&action, 0);
    if (is_new) known->second = fingerprint(action);
    return known->second;
  }

  // `context` lacks what only a rule that is compiled needs, its names and ids.
  Status compile_one(RuleContext context, Fingerprint mark, const Rules& known) {
    const auto before = known.find(context.rule.guid);
    const CompiledRule* previous = before == known.end() ? nullptr : before->second.get();
    CompiledRulePointer rule;
    if (previous != nullptr && previous->fingerprint == mark) {
      rule = before->second;
    } else {
      context.object = object_of(context.rule, context.policy);
      context.protection_id = protection_id(context.filter_action);
      auto fresh = compile_rule(context, previous);
      if (!fresh.ok()) return with_context(fresh.status(), context.object);
      fresh->fingerprint = mark;
      rule = std::make_shared<const CompiledRule>(*std::move(fresh));
    }
    specific_filters_ += rule->size();
    if (specific_filters_ > kMaxSpecificFilters) {
      return with_context(exhausted(fmt::format("more than {} specific filters on this host", kMaxSpecificFilters)),
                          object_of(context.rule, context.policy));
    }
    if (context.filter_action.action == store::Action::kNegotiate &&
        used_actions_.insert(&context.filter_action).second) {
      compiled_.quick_mode_policies.push_back(quick_mode_policy(context.filter_action));
    }
    for (const auto& generic : rule->generic_filters) compiled_.generic_filters.push_back(generic);
    for (const PolicyProblem& problem : rule->problems) problems_.add(problem);
    problems_.add_unlisted(rule->more_problems);
    rules_by_guid_[context.rule.guid] = rule;
    rules_.push_back({std::move(rule), context.rule_index, &context.rule});
    return {};
  }

  void add_tunnels(const store::Policy& policy, const Tunnels& known) {
    std::vector<SpecificFilter> tunnels;
    for (const auto& rule : rules_) {
      for (const PlacedFilter& placed : rule.compiled->tunnels) tunnels.push_back(*placed.filter);
    }
    link_tunnels(tunnels, policy.name, problems_);
    linked_tunnels_.reserve(tunnels.size());
    for (SpecificFilter& filter : tunnels) {
      const auto before = known.find(filter.id);
      auto shared = before != known.end() && *before->second == filter
                        ? before->second
                        : std::make_shared<const SpecificFilter>(std::move(filter));
      tunnels_by_id_[shared->id] = shared;
      linked_tunnels_.push_back(std::move(shared));
    }
  }

  void add_filters(const store::Policy& policy) {
    std::vector<OrderedFilter> listed;
    listed.reserve(specific_filters_);
    std::vector<MainModeCandidate> of_tunnels = main_mode_of_tunnels(policy);
    std::vector<OrderedMainMode> main_mode;
    auto tunnel = linked_tunnels_.begin();
    for (const RuleInOrder& rule : rules_) {
      const auto add = [&](const PlacedFilter& placed, const std::shared_ptr<const SpecificFilter>& filter) {
        listed.push_back({placed.place.of_rule(rule.index), listed.size(), &filter, placed.traffic_hash});
      };
      for (const PlacedFilter& placed : rule.compiled->filters) add(placed, placed.filter);
      for (const PlacedFilter& placed : rule.compiled->tunnels) add(placed, *tunnel++);
      for (const MainModeCandidate& each : rule.compiled->main_mode) {
        main_mode.push_back({&each, each.place.of_rule(rule.index)});
      }
    }
    for (const MainModeCandidate& each : of_tunnels) main_mode.push_back({&each, each.place});
    const std::vector<OrderedFilter> sorted = in_order(listed);
    report_shadowed(sorted, policy.name, problems_);
    compiled_.main_mode_filters = main_mode_filters(std::move(main_mode), policy.name, problems_);
    compiled_.filters.reserve(sorted.size());
    for (const OrderedFilter& filter : sorted) compiled_.filters.push_back(*filter.pointer);
  }

  // Their ends depend on the rules of the other direction. With the places among all filters.
  std::vector<MainModeCandidate> main_mode_of_tunnels(const store::Policy& policy) const {
    std::vector<MainModeCandidate> all;
    auto tunnel = linked_tunnels_.begin();
    for (const RuleInOrder& rule : rules_) {
      MainModeCandidates of_rule(*rule.rule, policy);
      for (const PlacedFilter& placed : rule.compiled->tunnels) {
        of_rule.add(**tunnel++, placed.place.of_rule(rule.index));
      }
      for (MainModeCandidate& candidate : of_rule.take()) all.push_back(std::move(candidate));
    }
    return all;
  }

  struct RuleInOrder {
    CompiledRulePointer compiled;
    std::uint32_t index = 0;
    const store::Rule* rule = nullptr;
  };

  const store::PolicyTree& tree_;
  const HostAddresses& host_;
  const LocalAddresses& locals_;
  CompiledPolicy& compiled_;
  ProblemList problems_;
  absl::flat_hash_map<const void*, Fingerprint> marks_;
  absl::flat_hash_set<const store::FilterAction*> used_actions_;
  std::vector<RuleInOrder> rules_;  // active ones
  Rules rules_by_guid_;
  std::vector<std::shared_ptr<const SpecificFilter>> linked_tunnels_;  // in the order of rules_ and their tunnels
  Tunnels tunnels_by_id_;
  std::size_t specific_filters_ = 0;
};

}  // namespace

Compiler::Compiler() : known_(std::make_unique<Known>()) {}
Compiler::~Compiler() = default;

Result<CompiledPolicy> Compiler::compile(const store::PolicyTree& tree, const HostAddresses& host) {
  const LocalAddresses locals(host);
  CompiledPolicy compiled;
  compiled.local_addresses = locals.all();
  if (!tree.assigned) {
    *known_ = {};
    return compiled;
  }
  IPSEC_ASSIGN_OR_RETURN(const store::Policy* policy, look_up(by_guid(tree.policies), *tree.assigned, "policy"));
  Compilation compilation(tree, host, locals, compiled);
  IPSEC_RETURN_IF_ERROR(
      with_context(compilation.run(*policy, known_->rules, known_->tunnels), fmt::format("policy '{}'", policy->name)));
  known_->rules = compilation.take_rules();
  known_->tunnels = compilation.take_tunnels();
  return compiled;
}

Result<CompiledPolicy> compile(const store::PolicyTree& tree, const HostAddresses& host) {
  return Compiler().compile(tree, host);
}

}  // namespace ipsec::agent

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

QuickModePolicy quick_mode_policy(const store::FilterAction& action) {
  return {action.name, action.offers, action.quick_mode_pfs, action.pfs_group};
}

std::uint64_t protection_id_of(const store::FilterAction& action) {
  return protection_id(action.offers, action.quick_mode_pfs, action.pfs_group);
}

std::string object_of(const store::Rule& rule, const store::Policy& policy) {
  return fmt::format("rule '{}' of policy '{}'", rule.name, policy.name);
}

using CompiledRulePointer = std::shared_ptr<const CompiledRule>;

// The fingerprints of filter lists, by what their copies share.
struct ListMark {
  store::CopyOnWrite<store::Filter> filters;  // while it is held nothing else can be at its address
  Fingerprint fingerprint = 0;
};
using ListMarks = absl::flat_hash_map<const void*, ListMark>;

// What depends on the rules of both directions.
struct Tunnels {
  std::vector<std::shared_ptr<const SpecificFilter>> linked;  // in the order of the rules and their tunnels
  absl::flat_hash_map<std::uint64_t, std::shared_ptr<const SpecificFilter>> by_id;
  std::vector<std::vector<MainModeCandidate>> main_mode;  // of each active rule
};

}  // namespace

// What the compilation before has left.
struct Compiler::Known {
  struct Rule {
    CompiledRulePointer compiled;
    std::uint32_t number = 0;
  };
  absl::flat_hash_map<store::Guid, Rule> rules;  // active ones
  std::size_t rule_count = 0;                    // with those that are not active
  ListMarks list_marks;
  Tunnels tunnels;
  // These point into the rules and tunnels above.
  KeptOrder<OrderedFilter> filters;
  KeptOrder<OrderedMainMode> main_mode;
};

// One compilation of an assigned policy.
class Compiler::Compilation {
 public:
  Compilation(const store::PolicyTree& tree, const HostAddresses& host, const LocalAddresses& locals, Known& known,
              CompiledPolicy& compiled)
      : tree_(tree),
        host_(host),
        locals_(locals),
        known_(known),
        compiled_(compiled),
        problems_(compiled.problems, compiled.more_problems) {}

  // An error leaves what is known as it was.
  Status run(const store::Policy& policy) {
    describe_policy(policy);
    mark_lists();
    IPSEC_RETURN_IF_ERROR(compile_rules(policy));
    Tunnels tunnels = link_tunnels(policy);
    put_in_order(tunnels);
    remember(policy, std::move(tunnels));
    add_filters(policy);
    return {};
  }

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

  Status compile_rules(const store::Policy& policy) {
    const ByGuid<store::FilterList> lists = by_guid(tree_.filter_lists);
    const ByGuid<store::FilterAction> actions = by_guid(tree_.filter_actions);
    const Fingerprint common = absl::HashOf(fingerprint(host_), policy.name, policy.profile);
    rules_.reserve(policy.rules.size());
    std::uint32_t rule_index = 0;
    for (const store::Rule& rule : policy.rules) {
      const auto list = look_up(lists, rule.filter_list, "filter list");
      if (!list.ok()) return with_context(list.status(), object_of(rule, policy));
      const auto action = look_up(actions, rule.filter_action, "filter action");
      if (!action.ok()) return with_context(action.status(), object_of(rule, policy));
      if (rule.active) {
        const Fingerprint mark = absl::HashOf(common, fingerprint(rule), list_mark(**list), action_mark(**action));
        IPSEC_RETURN_IF_ERROR(compile_one({policy, rule, **list, **action, host_, locals_, rule_index, {}, 0}, mark));
      }
      ++rule_index;
    }
    return {};
  }

  void mark_lists() {
    list_marks_.reserve(tree_.filter_lists.size());
    for (const store::FilterList& list : tree_.filter_lists) {
      const auto before = known_.list_marks.find(list.filters.shared());
      const Fingerprint mark =
          before == known_.list_marks.end() ? fingerprint(list.filters) : before->second.fingerprint;
      list_marks_.try_emplace(list.filters.shared(), ListMark{list.filters, mark});
    }
  }

  Fingerprint list_mark(const store::FilterList& list) const {
    return absl::HashOf(list.name, list_marks_.at(list.filters.shared()).fingerprint);
  }

  // An action is shared by rules.
  Fingerprint action_mark(const store::FilterAction& action) {
    const auto [known, is_new] = action_marks_.try_emplace(&action, 0);
    if (is_new) known->second = fingerprint(action);
    return known->second;
  }

  // `context` lacks what only a rule that is compiled needs, its names and ids.
  Status compile_one(RuleContext context, Fingerprint mark) {
    const auto before = known_.rules.find(context.rule.guid);
    const CompiledRule* previous = before == known_.rules.end() ? nullptr : before->second.compiled.get();
    CompiledRulePointer rule;
    std::uint32_t number_before = kGone;
    if (previous != nullptr && previous->fingerprint == mark) {
      rule = before->second.compiled;
      number_before = before->second.number;
    } else {
      context.object = object_of(context.rule, context.policy);
      context.protection_id = protection_id_of(context.filter_action);
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
    rules_.push_back({std::move(rule), context.rule_index, number_before, &context.rule});
    return {};
  }

  Tunnels link_tunnels(const store::Policy& policy) {
    std::vector<SpecificFilter> filters;
    for (const auto& rule : rules_) {
      for (const PlacedFilter& placed : rule.compiled->tunnels) filters.push_back(*placed.filter);
    }
    agent::link_tunnels(filters, policy.name, problems_);
    Tunnels tunnels;
    tunnels.linked.reserve(filters.size());
    for (SpecificFilter& filter : filters) {
      const auto before = known_.tunnels.by_id.find(filter.id);
      auto shared = before != known_.tunnels.by_id.end() && *before->second == filter
                        ? before->second
                        : std::make_shared<const SpecificFilter>(std::move(filter));
      tunnels.by_id[shared->id] = shared;
      tunnels.linked.push_back(std::move(shared));
    }
    auto tunnel = tunnels.linked.begin();
    for (const RuleInOrder& rule : rules_) {
      MainModeCandidates of_rule(*rule.rule, policy);
      for (const PlacedFilter& placed : rule.compiled->tunnels) of_rule.add(**tunnel++, placed.place);
      tunnels.main_mode.push_back(of_rule.take());
    }
    return tunnels;
  }

  void put_in_order(const Tunnels& tunnels) {
    RuleNumbers numbers(known_.rule_count, kGone);
    std::vector<OrderedFilter> filters;
    std::vector<OrderedMainMode> main_mode;
    auto tunnel = tunnels.linked.begin();
    auto main_mode_of_tunnels = tunnels.main_mode.begin();
    std::int64_t last = -1;
    for (const RuleInOrder& rule : rules_) {
      const CompiledRule& compiled = *rule.compiled;
      const std::vector<MainModeCandidate>& of_tunnels = *main_mode_of_tunnels++;
      const bool stays =
          rule.number_before != kGone && compiled.tunnels.empty() && std::int64_t{rule.number_before} > last;
      if (stays) {
        last = rule.number_before;
        numbers[rule.number_before] = rule.number;
        continue;
      }
      const auto add = [&](const PlacedFilter& placed, const std::shared_ptr<const SpecificFilter>& filter) {
        filters.push_back({placed.place.with_rule(rule.number), placed.traffic_hash, &filter});
      };
      for (const PlacedFilter& placed : compiled.filters) add(placed, placed.filter);
      for (const PlacedFilter& placed : compiled.tunnels) add(placed, *tunnel++);
      for (const MainModeCandidate& each : compiled.main_mode) main_mode.emplace_back(each, rule.number);
      for (const MainModeCandidate& each : of_tunnels) main_mode.emplace_back(each, rule.number);
    }
    known_.filters.change(numbers, std::move(filters));
    known_.main_mode.change(numbers, std::move(main_mode));
  }

  void remember(const store::Policy& policy, Tunnels tunnels) {
    known_.rules.clear();
    known_.rules.reserve(rules_.size());
    for (RuleInOrder& rule : rules_) {
      known_.rules.emplace(rule.rule->guid, Known::Rule{std::move(rule.compiled), rule.number});
    }
    known_.rule_count = policy.rules.size();
    known_.list_marks = std::move(list_marks_);
    known_.tunnels = std::move(tunnels);
  }

  void add_filters(const store::Policy& policy) {
    report_shadowed(known_.filters, policy.name, problems_);
    compiled_.main_mode_filters = main_mode_filters(known_.main_mode, policy.name, problems_);
    compiled_.filters.reserve(known_.filters.entries().size());
    for (const OrderedFilter& filter : known_.filters.entries()) compiled_.filters.push_back(*filter.pointer);
  }

  struct RuleInOrder {
    CompiledRulePointer compiled;
    std::uint32_t number = 0;
    std::uint32_t number_before = kGone;  // kGone: it is new, or no longer what it was
    const store::Rule* rule = nullptr;
  };

  const store::PolicyTree& tree_;
  const HostAddresses& host_;
  const LocalAddresses& locals_;
  Known& known_;
  CompiledPolicy& compiled_;
  ProblemList problems_;
  ListMarks list_marks_;
  absl::flat_hash_map<const store::FilterAction*, Fingerprint> action_marks_;
  absl::flat_hash_set<const store::FilterAction*> used_actions_;
  std::vector<RuleInOrder> rules_;  // active ones
  std::size_t specific_filters_ = 0;
};

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
  Compilation compilation(tree, host, locals, *known_, compiled);
  IPSEC_RETURN_IF_ERROR(with_context(compilation.run(*policy), fmt::format("policy '{}'", policy->name)));
  return compiled;
}

Result<CompiledPolicy> compile(const store::PolicyTree& tree, const HostAddresses& host) {
  return Compiler().compile(tree, host);
}

}  // namespace ipsec::agent

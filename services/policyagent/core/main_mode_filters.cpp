#include "services/policyagent/core/main_mode_filters.h"

#include <set>
#include <tuple>

#include <absl/hash/hash.h>

#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/weight.h"

namespace ipsec::agent {
namespace {

struct Ends {
  AddressRange local;
  AddressRange remote;
};

bool has_ends(const MainModeFilter& filter, const Ends& ends) {
  return filter.local == ends.local && filter.remote == ends.remote;
}

std::uint64_t hash_of(const Ends& ends) {
  return absl::HashOf(ends.local.first, ends.local.last, ends.remote.first, ends.remote.last);
}

AddressRange host_or_any(const std::optional<IpAddress>& address, AddressFamily family) {
  return address ? AddressRange::host(*address) : AddressRange::any(family);
}

Ends ends_of(const SpecificFilter& filter) {
  const bool outbound = filter.direction == Direction::kOutbound;
  if (!filter.tunnel_destination) {
    const Selector& selector = filter.selector;
    return outbound ? Ends{selector.source, selector.destination} : Ends{selector.destination, selector.source};
  }
  const AddressRange destination = AddressRange::host(*filter.tunnel_destination);
  const AddressRange source = host_or_any(filter.tunnel_source, destination.family());
  return outbound ? Ends{source, destination} : Ends{destination, source};
}

MainModeFilter make(const Ends& ends, const store::Rule& rule, const store::Policy& policy) {
  MainModeFilter filter;
  filter.id = ContentHash("main mode filter").add(rule.guid.text).add(ends.local).add(ends.remote).id();
  filter.local = ends.local;
  filter.remote = ends.remote;
  filter.weight = weight(ends.local, ends.remote);
  filter.main_mode_policy = policy.name;
  filter.authentication = rule.authentication;
  filter.rule_name = rule.name;
  return filter;
}

// One text for each pair of rules, however many addresses they share.
class Conflicts {
 public:
  Conflicts(const std::string& policy_name, ProblemList& problems) : policy_name_(policy_name), problems_(problems) {}

  void check(const MainModeFilter& first, const MainModeFilter& second) {
    if (same_methods(first.authentication, second.authentication)) return;
    if (!told_.insert({first.rule_name, second.rule_name}).second) return;
    problems_.add(Severity::kWarning, "authentication_conflict",
                  fmt::format("rule '{}' of policy '{}'", second.rule_name, policy_name_),
                  fmt::format("between {} and {} the authentication methods of rule '{}' are used for all traffic, not "
                              "the different ones of "
                              "this rule: give both rules the same methods",
                              first.local.to_string(), first.remote.to_string(), first.rule_name));
  }

 private:
  const std::string& policy_name_;
  ProblemList& problems_;
  std::set<std::pair<std::string, std::string>> told_;
};

}  // namespace

void MainModeCandidates::add(const SpecificFilter& filter, const FilterPlace& place) {
  if (filter.action != store::Action::kNegotiate) return;
  const Ends ends = ends_of(filter);
  const std::uint64_t hash = hash_of(ends);
  std::vector<std::size_t>& known = by_hash_[hash];
  for (const std::size_t at : known) {
    if (has_ends(*candidates_[at].filter, ends)) return;
  }
  known.push_back(candidates_.size());
  auto made = std::make_shared<const MainModeFilter>(make(ends, rule_, policy_));
  const std::uint64_t weight = made->weight;
  candidates_.push_back({std::move(made), weight, place, hash});
}

SharedList<MainModeFilter> main_mode_filters(const KeptOrder<OrderedMainMode>& candidates,
                                             const std::string& policy_name, ProblemList& problems) {
  absl::flat_hash_map<std::uint64_t, const MainModeFilter*> decided;
  Conflicts conflicts(policy_name, problems);
  SharedList<MainModeFilter> made;
  made.reserve(candidates.entries().size());
  for (const OrderedMainMode& each : candidates.entries()) {
    const auto& filter = each.candidate->filter;
    if (candidates.is_repeated(each)) {
      const auto [known, is_new] = decided.try_emplace(each.hash, filter.get());
      if (!is_new && has_ends(*known->second, {filter->local, filter->remote})) {
        conflicts.check(*known->second, *filter);
        continue;
      }
    }
    made.push_back(filter);
  }
  return made;
}

}  // namespace ipsec::agent

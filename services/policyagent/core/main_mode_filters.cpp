#include "services/policyagent/core/main_mode_filters.h"

#include <algorithm>
#include <set>

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/filter_id.h"
#include "services/policyagent/core/weight.h"

namespace ipsec::agent {
namespace {

struct Ends {
  AddressRange local;
  AddressRange remote;
  friend bool operator==(const Ends&, const Ends&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Ends& ends) {
    return H::combine(std::move(state), ends.local.first, ends.local.last, ends.remote.first, ends.remote.last);
  }
};

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

bool equal(const store::AuthenticationMethod& a, const store::AuthenticationMethod& b) {
  if (a.index() != b.index()) return false;
  if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&a)) {
    const auto& other = std::get<store::PresharedKeyAuthentication>(b);
    return !key->unopened && !other.unopened && constant_time_equal(key->key.view(), other.key.view());
  }
  if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&a)) {
    const auto& other = std::get<store::CertificateAuthentication>(b);
    return certificate->root_ca == other.root_ca && certificate->map_to_account == other.map_to_account &&
           certificate->exclude_ca_name == other.exclude_ca_name;
  }
  return true;
}

bool equal(const std::vector<store::AuthenticationMethod>& a, const std::vector<store::AuthenticationMethod>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return equal(x, y); });
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
  Conflicts(const store::Policy& policy, ProblemList& problems) : policy_(policy), problems_(problems) {}

  void check(const store::Rule& first, const store::Rule& second, const Ends& ends) {
    if (&first == &second || !told_.insert({&first, &second}).second) return;
    if (equal(first.authentication, second.authentication)) return;
    problems_.add(Severity::kWarning, "authentication_conflict",
                  fmt::format("rule '{}' of policy '{}'", second.name, policy_.name),
                  fmt::format("between {} and {} the authentication methods of rule '{}' are used for all traffic, not "
                              "the different ones of "
                              "this rule: give both rules the same methods",
                              ends.local.to_string(), ends.remote.to_string(), first.name));
  }

 private:
  const store::Policy& policy_;
  ProblemList& problems_;
  std::set<std::pair<const store::Rule*, const store::Rule*>> told_;
};

}  // namespace

std::vector<MainModeFilter> main_mode_filters(const std::vector<FilterTable::Entry>& filters,
                                              const store::Policy& policy, ProblemList& problems) {
  std::vector<MainModeFilter> made;
  absl::flat_hash_map<Ends, const store::Rule*> decided;
  Conflicts conflicts(policy, problems);
  for (const FilterTable::Entry& entry : filters) {
    if (entry.filter.action != store::Action::kNegotiate) continue;
    const Ends ends = ends_of(entry.filter);
    const auto [known, is_new] = decided.try_emplace(ends, entry.origin.rule);
    if (is_new) {
      made.push_back(make(ends, *entry.origin.rule, policy));
    } else {
      conflicts.check(*known->second, *entry.origin.rule, ends);
    }
  }
  std::stable_sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.weight > b.weight; });
  return made;
}

}  // namespace ipsec::agent

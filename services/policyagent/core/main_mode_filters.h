#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/compiled_policy.h"
#include "services/policyagent/core/filter_place.h"
#include "services/policyagent/core/kept_order.h"
#include "services/policyagent/core/problem_list.h"
#include "store/model.h"

// Whom to negotiate with and how: one main mode filter for each pair of ends, most specific first. A main mode SA has
// one authentication for all traffic between two hosts, so of the rules with the same ends the one of the first filter
// decides; another rule with other methods is a problem. Transport: the ends are the packets' addresses. Tunnel: local
// end (any where no inbound rule names it) and tunnel endpoint; an inbound tunnel rule alone accepts any peer.
namespace ipsec::agent {

// What a rule asks for one pair of ends.
struct MainModeCandidate {
  std::shared_ptr<const MainModeFilter> filter;
  std::uint64_t weight = 0;  // of `filter`
  FilterPlace place;         // of the first specific filter with these ends, as of a rule numbered 0
  std::uint64_t ends_hash = 0;
};

// A candidate among those of all rules. Borrows it.
struct OrderedMainMode {
  FilterPlace place;
  std::uint64_t hash = 0;  // of the ends
  std::uint64_t weight = 0;
  const MainModeCandidate* candidate = nullptr;

  OrderedMainMode(const MainModeCandidate& of_rule, std::uint32_t rule)
      : place(of_rule.place.with_rule(rule)), hash(of_rule.ends_hash), weight(of_rule.weight), candidate(&of_rule) {}
  std::pair<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> group() const { return {weight, place.group()}; }
  bool comes_before(const OrderedMainMode& other) const {
    return weight != other.weight ? weight > other.weight : place.comes_before(other.place);
  }
};

// The pairs of ends of the filters that negotiate, each once. `filters` are one rule's, in their order, with their
// places.
class MainModeCandidates {
 public:
  MainModeCandidates(const store::Rule& rule, const store::Policy& policy) : rule_(rule), policy_(policy) {}
  void add(const SpecificFilter& filter, const FilterPlace& place);
  std::vector<MainModeCandidate> take() { return std::move(candidates_); }

 private:
  const store::Rule& rule_;
  const store::Policy& policy_;
  std::vector<MainModeCandidate> candidates_;
  absl::flat_hash_map<std::uint64_t, std::vector<std::size_t>> by_hash_;
};

// Of the candidates of all rules.
SharedList<MainModeFilter> main_mode_filters(const KeptOrder<OrderedMainMode>& candidates,
                                             const std::string& policy_name, ProblemList& problems);

}  // namespace ipsec::agent

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "store/filter_key.h"
#include "store/names.h"
#include "store/reporter.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

constexpr std::uint32_t kLongMainModeMinutes = 480;  // KEY-03: the default lifetime counts as reasonable

Filter reversed(Filter filter) {
  std::swap(filter.source, filter.destination);
  std::swap(filter.source_port, filter.destination_port);
  return filter;
}

class Adviser {
 public:
  explicit Adviser(const PolicyTree& tree) : tree_(tree) {
    for (const FilterList& list : tree.filter_lists) lists_.emplace(list.guid.text, &list);
  }

  Problems run() {
    for (const Policy& policy : tree_.policies) {
      advise_main_mode(policy);
      advise_tunnels(policy);
      advise_repeated_filters(policy);
      for (const Rule& rule : policy.rules) {
        used_.insert(rule.filter_list.text);
        used_.insert(rule.filter_action.text);
      }
    }
    for (const FilterList& list : tree_.filter_lists) {
      if (!used_.contains(list.guid.text)) add(filter_list_label(list.name), "name", "no rule uses it");
    }
    for (const FilterAction& action : tree_.filter_actions) {
      if (!used_.contains(action.guid.text)) add(filter_action_label(action.name), "name", "no rule uses it");
      advise_offers(action);
    }
    return std::move(advice_);
  }

 private:
  void add(const std::string& object, std::string_view field, std::string text) {
    Reporter(advice_, object).add(kAdvice, field, std::move(text));
  }

  // KEY-35.
  void advise_main_mode(const Policy& policy) {
    const IsakmpPolicy& isakmp = policy.isakmp;
    if (isakmp.master_pfs || isakmp.quick_mode_limit != 0 || isakmp.lifetime_minutes <= kLongMainModeMinutes) return;
    add(policy_label(policy.name), "main_mode/quick_mode_limit",
        fmt::format(
            "any number of quick modes may come from one master key of {} minutes; a limit or at most {} minutes "
            "keeps it fresh",
            isakmp.lifetime_minutes, kLongMainModeMinutes));
  }

  // PD-18: a tunnel takes two rules, one for each direction.
  void advise_tunnels(const Policy& policy) {
    std::unordered_set<std::string> keys;
    for (const Rule& rule : policy.rules) {
      for (const Filter& filter : filters_of(rule)) {
        if (rule.tunnel_endpoint && rule.active) keys.insert(filter_key(filter));
      }
    }
    for (const Rule& rule : policy.rules) {
      if (!rule.tunnel_endpoint || !rule.active) continue;
      const std::vector<Filter>& filters = filters_of(rule);
      const auto alone = std::find_if(filters.begin(), filters.end(), [&](const Filter& filter) {
        return !keys.contains(filter_key(reversed(filter)));
      });
      if (alone == filters.end()) continue;
      add(rule_label(rule.name, policy.name), "tunnel_endpoint",
          fmt::format("no active tunnel rule of the policy has the reverse of '{}'; a tunnel takes two rules, one for "
                      "each direction",
                      filter_text(*alone)));
    }
  }

  // PD-24.
  void advise_repeated_filters(const Policy& policy) {
    std::unordered_map<std::string, const Rule*> first;
    for (const Rule& rule : policy.rules) {
      for (const Filter& filter : filters_of(rule)) {
        const auto [earlier, inserted] = first.emplace(filter_key(filter), &rule);
        if (inserted || earlier->second->filter_list == rule.filter_list) continue;
        add(rule_label(rule.name, policy.name), "filter_list",
            fmt::format("'{}' is also a filter of rule '{}'; only one of the two can decide", filter_text(filter),
                        earlier->second->name));
      }
    }
  }

  void advise_offers(const FilterAction& action) {
    for (std::size_t i = 0; i < action.offers.size(); ++i) {
      const QuickModeOffer& offer = action.offers[i];
      if (!offer.esp || offer.ah || offer.esp->integrity != Integrity::kNone || info(offer.esp->cipher).is_aead())
        continue;
      add(filter_action_label(action.name), fmt::format("offers/{}/esp/integrity", i),
          fmt::format(
              "{} without integrity lets an attacker change packets; an integrity algorithm, AH or a GCM cipher "
              "prevents it",
              info(offer.esp->cipher).name));
    }
  }

  const std::vector<Filter>& filters_of(const Rule& rule) const {
    static const std::vector<Filter> kNone;
    const auto found = lists_.find(rule.filter_list.text);
    return found == lists_.end() ? kNone : found->second->filters;
  }

  const PolicyTree& tree_;
  std::unordered_map<std::string, const FilterList*> lists_;
  std::unordered_set<std::string> used_;
  Problems advice_;
};

}  // namespace

Problems advise(const PolicyTree& tree) { return Adviser(tree).run(); }

}  // namespace ipsec::store

#include "store/lint/duplicates.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "store/filter_key.h"

namespace ipsec::store::lint {

namespace {

// Two keys are equal where a mirrored filter of the one has every packet of the other: a mirrored filter says the same
// from both sides.
std::string mirrored_key(Filter filter) {
  filter.mirrored = true;
  return std::min(filter_key(filter), filter_key(reversed(filter)));
}

// True if everything `filter` says, `other` says too.
bool says_all_of(const Filter& other, const Filter& filter) {
  return other.mirrored ? mirrored_key(other) == mirrored_key(filter)
                        : !filter.mirrored && filter_key(other) == filter_key(filter);
}

// Of rules that weigh the same block decides before negotiate, negotiate before permit.
int caution(Action action) { return action == Action::kBlock ? 0 : action == Action::kNegotiate ? 1 : 2; }

struct Place {
  RuleUse use;
  const FilterList* list = nullptr;
  const Filter* filter = nullptr;
};

class Finder {
 public:
  explicit Finder(const Context& context) : context_(context) {}

  std::vector<Duplicate> run() {
    for (const FilterList& list : context_.tree().filter_lists) {
      if (context_.is_in_scope(list.guid)) look_within(list);
    }
    for (const Policy* policy : context_.policies()) look_between(*policy);
    return std::move(found_);
  }

 private:
  using Places = std::unordered_map<std::string, std::vector<Place>>;

  void look_within(const FilterList& list) {
    std::unordered_map<std::string, std::vector<const Filter*>> by_key;
    for (const Filter& filter : list.filters) by_key[mirrored_key(filter)].push_back(&filter);
    for (const Filter& filter : list.filters) {
      for (const Filter* other : by_key[mirrored_key(filter)]) {
        // Of two that say the same the earlier stays.
        const bool stays = says_all_of(filter, *other) && &filter < other;
        if (other == &filter || stays || !says_all_of(*other, filter)) continue;
        add({nullptr, &list, &filter, &list, other, false});
        break;
      }
    }
  }

  void look_between(const Policy& policy) {
    Places places;
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
      const Rule& rule = policy.rules[i];
      const FilterList* list = context_.list_of(rule);
      if (!rule.active || list == nullptr || context_.action_of(rule) == nullptr) continue;
      for (const Filter& filter : list->filters) {
        places[mirrored_key(filter)].push_back({{&policy, &rule, i}, list, &filter});
      }
    }
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
      for (const Filter& filter : context_.filters_of(policy.rules[i])) compare(places, policy.rules[i], i, filter);
    }
  }

  void compare(const Places& places, const Rule& rule, std::size_t place, const Filter& filter) {
    const auto same = places.find(mirrored_key(filter));
    if (same == places.end() || !may_lose(rule)) return;
    for (const Place& other : same->second) {
      if (other.list->guid == rule.filter_list || !says_all_of(*other.filter, filter)) continue;
      if (is_tunnel(*other.use.rule) != is_tunnel(rule) || !decides(other, rule, place)) continue;
      const bool contradicts = context_.action_of(*other.use.rule)->action != context_.action_of(rule)->action;
      add({other.use.policy, context_.list_of(rule), &filter, other.list, other.filter, contradicts});
      return;
    }
  }

  // Its list is used by it alone, and has other filters.
  bool may_lose(const Rule& rule) const {
    return rule.active && context_.action_of(rule) != nullptr && context_.uses_of(rule.filter_list).size() == 1 &&
           context_.filters_of(rule).size() > 1;
  }

  bool decides(const Place& other, const Rule& rule, std::size_t place) const {
    const int theirs = caution(context_.action_of(*other.use.rule)->action);
    const int ours = caution(context_.action_of(rule)->action);
    return theirs != ours ? theirs < ours : other.use.place < place;
  }

  void add(Duplicate duplicate) {
    if (told_.insert(duplicate.filter->guid.text).second) found_.push_back(duplicate);
  }

  const Context& context_;
  std::unordered_set<std::string> told_;
  std::vector<Duplicate> found_;
};

}  // namespace

std::vector<Duplicate> duplicates(const Context& context) { return Finder(context).run(); }

}  // namespace ipsec::store::lint

#include "store/json/merge.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "store/filter_key.h"
#include "store/guid.h"
#include "store/limits.h"
#include "store/lookup.h"
#include "store/names.h"
#include "store/text.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

template <typename T>
class Directory {
 public:
  explicit Directory(const std::vector<T>* objects) {
    if (!objects) return;
    for (const T& object : *objects) {
      by_name_.emplace(fold_name(object.name), &object);
      by_guid_.emplace(object.guid.text, &object);
    }
  }
  const T* by_name(std::string_view name) const { return get(by_name_, fold_name(name)); }
  const T* by_guid(const Guid& guid) const { return get(by_guid_, guid.text); }
  void add_names(std::vector<std::string_view>& names) const {
    for (const auto& [name, object] : by_name_) names.push_back(object->name);
  }

 private:
  using Map = std::unordered_map<std::string, const T*>;
  static const T* get(const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
  }
  Map by_name_, by_guid_;
};

// " (did you mean 'Web'?)" for the nearest name that there is; empty where none is near.
template <typename T>
std::string suggestion(const std::string& name, const Directory<T>& own, const Directory<T>& stored) {
  std::vector<std::string_view> names;
  own.add_names(names);
  stored.add_names(names);
  if (name.size() < kShortestGuessedName || names.size() > kMaxComparedNames) return "";
  std::sort(names.begin(), names.end());
  const std::string_view near = nearest(name, names);
  return near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near);
}

// The method at that place of a rule that is stored already, if it is a preshared key.
const PresharedKeyAuthentication* stored_key(const std::vector<AuthenticationMethod>* methods, std::size_t place) {
  return methods && place < methods->size() ? std::get_if<PresharedKeyAuthentication>(&(*methods)[place]) : nullptr;
}

class Merger {
 public:
  Merger(Document document, const PolicyTree* base, RandomSource& random, Problems problems)
      : document_(std::move(document)),
        base_(base),
        random_(random),
        base_policies_(base ? &base->policies : nullptr),
        base_lists_(base ? &base->filter_lists : nullptr),
        base_actions_(base ? &base->filter_actions : nullptr) {
    outcome_.problems = std::move(problems);
    for (const Problem& problem : outcome_.problems) reported_.insert(problem.field);
  }

  ImportOutcome run() {
    for (FilterList& list : document_.filter_lists) identify(list);
    for (FilterAction& action : document_.filter_actions) identify(action, base_actions_);
    for (DocumentPolicy& policy : document_.policies) identify(policy);
    own_.filter_lists = std::move(document_.filter_lists);
    own_.filter_actions = std::move(document_.filter_actions);
    link_policies();
    link_assigned();
    report_new(validate(own_, base_));
    outcome_.tree = base_ ? merged() : std::move(own_);
    if (outcome_.problems.empty()) check_result();
    return std::move(outcome_);
  }

 private:
  // A place below one that is reported already would only repeat it in other words.
  void report_new(Problems problems) {
    for (Problem& problem : problems) {
      if (!is_reported(problem.field) && outcome_.problems.size() < kMaxProblems) {
        outcome_.problems.push_back(std::move(problem));
      }
    }
  }
  bool is_reported(const std::string& pointer) const {
    for (std::string above = pointer; !above.empty(); above.resize(above.rfind('/'))) {
      if (reported_.contains(above)) return true;
    }
    return false;
  }
  void report(Code code, std::string object, std::string pointer, std::string text) {
    Problem problem;
    problem.code = code;
    problem.object = std::move(object);
    problem.field = std::move(pointer);
    problem.text = std::move(text);
    reported_.insert(problem.field);
    if (outcome_.problems.size() < kMaxProblems) outcome_.problems.push_back(std::move(problem));
  }

  // ---- identities
  // ----------------------------------------------------------------------------------------------------

  void set_guid(Guid& guid, const Guid* of_stored) {
    if (!guid.text.empty()) return;
    guid = of_stored ? *of_stored : make_guid(random_);
  }

  // Returns the stored object that this one takes the place of.
  template <typename T>
  const T* identify(T& object, const Directory<T>& stored) {
    const T* same = object.guid.text.empty() ? stored.by_name(object.name) : stored.by_guid(object.guid);
    set_guid(object.guid, same ? &same->guid : nullptr);
    return same;
  }

  void identify(FilterList& list) {
    const FilterList* stored = identify(list, base_lists_);
    std::unordered_map<std::string, const Guid*> stored_filters;
    if (stored) {
      for (const Filter& filter : stored->filters) stored_filters.emplace(filter_key(filter), &filter.guid);
    }
    std::unordered_set<std::string> given;
    for (const Filter& filter : list.filters) given.insert(filter.guid.text);
    for (Filter& filter : list.filters.edit()) {
      const auto found = stored_filters.find(filter_key(filter));
      const bool adopts = found != stored_filters.end() && !given.contains(found->second->text);
      set_guid(filter.guid, adopts ? found->second : nullptr);
      if (adopts) stored_filters.erase(found);
    }
  }

  void identify(DocumentPolicy& document) {
    Policy& policy = document.policy;
    const Policy* stored = identify(policy, base_policies_);
    set_guid(policy.isakmp.guid, stored ? &stored->isakmp.guid : nullptr);
    set_guid(policy.default_response.guid, stored ? &stored->default_response.guid : nullptr);
    const Directory<Rule> stored_rules(stored ? &stored->rules : nullptr);
    for (DocumentRule& rule : document.rules) {
      const Rule* stored_rule = identify(rule.rule, stored_rules);
      keep_keys(rule.rule.authentication, rule.keys_left_out, stored_rule ? &stored_rule->authentication : nullptr);
    }
    keep_keys(policy.default_response.authentication, document.keys_left_out,
              stored ? &stored->default_response.authentication : nullptr);
  }

  // Takes the keys that are left out from the stored rule; `left_out` keeps the places where it has none.
  static void keep_keys(std::vector<AuthenticationMethod>& methods, std::vector<std::size_t>& left_out,
                        const std::vector<AuthenticationMethod>* stored) {
    std::vector<std::size_t> still_missing;
    for (std::size_t place : left_out) {
      if (const auto* key = stored_key(stored, place)) {
        methods[place] = *key;
      } else {
        still_missing.push_back(place);
      }
    }
    left_out = std::move(still_missing);
  }

  // ---- links
  // ---------------------------------------------------------------------------------------------------------

  void link_policies() {
    const Directory<FilterList> lists(&own_.filter_lists);
    const Directory<FilterAction> actions(&own_.filter_actions);
    for (std::size_t p = 0; p < document_.policies.size(); ++p) {
      DocumentPolicy& from = document_.policies[p];
      Policy& policy = own_.policies.emplace_back(std::move(from.policy));
      const std::string at = fmt::format("/policies/{}", p);
      report_left_out(default_rule_label(policy.name), at + "/default_response", from.keys_left_out);
      for (std::size_t r = 0; r < from.rules.size(); ++r) {
        DocumentRule& rule = from.rules[r];
        const std::string rule_at = fmt::format("{}/rules/{}", at, r);
        const std::string label = rule_label(rule.rule.name, policy.name);
        link(rule.rule.filter_list, rule.filter_list, lists, base_lists_, kFilterListNotFound, "filter list", label,
             rule_at + "/filter_list");
        link(rule.rule.filter_action, rule.filter_action, actions, base_actions_, kFilterActionNotFound,
             "filter action", label, rule_at + "/filter_action");
        report_left_out(label, rule_at, rule.keys_left_out);
        policy.rules.push_back(std::move(rule.rule));
      }
    }
  }

  template <typename T>
  void link(Guid& guid, const std::string& name, const Directory<T>& own, const Directory<T>& stored, Code code,
            std::string_view kind, const std::string& label, const std::string& pointer) {
    const T* target = own.by_name(name);
    if (!target) target = stored.by_name(name);
    if (target) {
      guid = target->guid;
    } else {
      report(code, label, pointer,
             fmt::format("there is no {} '{:.300}'{}; accepted is the name of one in the document{}", kind, name,
                         suggestion(name, own, stored), base_ ? " or in the store" : ""));
    }
  }

  void report_left_out(const std::string& label, const std::string& at, const std::vector<std::size_t>& places) {
    for (std::size_t place : places) {
      report(kPresharedKeyInvalid, label, fmt::format("{}/authentication/{}/psk", at, place),
             "is missing, and the store has no key for this place; accepted is the key as psk or psk_hex (an export "
             "leaves keys out unless it is asked for them)");
    }
  }

  void link_assigned() {
    if (!document_.assigned_is_given || !document_.assigned) return;
    const Reference name = *document_.assigned;
    const Policy* policy = find_policy(own_, name);
    if (!policy) policy = base_policies_.by_name(*document_.assigned);
    if (policy) {
      own_.assigned = policy->guid;
    } else {
      report(kPolicyNotFound, "document", "/assigned",
             fmt::format("there is no policy '{:.300}'{}; accepted is the name of one in the document{}, or null",
                         *document_.assigned,
                         suggestion(*document_.assigned, Directory<Policy>(&own_.policies), base_policies_),
                         base_ ? " or in the store" : ""));
    }
  }

  // ---- the result
  // ------------------------------------------------------------------------------------------------------

  template <typename T>
  void place_all(std::vector<T>& into, std::vector<T>& objects, const Directory<T>& stored, Code exists,
                 std::string_view array) {
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < into.size(); ++i) places.emplace(into[i].guid.text, i);
    // A stored object that is itself replaced may set its name free; the tree as a whole is checked later.
    std::unordered_set<std::string> replaced;
    for (const T& object : objects) replaced.insert(object.guid.text);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const T* of_that_name = stored.by_name(objects[i].name);
      if (of_that_name && of_that_name->guid != objects[i].guid && !replaced.contains(of_that_name->guid.text)) {
        report(
            exists, fmt::format("'{}'", objects[i].name), fmt::format("/{}/{}/name", array, i),
            fmt::format("the store has one of that name with GUID {}; accepted is another name, that GUID, or no GUID "
                        "at all",
                        of_that_name->guid.text));
      }
      const auto place = places.find(objects[i].guid.text);
      if (place != places.end()) {
        into[place->second] = std::move(objects[i]);
      } else {
        into.push_back(std::move(objects[i]));
      }
    }
  }

  PolicyTree merged() {
    PolicyTree tree = *base_;
    place_all(tree.policies, own_.policies, base_policies_, kPolicyExists, "policies");
    place_all(tree.filter_lists, own_.filter_lists, base_lists_, kFilterListExists, "filter_lists");
    place_all(tree.filter_actions, own_.filter_actions, base_actions_, kFilterActionExists, "filter_actions");
    if (document_.assigned_is_given) tree.assigned = own_.assigned;
    return tree;
  }

  // What only the whole shows: a list that a stored tunnel rule uses is now mirrored, a GUID belongs to something else.
  void check_result() {
    if (!base_) return;
    for (Problem& problem : validate(outcome_.tree)) {
      problem.field.clear();  // a place in the merged tree, which is not that of the document
      outcome_.problems.push_back(std::move(problem));
    }
  }

  Document document_;
  const PolicyTree* base_;
  RandomSource& random_;
  Directory<Policy> base_policies_;
  Directory<FilterList> base_lists_;
  Directory<FilterAction> base_actions_;
  PolicyTree own_;  // what the document says, links resolved
  ImportOutcome outcome_;
  std::unordered_set<std::string> reported_;
};

}  // namespace

ImportOutcome merge_document(Document document, const PolicyTree* base, RandomSource& random, Problems problems) {
  return Merger(std::move(document), base, random, std::move(problems)).run();
}

}  // namespace ipsec::store

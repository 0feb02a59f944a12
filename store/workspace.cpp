#include "store/workspace.h"

#include <algorithm>
#include <cassert>

#include "store/filter_key.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

template <typename T>
auto find_guid(std::vector<T>& objects, const Guid& guid) {
  return std::find_if(objects.begin(), objects.end(), [&](const T& object) { return object.guid == guid; });
}

}  // namespace

Workspace::Workspace(PolicyTree tree, TreeWriter* writer) : tree_(std::move(tree)), writer_(writer) {
  build(policies_, tree_.policies);
  build(lists_, tree_.filter_lists);
  build(actions_, tree_.filter_actions);
  for (const FilterList& list : tree_.filter_lists) filter_count_ += list.filters.size();
}

const Policy* Workspace::policy(const Reference& reference) const {
  const auto place = policies_.find(reference);
  return place ? &tree_.policies[*place] : nullptr;
}

const FilterList* Workspace::filter_list(const Reference& reference) const {
  const auto place = lists_.find(reference);
  return place ? &tree_.filter_lists[*place] : nullptr;
}

const FilterAction* Workspace::filter_action(const Reference& reference) const {
  const auto place = actions_.find(reference);
  return place ? &tree_.filter_actions[*place] : nullptr;
}

const Filter* Workspace::same_filter(const FilterList& list, const Filter& filter) {
  const FilterKeys& keys = keys_of(list);
  const auto found = keys.find(filter_key(filter));
  if (found == keys.end()) return nullptr;
  const auto at = std::find_if(list.filters.begin(), list.filters.end(),
                               [&](const Filter& one) { return one.guid == found->second; });
  assert(at != list.filters.end());
  return &*at;
}

void Workspace::put_policy(Policy policy) {
  policy.version = 0;
  if (const auto place = policies_.find(policy.guid)) {
    policy.rules = std::move(tree_.policies[*place].rules);
    policy.version = tree_.policies[*place].version;
  }
  raise_version(policy);
  const std::size_t place = put(policies_, tree_.policies, std::move(policy));
  ++mutations_;
  if (writer_) writer_->put_policy(tree_.policies[place]);
}

void Workspace::remove_policy(const Guid& policy) {
  if (tree_.assigned == policy) assign(std::nullopt);
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): the argument may live in the object that goes
  const Guid guid = policy;
  remove(policies_, tree_.policies, guid);
  ++mutations_;
  if (writer_) writer_->remove_policy(guid);
}

void Workspace::touch_policy(const Guid& policy, WallClock last_modified) {
  const auto place = policies_.find(policy);
  assert(place);
  Policy& touched = tree_.policies[*place];
  const bool raised = raise_version(touched);
  if (touched.last_modified == last_modified && !raised) return;
  touched.last_modified = last_modified;
  ++mutations_;
  if (writer_) writer_->put_policy(touched);
}

void Workspace::put_rule(const Guid& policy, Rule rule) {
  const auto place = policies_.find(policy);
  assert(place);
  std::vector<Rule>& rules = tree_.policies[*place].rules;
  auto at = find_guid(rules, rule.guid);
  if (at == rules.end()) {
    at = rules.insert(rules.end(), std::move(rule));
  } else {
    *at = std::move(rule);
  }
  ++mutations_;
  if (writer_) writer_->put_rule(tree_.policies[*place].guid, *at);
}

void Workspace::remove_rule(const Guid& policy, const Guid& rule) {
  const auto place = policies_.find(policy);
  assert(place);
  std::vector<Rule>& rules = tree_.policies[*place].rules;
  const auto at = find_guid(rules, rule);
  assert(at != rules.end());
  const Guid guid = at->guid;
  rules.erase(at);
  ++mutations_;
  if (writer_) writer_->remove_rule(guid);
}

void Workspace::put_filter_list(FilterList list) {
  if (const auto place = lists_.find(list.guid)) list.filters = std::move(tree_.filter_lists[*place].filters);
  const std::size_t place = put(lists_, tree_.filter_lists, std::move(list));
  ++mutations_;
  if (writer_) writer_->put_filter_list(tree_.filter_lists[place]);
}

void Workspace::remove_filter_list(const Guid& list) {
  const FilterList* old = filter_list(list);
  assert(old);
  const Guid guid = old->guid;
  filter_count_ -= old->filters.size();
  filter_keys_.erase(guid);
  remove(lists_, tree_.filter_lists, guid);
  ++mutations_;
  if (writer_) writer_->remove_filter_list(guid);
}

void Workspace::add_filter(const Guid& list, Filter filter) {
  const auto place = lists_.find(list);
  assert(place);
  FilterList& target = tree_.filter_lists[*place];
  keys_of(target).emplace(filter_key(filter), filter.guid);
  target.filters.push_back(std::move(filter));
  ++filter_count_;
  ++mutations_;
  if (writer_) writer_->add_filter(target.guid, target.filters.back());
}

void Workspace::remove_filter(const Guid& list, const Guid& filter) {
  const auto place = lists_.find(list);
  assert(place);
  FilterList& target = tree_.filter_lists[*place];
  const auto at =
      std::find_if(target.filters.begin(), target.filters.end(), [&](const Filter& one) { return one.guid == filter; });
  assert(at != target.filters.end());
  const Guid guid = at->guid;
  keys_of(target).erase(filter_key(*at));
  const auto place_in_list = at - target.filters.begin();
  std::vector<Filter>& filters = target.filters.edit();
  filters.erase(filters.begin() + place_in_list);
  --filter_count_;
  ++mutations_;
  if (writer_) writer_->remove_filter(guid);
}

void Workspace::put_filter_action(FilterAction action) {
  const std::size_t place = put(actions_, tree_.filter_actions, std::move(action));
  ++mutations_;
  if (writer_) writer_->put_filter_action(tree_.filter_actions[place]);
}

void Workspace::remove_filter_action(const Guid& action) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): as in remove_policy()
  const Guid guid = action;
  remove(actions_, tree_.filter_actions, guid);
  ++mutations_;
  if (writer_) writer_->remove_filter_action(guid);
}

void Workspace::assign(std::optional<Guid> policy) {
  tree_.assigned = std::move(policy);
  ++mutations_;
  if (writer_) writer_->assign(tree_.assigned);
}

void Workspace::clear() {
  tree_ = {};
  policies_ = lists_ = actions_ = {};
  filter_keys_.clear();
  filter_count_ = 0;
  ++mutations_;
  if (writer_) writer_->clear();
}

std::optional<std::size_t> Workspace::Index::find(const Reference& reference) const {
  if (const auto* guid = std::get_if<Guid>(&reference)) {
    const auto found = by_guid.find(*guid);
    return found == by_guid.end() ? std::nullopt : std::optional(found->second);
  }
  const auto found = by_name.find(fold_name(std::get<std::string>(reference)));
  return found == by_name.end() ? std::nullopt : std::optional(found->second);
}

void Workspace::Index::put(std::string_view name, const Guid& guid, std::size_t place) {
  by_name[fold_name(name)] = place;
  by_guid[guid] = place;
}

void Workspace::Index::remove(std::string_view name, const Guid& guid) {
  by_name.erase(fold_name(name));
  by_guid.erase(guid);
}

template <typename T>
void Workspace::build(Index& index, const std::vector<T>& objects, std::size_t from) {
  for (std::size_t i = from; i < objects.size(); ++i) index.put(objects[i].name, objects[i].guid, i);
}

template <typename T>
std::size_t Workspace::put(Index& index, std::vector<T>& objects, T object) {
  const std::size_t place = index.find(object.guid).value_or(objects.size());
  if (place == objects.size()) {
    objects.push_back(std::move(object));
  } else {
    index.remove(objects[place].name, objects[place].guid);
    objects[place] = std::move(object);
  }
  index.put(objects[place].name, objects[place].guid, place);
  return place;
}

template <typename T>
void Workspace::remove(Index& index, std::vector<T>& objects, const Guid& guid) {
  const auto place = index.find(guid);
  assert(place);
  index.remove(objects[*place].name, guid);
  objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(*place));
  build(index, objects, *place);
}

bool Workspace::raise_version(Policy& policy) {
  if (!versions_raised_.insert(policy.guid).second) return false;
  ++policy.version;
  return true;
}

Workspace::FilterKeys& Workspace::keys_of(const FilterList& list) {
  auto [keys, inserted] = filter_keys_.try_emplace(list.guid);
  if (inserted) {
    for (const Filter& filter : list.filters) keys->second.emplace(filter_key(filter), filter.guid);
  }
  return keys->second;
}

}  // namespace ipsec::store

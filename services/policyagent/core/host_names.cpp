#include "services/policyagent/core/host_names.h"

#include <algorithm>
#include <set>

#include "services/common/sort_unique.h"
#include "services/policyagent/core/limits.h"

namespace ipsec::agent {
namespace {

template <typename Handle>
void for_each_name(store::Filter& filter, Handle handle) {
  for (store::FilterAddress* side : {&filter.source, &filter.destination}) {
    if (auto* name = std::get_if<store::DnsName>(side)) handle(*name);
  }
}

void collect(const store::Filter& filter, std::set<std::string>& names) {
  for (const store::FilterAddress* side : {&filter.source, &filter.destination}) {
    const auto* name = std::get_if<store::DnsName>(side);
    if (name != nullptr && names.size() < kMaxWatchedNames) names.insert(name->name);
  }
}

bool has_name(const store::Filter& filter) {
  return std::holds_alternative<store::DnsName>(filter.source) ||
         std::holds_alternative<store::DnsName>(filter.destination);
}

bool put_addresses(const KnownNames& known, store::Filter& filter) {
  bool changed = false;
  for_each_name(filter, [&](store::DnsName& name) {
    const auto found = known.find(name.name);
    if (found == known.end() || found->second == name.resolved) return;
    name.resolved = found->second;
    changed = true;
  });
  return changed;
}

Duration until_next_look(const NameAnswer& answer) {
  if (answer.addresses.empty()) return kNameRetry;
  return std::clamp(answer.lifetime.value_or(kUnknownNameLifetime), kShortestNameLifetime, kLongestNameLifetime);
}

}  // namespace

std::vector<std::string> names_in(const store::PolicyTree& tree, const store::DynamicPolicy& dynamic) {
  std::set<std::string> names;
  for (const store::FilterList& list : tree.filter_lists) {
    for (const store::Filter& filter : list.filters) collect(filter, names);
  }
  for (const store::DynamicRule& rule : dynamic.rules) collect(rule.filter, names);
  return {names.begin(), names.end()};
}

bool put_addresses(const KnownNames& known, store::PolicyTree& tree) {
  bool changed = false;
  if (known.empty()) return changed;
  for (store::FilterList& list : tree.filter_lists) {
    if (std::none_of(list.filters.begin(), list.filters.end(), has_name)) continue;
    for (store::Filter& filter : list.filters.edit()) changed |= put_addresses(known, filter);
  }
  return changed;
}

bool put_addresses(const KnownNames& known, store::DynamicPolicy& dynamic) {
  bool changed = false;
  for (store::DynamicRule& rule : dynamic.rules) changed |= put_addresses(known, rule.filter);
  return changed;
}

void NameSchedule::set_names(const std::vector<std::string>& names, Timestamp now) {
  std::map<std::string, Entry> entries;
  for (const std::string& name : names) {
    const auto known = entries_.find(name);
    entries.emplace(name, known == entries_.end() ? Entry{now, Timestamp{Duration::min()}, {}} : known->second);
  }
  entries_ = std::move(entries);
}

void NameSchedule::look_again(Timestamp now) {
  for (auto& [name, entry] : entries_) {
    const bool never = entry.looked_up == Timestamp{Duration::min()};
    entry.due = std::min(entry.due, never ? now : std::max(now, entry.looked_up + kShortestNameLifetime));
  }
}

std::optional<std::string> NameSchedule::due(Timestamp now) const {
  const auto first = std::min_element(entries_.begin(), entries_.end(),
                                      [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
  if (first == entries_.end() || first->second.due > now) return std::nullopt;
  return first->first;
}

Timestamp NameSchedule::next() const {
  Timestamp next = kNever;
  for (const auto& [name, entry] : entries_) next = std::min(next, entry.due);
  return next;
}

bool NameSchedule::answered(const std::string& name, NameAnswer& answer, Timestamp now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  sort_unique(answer.addresses);
  entry.looked_up = now;
  entry.due = now + until_next_look(answer);
  if (answer.addresses.empty() || answer.addresses == entry.addresses) return false;
  entry.addresses = answer.addresses;
  return true;
}

}  // namespace ipsec::agent

#include "services/ike/core/policy_change.h"

#include <string_view>
#include <utility>

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "services/ike/core/policy_lookup.h"

namespace ipsec::ike {

namespace {

using Ids = absl::flat_hash_set<std::uint64_t>;

template <typename T>
Status check_list(const ListChange<T>& change, const std::vector<T>& in_force, std::string_view what) {
  Ids ids;
  ids.reserve(in_force.size());
  for (const T& element : in_force) ids.insert(element.id);
  for (const std::uint64_t id : change.removed) {
    if (ids.erase(id) == 0) return refused(fmt::format("policy change: there is no {} {:#x} to be removed", what, id));
  }
  const std::size_t kept = ids.size();
  std::size_t place = 0;
  for (const auto& inserted : change.inserted) {
    if (!ids.insert(inserted.element.id).second) {
      return invalid(fmt::format("policy change: the id {:#x} of a {} is used twice", inserted.element.id, what));
    }
    if (inserted.place < place || inserted.place >= change.count) {
      return refused(fmt::format("policy change: place {} of a {} is not between {} and {}", inserted.place, what,
                                 place, change.count));
    }
    place = inserted.place + 1;
  }
  if (kept + change.inserted.size() == change.count) return {};
  return refused(
      fmt::format("policy change: {} {}s come out instead of {}", kept + change.inserted.size(), what, change.count));
}

// Of what stays and of what comes.
template <typename T>
Status check_names(const ListChange<T>& change, const std::vector<T>& in_force, const PolicyNames& names) {
  const Ids removed(change.removed.begin(), change.removed.end());
  for (const T& element : in_force) {
    if (!removed.contains(element.id)) IPSEC_RETURN_IF_ERROR(names.check(element));
  }
  for (const auto& inserted : change.inserted) IPSEC_RETURN_IF_ERROR(names.check(inserted.element));
  return {};
}

template <typename T>
std::vector<T> apply_list(ListChange<T> change, std::vector<T> in_force) {
  const Ids removed(change.removed.begin(), change.removed.end());
  std::vector<T> made;
  made.reserve(change.count);
  auto next = change.inserted.begin();
  auto old = in_force.begin();
  while (made.size() < change.count) {
    if (next != change.inserted.end() && next->place == made.size()) {
      made.push_back(std::move(next++->element));
      continue;
    }
    while (removed.contains(old->id)) ++old;
    made.push_back(std::move(*old++));
  }
  return made;
}

}  // namespace

Status check(const PolicyChange& change, const IkePolicy& in_force) {
  const IkePolicy nothing;
  const IkePolicy& base = change.base_version == 0 ? nothing : in_force;
  if (change.base_version != base.version) {
    return refused(
        fmt::format("the change is for policy version {}, in force is {}", change.base_version, in_force.version));
  }
  IPSEC_RETURN_IF_ERROR(check_list(change.filters, base.filters, "filter"));
  IPSEC_RETURN_IF_ERROR(check_list(change.main_mode_filters, base.main_mode_filters, "main mode filter"));
  if (change.keeps_quick_mode_policies && !change.settings.quick_mode_policies.empty()) {
    return invalid("policy change: quick mode policies that stay as they are must not be sent");
  }
  const PolicyNames names(change.settings.main_mode_policies, change.keeps_quick_mode_policies
                                                                  ? base.quick_mode_policies
                                                                  : change.settings.quick_mode_policies);
  IPSEC_RETURN_IF_ERROR(names.check(change.settings.default_response));
  IPSEC_RETURN_IF_ERROR(check_names(change.filters, base.filters, names));
  return check_names(change.main_mode_filters, base.main_mode_filters, names);
}

IkePolicy apply(PolicyChange change, IkePolicy in_force) {
  if (change.base_version == 0) in_force = {};
  IkePolicy policy = std::move(change.settings);
  if (change.keeps_quick_mode_policies) policy.quick_mode_policies = std::move(in_force.quick_mode_policies);
  policy.filters = apply_list(std::move(change.filters), std::move(in_force.filters));
  policy.main_mode_filters = apply_list(std::move(change.main_mode_filters), std::move(in_force.main_mode_filters));
  std::uint32_t index = 0;
  for (Filter& filter : policy.filters) filter.index = index++;
  return policy;
}

}  // namespace ipsec::ike

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "services/policyagent/core/filter_place.h"

namespace ipsec::agent {

// What is to become of the entries of the rules of the compilation before: by the number that a rule had, the number
// that it has now, or kGone. The numbers of those that stay ascend.
using RuleNumbers = std::vector<std::uint32_t>;
constexpr std::uint32_t kGone = UINT32_MAX;

// The entries of all rules in one order, kept from one compilation to the next so that a change of one rule costs one
// pass over them: 200,000 filters are neither sorted nor looked at again. An Entry has `place` (a FilterPlace whose
// rule number is the rule's), `hash`, and comes_before(), a strict weak order in which entries of two rules are never
// equal. Entries of one rule that are equal stay in the order in which they were added.
template <typename Entry>
class KeptOrder {
 public:
  // Takes the entries of the rules that are gone out, numbers the others anew and puts `added` in.
  void change(const RuleNumbers& numbers, std::vector<Entry> added) {
    sort(added);
    for (const Entry& entry : added) count(entry.hash);
    std::vector<Entry> merged;
    merged.reserve(entries_.size() + added.size());
    auto next = added.begin();
    for (Entry& entry : entries_) {
      const std::uint32_t number = numbers[entry.place.rule()];
      if (number == kGone) {
        uncount(entry.hash);
        continue;
      }
      entry.place = entry.place.with_rule(number);
      while (next != added.end() && next->comes_before(entry)) merged.push_back(*next++);
      merged.push_back(entry);
    }
    merged.insert(merged.end(), next, added.end());
    entries_ = std::move(merged);
  }

  const std::vector<Entry>& entries() const { return entries_; }
  // Whether an entry may have its like: others have its hash, too.
  bool is_repeated(const Entry& entry) const { return !repeated_.empty() && repeated_.contains(entry.hash); }
  bool has_repeated() const { return !repeated_.empty(); }

 private:
  // Entries come rule by rule and fall into few groups in which the number of the rule decides: they are dealt out to
  // their groups, which are then sorted already.
  static void sort(std::vector<Entry>& entries) {
    absl::flat_hash_map<decltype(entries.front().group()), std::size_t> numbers;
    std::vector<std::vector<Entry>> groups;
    for (const Entry& entry : entries) {
      const auto [known, is_new] = numbers.try_emplace(entry.group(), groups.size());
      if (is_new) groups.emplace_back();
      groups[known->second].push_back(entry);
    }
    const auto comes_before = [](const Entry& a, const Entry& b) { return a.comes_before(b); };
    for (std::vector<Entry>& group : groups) {
      if (!std::is_sorted(group.begin(), group.end(), comes_before)) {
        std::stable_sort(group.begin(), group.end(), comes_before);
      }
    }
    std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a[0].comes_before(b[0]); });
    entries.clear();
    for (const std::vector<Entry>& group : groups) entries.insert(entries.end(), group.begin(), group.end());
  }

  void count(std::uint64_t hash) {
    if (++counts_[hash] == 2) repeated_.insert(hash);
  }
  void uncount(std::uint64_t hash) {
    const auto known = counts_.find(hash);
    if (--known->second == 1) repeated_.erase(hash);
    if (known->second == 0) counts_.erase(known);
  }

  std::vector<Entry> entries_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> counts_;  // of each hash
  absl::flat_hash_set<std::uint64_t> repeated_;
};

}  // namespace ipsec::agent

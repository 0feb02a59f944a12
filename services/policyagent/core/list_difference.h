#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/shared_list.h"

namespace ipsec::agent {

// From one list to another: take `removed` out, then insert each new element at its place in the new list, in ascending
// order. An element that changes or moves is in both.
struct ListDifference {
  std::vector<std::uint64_t> removed;  // ids
  std::vector<std::size_t> inserted;   // places in the new list, ascending
  bool empty() const { return removed.empty() && inserted.empty(); }
};

// Elements have an `id`, unique in their list, and operator==. Takes one pass over both lists while they differ in a
// few places, and one hash table of the rest where they differ in more. Not always the shortest difference, but one
// that names no element that is the same in both lists and stands in the same order.
// Borrows both lists; Pointer is one to an element, plain or shared.
template <typename Pointer>
class ListComparison {
 public:
  ListComparison(const std::vector<Pointer>& before, const std::vector<Pointer>& after)
      : before_(before), after_(after) {}

  ListDifference run() {
    while (old_ < before_.size() && new_ < after_.size()) {
      if (same(old_, new_)) {
        ++old_;
        ++new_;
      } else if (const auto skip = next_in_common()) {
        take_out(skip->first);
        put_in(skip->second);
      } else {
        compare_by_id();
        return std::move(difference_);
      }
    }
    take_out(before_.size() - old_);
    put_in(after_.size() - new_);
    return std::move(difference_);
  }

 private:
  // How far apart two places in common may be to be found without a hash table.
  static constexpr std::size_t kWindow = 32;

  bool same(std::size_t old_place, std::size_t new_place) const {
    const auto& a = before_[old_place];
    const auto& b = after_[new_place];
    return a == b || (a->id == b->id && *a == *b);
  }

  // The nearest pair of equal elements ahead: how many old and new ones come before them.
  std::optional<std::pair<std::size_t, std::size_t>> next_in_common() const {
    for (std::size_t sum = 1; sum <= kWindow; ++sum) {
      for (std::size_t skipped = 0; skipped <= sum; ++skipped) {
        const std::size_t old_place = old_ + skipped;
        const std::size_t new_place = new_ + (sum - skipped);
        if (old_place < before_.size() && new_place < after_.size() && same(old_place, new_place)) {
          return std::pair(skipped, sum - skipped);
        }
      }
    }
    return std::nullopt;
  }

  void take_out(std::size_t count) {
    for (; count > 0; --count) difference_.removed.push_back(before_[old_++]->id);
  }
  void put_in(std::size_t count) {
    for (; count > 0; --count) difference_.inserted.push_back(new_++);
  }

  // What stands in both lists stays as long as it stands behind what has stayed before it.
  void compare_by_id() {
    absl::flat_hash_map<std::uint64_t, std::size_t> places;
    places.reserve(before_.size() - old_);
    for (std::size_t place = old_; place < before_.size(); ++place) places.emplace(before_[place]->id, place);
    for (; new_ < after_.size(); ++new_) {
      const auto found = places.find(after_[new_]->id);
      if (found == places.end() || found->second < old_ || !same(found->second, new_)) {
        difference_.inserted.push_back(new_);
        continue;
      }
      take_out(found->second - old_);
      ++old_;
    }
    take_out(before_.size() - old_);
  }

  const std::vector<Pointer>& before_;
  const std::vector<Pointer>& after_;
  std::size_t old_ = 0;
  std::size_t new_ = 0;
  ListDifference difference_;
};

template <typename T>
ListDifference difference(const SharedList<T>& before, const SharedList<T>& after) {
  return ListComparison(before.pointers(), after.pointers()).run();
}

}  // namespace ipsec::agent

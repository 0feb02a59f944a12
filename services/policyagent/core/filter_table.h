#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/policyagent/core/compiled_policy.h"
#include "store/model.h"

namespace ipsec::agent {

// What a specific filter was made from; borrowed from the policy tree. Ids are unique in one table; that two rules give
// the same is as likely as 64 random bits, and then driver and IKE refuse the policy.
struct FilterOrigin {
  const store::Rule* rule = nullptr;
  const store::Filter* filter = nullptr;
  std::uint32_t rule_index = 0;    // among the policy's rules
  std::uint32_t filter_index = 0;  // in its filter list
};

// Of filters of the same weight the one of the lower number comes first: block, negotiate, permit.
unsigned caution(store::Action action);

// Gathers the specific filters of a rule, gives them their ids and puts them in order.
class FilterTable {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};
  struct Entry {
    SpecificFilter filter;
    FilterOrigin origin;
  };

  // `id_mask` narrows the ids so that tests can force collisions.
  explicit FilterTable(std::uint64_t id_mask = ~std::uint64_t{0}) : id_mask_(id_mask) {}

  // Sets id and weight. The place of the filter; that of an equal one (same origin, direction, selector and tunnel end)
  // where there is one.
  std::size_t add(SpecificFilter filter, const FilterOrigin& origin);
  // Each becomes the mirror of the other.
  void link(std::size_t outbound, std::size_t inbound);

  std::size_t size() const { return entries_.size(); }
  Entry& operator[](std::size_t place) { return entries_[place]; }

  // The entries, most specific first: by weight; of the same weight block before negotiate before permit, so that a
  // contradiction fails on the safe side; then by the order of rules, of filters, and by selector. The
  // table is empty afterwards.
  std::vector<Entry> take_sorted();

 private:
  std::uint64_t id_mask_;
  std::vector<Entry> entries_;
  absl::flat_hash_map<std::uint64_t, std::size_t> by_id_;
};

}  // namespace ipsec::agent

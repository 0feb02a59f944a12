#pragma once

#include <cstdint>
#include <utility>

namespace ipsec::agent {

// Where a filter stands among all others, but for what one written filter gives: by weight, then by action, number of
// the rule and of the written filter in its list (FilterTable's order).
struct FilterPlace {
  std::uint64_t weight = 0;
  std::uint64_t tie = 0;  // action in the highest two bits, number of the rule in the next 30

  std::uint32_t rule() const { return static_cast<std::uint32_t>(tie >> 32U) & kRuleMask; }
  FilterPlace with_rule(std::uint32_t number) const {
    return {weight, (tie & ~(std::uint64_t{kRuleMask} << 32U)) | std::uint64_t{number} << 32U};
  }
  // The weight and the action: of one group the tie, thus the number of the rule, decides.
  std::pair<std::uint64_t, std::uint64_t> group() const { return {weight, tie >> 62U}; }
  bool comes_before(const FilterPlace& other) const {
    return weight != other.weight ? weight > other.weight : tie < other.tie;
  }
  friend bool operator==(const FilterPlace&, const FilterPlace&) = default;

 private:
  static constexpr std::uint32_t kRuleMask = (1U << 30U) - 1;
};

}  // namespace ipsec::agent

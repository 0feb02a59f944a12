#include "services/policyagent/core/weight.h"

#include <algorithm>
#include <bit>

namespace ipsec::agent {
namespace {

// last - first, most significant word first.
struct Distance {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

Distance distance(const AddressRange& range) {
  const auto* first = range.first.bytes().data();
  const auto* last = range.last.bytes().data();
  if (range.first.is_v4()) return {0, load_u32(last) - load_u32(first)};
  const std::uint64_t low_first = load_u64(first + 8);
  const std::uint64_t low_last = load_u64(last + 8);
  const std::uint64_t borrow = low_last < low_first ? 1 : 0;
  return {load_u64(last) - load_u64(first) - borrow, low_last - low_first};
}

}  // namespace

unsigned specificity(const AddressRange& range) {
  const Distance size = distance(range);
  const auto free_bits =
      static_cast<unsigned>(size.high != 0 ? 64 + std::bit_width(size.high) : std::bit_width(size.low));
  return range.first.bits() - free_bits;
}

std::uint64_t weight(const AddressRange& local, const AddressRange& remote) {
  const std::uint64_t a = specificity(local);
  const std::uint64_t b = specificity(remote);
  return ((a + b) << 32U) | (std::max(a, b) << 16U);
}

std::uint64_t weight(const Selector& selector, bool tunnel) {
  const std::uint64_t protocol = selector.protocol == kProtocolAny ? 0 : 1;
  const std::uint64_t ports =
      (selector.source_port.is_any() ? 0U : 1U) + (selector.destination_port.is_any() ? 0U : 1U);
  return weight(selector.source, selector.destination) | (protocol << 8U) | (ports << 1U) | (tunnel ? 1U : 0U);
}

}  // namespace ipsec::agent

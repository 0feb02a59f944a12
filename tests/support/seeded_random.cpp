#include "tests/support/seeded_random.h"

namespace ipsec::tests {

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

void SeededRandom::fill(MutableByteView out) {
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next() >> 24);
}

}  // namespace ipsec::tests

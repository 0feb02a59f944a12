#pragma once

#include <cstdint>

#include "services/common/crypto/random.h"

namespace ipsec::tests {

// A repeatable RandomSource (SplitMix64). For tests only: its output is predictable by design.
class SeededRandom : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(MutableByteView out) override;
  std::uint64_t next();
  // 0 .. bound-1; requires bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  std::uint64_t state_;
};

}  // namespace ipsec::tests

#pragma once

#include <cstdint>

#include "services/common/bytes.h"

namespace ipsec {

// Where randomness comes from: the operating system in production, a seeded generator in tests and simulations.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fills the whole view. Never fails: a system without randomness stops the process.
  virtual void fill(MutableByteView out) = 0;

  Bytes bytes(std::size_t count);
  std::uint32_t u32();
  std::uint64_t u64();
};

// OpenSSL's generator (RAND_bytes). Safe from any thread.
RandomSource& system_random();

}  // namespace ipsec

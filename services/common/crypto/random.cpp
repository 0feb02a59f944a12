#include "services/common/crypto/random.h"

#include <cstdlib>

#include <openssl/rand.h>

namespace ipsec {

namespace {

class SystemRandom : public RandomSource {
 public:
  void fill(MutableByteView out) override {
    // A host without randomness must not make keys.
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
  }
};

}  // namespace

Bytes RandomSource::bytes(std::size_t count) {
  Bytes result(count);
  fill(result);
  return result;
}

std::uint32_t RandomSource::u32() {
  std::uint8_t raw[4];
  fill(raw);
  return load_u32(raw);
}

std::uint64_t RandomSource::u64() {
  std::uint8_t raw[8];
  fill(raw);
  return load_u64(raw);
}

RandomSource& system_random() {
  static SystemRandom source;
  return source;
}

}  // namespace ipsec

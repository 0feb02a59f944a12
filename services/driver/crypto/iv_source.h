#pragma once

#include <array>
#include <cstdint>

#include "services/common/bytes.h"
#include "services/common/crypto/openssl_handles.h"
#include "services/common/crypto/random.h"

namespace ipsec::driver {

// IVs for CBC: AES-CTR key stream under a key that only this object has, so nobody can tell the next one (RFC 3602
// section 3), at a small part of the price of a random generator. One thread.
class IvSource {
 public:
  explicit IvSource(RandomSource& random);
  // Requires at most 16 octets.
  void fill(MutableByteView iv);

 private:
  void refill();

  CipherContext stream_;
  std::array<std::uint8_t, 1024> ready_;
  std::size_t used_ = ready_.size();
};

}  // namespace ipsec::driver

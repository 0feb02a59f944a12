#include "services/common/secret.h"

#include <openssl/crypto.h>

namespace ipsec {

void wipe_memory(void* data, std::size_t size) noexcept { OPENSSL_cleanse(data, size); }

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ipsec

#include "services/driver/crypto/esp_suite.h"

#include <algorithm>

#include <fmt/format.h>

namespace ipsec::driver {

Result<EspSuite> EspSuite::of(Cipher cipher, Integrity integrity) {
  const CipherInfo& encryption = info(cipher);
  const IntegrityInfo& authentication = info(integrity);
  if (encryption.is_aead() && integrity != Integrity::kNone) {
    return invalid(fmt::format("ESP with {} and {}: {} has integrity of its own, choose NONE beside it",
                               encryption.name, authentication.name, encryption.name));
  }
  if (cipher == Cipher::kNull && integrity == Integrity::kNone) {
    return invalid("ESP with neither encryption nor integrity protects nothing: choose at least one");
  }
  if (authentication.is_gmac()) {
    return invalid(
        fmt::format("ESP with {}: it is for AH only; HMACs and combined ciphers are for ESP", authentication.name));
  }
  EspSuite suite;
  suite.cipher = cipher;
  suite.integrity = integrity;
  suite.cipher_key_size = encryption.key_size + encryption.salt_size;
  suite.integrity_key_size = authentication.key_size;
  suite.iv_size = encryption.iv_size;
  suite.icv_size = encryption.is_aead() ? encryption.icv_size : authentication.icv_size;
  suite.alignment = std::max<std::size_t>(4, encryption.block_size);
  suite.aead = encryption.is_aead();
  return suite;
}

}  // namespace ipsec::driver

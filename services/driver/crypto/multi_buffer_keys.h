#pragma once

#include <array>
#include <cstdint>

#include <intel-ipsec-mb.h>

#include "services/driver/crypto/esp_engine.h"

namespace ipsec::driver {

// Key schedules, saved HMAC states and GCM tables as intel-ipsec-mb reads them.
class MultiBufferKeys : public EspKeys {
 public:
  // Requires keys of the suite's sizes. `manager` only lends its functions.
  MultiBufferKeys(const EspSuite& suite, const SecretBytes& cipher_key, const SecretBytes& integrity_key,
                  bool extended_sequence, IMB_MGR* manager);
  ~MultiBufferKeys() override;

  const gcm_key_data& gcm() const { return expanded_.gcm; }
  ByteView salt() const { return salt_; }
  // Cipher and direction of a CBC job.
  void set_cipher(IMB_JOB& job, IMB_CIPHER_DIRECTION direction) const;
  void set_integrity(IMB_JOB& job) const;

 private:
  struct Separate {
    alignas(16) std::array<std::uint32_t, 60> aes_encrypt;
    alignas(16) std::array<std::uint32_t, 60> aes_decrypt;
    alignas(16) std::array<std::array<std::uint64_t, 16>, 3> des;
    std::array<const void*, 3> des_pointers;
    alignas(16) std::array<std::uint8_t, 64> inner_state;  // the hash after key XOR 36 36 ... (RFC 2104)
    alignas(16) std::array<std::uint8_t, 64> outer_state;  // the hash after key XOR 5c 5c ...
  };

  void expand_gcm(ByteView key, IMB_MGR* manager);
  void expand_cipher(ByteView key, IMB_MGR* manager);
  void expand_integrity(ByteView key, IMB_MGR* manager);

  // An SA has an AEAD or the separate algorithms.
  union Expanded {
    gcm_key_data gcm;
    Separate separate;
  };
  Expanded expanded_;
  std::array<std::uint8_t, 4> salt_{};
};

}  // namespace ipsec::driver

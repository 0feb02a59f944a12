#pragma once

#include <memory>
#include <span>

#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/driver/crypto/esp_engine.h"

// What an engine's work costs without the engine: the yardsticks of `ipsec-bench crypto`.
namespace ipsec::bench {

// Works on the jobs' packets; their verdicts are not looked at. Results are those of an EspEngine but for the IV, which
// stays as it is.
class BareCrypto {
 public:
  virtual ~BareCrypto() = default;
  virtual void seal(std::span<driver::EspJob> jobs) = 0;
  // Does not compare ICVs. False: not measured.
  virtual bool open(std::span<driver::EspJob> jobs) = 0;
};

// Calls of intel-ipsec-mb and nothing else: GCM by the direct call, the others by jobs that lie ready, whose packets
// are all that changes. Null where the library is not available. Takes AES-128-GCM, AES-256-GCM, and
// AES-CBC with an HMAC.
std::unique_ptr<BareCrypto> make_bare_ipsec_mb(const driver::EspSuite& suite, const SecretBytes& cipher_key,
                                               const SecretBytes& integrity_key);

// Of the library in use; "absent" where this build has none.
const char* ipsec_mb_version();

// OpenSSL as it is used where nobody thinks of it: a context and a key schedule for each packet. Takes AES-128-GCM, and
// AES-128-CBC with SHA-1.
std::unique_ptr<BareCrypto> make_openssl_with_key_each_time(const driver::EspSuite& suite,
                                                            const SecretBytes& cipher_key,
                                                            const SecretBytes& integrity_key);

}  // namespace ipsec::bench

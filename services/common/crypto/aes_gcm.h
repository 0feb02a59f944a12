#pragma once

#include <cstddef>
#include <optional>

#include "services/common/bytes.h"
#include "services/common/crypto/random.h"
#include "services/common/secret.h"

// AES-256-GCM for small secrets at rest (NIST SP 800-38D). ESP has engines of its own (services/driver/crypto).
namespace ipsec {

inline constexpr std::size_t kAesGcmKeySize = 32;

// `secret` under a random nonce: 12 octets of nonce, the encrypted secret, 16 octets of tag. `associated` is bound to
// the result: only with the same does it open again. Requires a key of kAesGcmKeySize. One key is good for 2^32
// secrets.
Bytes aes_gcm_seal(ByteView key, ByteView secret, ByteView associated, RandomSource& random);

// Nothing where key, associated data or octets are not those of the sealing.
std::optional<SecretBytes> aes_gcm_open(ByteView key, ByteView sealed, ByteView associated);

}  // namespace ipsec

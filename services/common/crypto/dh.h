#pragma once

#include <memory>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/secret.h"

// One Diffie-Hellman key pair, used for one exchange and then destroyed.
namespace ipsec {

class DhKeyPair {
 public:
  virtual ~DhKeyPair() = default;
  virtual DhGroup group() const = 0;
  // The KE payload body: left padded with zeros to info(group()).public_size; x|y without the 04 octet for ECP (RFC
  // 5903).
  virtual ByteView public_value() const = 0;
  // g^xy, left padded to info(group()).shared_size; x only for ECP. Refuses a value of wrong length, 0, 1, p-1 and
  // above, a point off the curve, and for curve25519 an all-zero result.
  virtual Result<SecretBytes> shared_secret(ByteView peer_public) const = 0;
};

// Makes a fresh pair. The private value is drawn from `random` so that simulations repeat. Thread safe as `random` is.
// `group` is not kNone. MODP exponents have at least twice the group's strength in bits (RFC 3526 section 8).
std::unique_ptr<DhKeyPair> make_dh_key_pair(DhGroup group, RandomSource& random);

// The pair of a given private value, for published vectors: a big-endian exponent or scalar, or the 32 octets of a
// curve25519 key. Refuses 0 and a scalar not below the curve's order.
Result<std::unique_ptr<DhKeyPair>> dh_key_pair_of(DhGroup group, const SecretBytes& private_value);

}  // namespace ipsec

#pragma once

#include <initializer_list>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/secret.h"

// Hashes and their HMACs. The parts are hashed as if concatenated. `algorithm` is never kNone.
namespace ipsec {

Bytes hash(Integrity algorithm, std::initializer_list<ByteView> parts);

// IKEv1's prf (RFC 2409 section 4: HMAC of the negotiated hash); as long as the hash.
SecretBytes hmac(Integrity algorithm, ByteView key, std::initializer_list<ByteView> parts);

}  // namespace ipsec

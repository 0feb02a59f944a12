#pragma once

#include <cstdint>
#include <span>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/ike/wire/message.h"

// Encrypted ISAKMP messages (RFC 2409 appendix B): CBC over everything behind the header, zero padding. The IV chain is
// the caller's: the next IV is handed out and becomes valid only when the caller has verified the HASH inside.
namespace ipsec::ike {

struct Protection {
  Cipher cipher = Cipher::kAes128Cbc;  // a CBC cipher
  SecretBytes key;
};

struct Sealed {
  Bytes datagram;
  Bytes next_iv;  // last ciphertext block
};
// Flags (besides the encryption flag, which is set), exchange, cookies and message id come from `header`. Requires at
// least one payload.
Sealed seal(const Protection& protection, ByteView iv, Header header, std::span<const PayloadContent> payloads);

struct Opened {
  PayloadChain chain;
  Bytes next_iv;
};
// Requires `header` to be the parsed header of `datagram`. Anything decrypted with a wrong key ends here as malformed,
// or later as a wrong HASH.
Result<Opened> open(const Protection& protection, ByteView iv, const Header& header, ByteView datagram);

}  // namespace ipsec::ike

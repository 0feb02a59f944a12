#pragma once

#include <openssl/evp.h>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/crypto/openssl_handles.h"
#include "services/common/secret.h"

// Our algorithms as OpenSSL has them, looked up once per process: looking up costs more than using. Thread safe; for
// other crypto folders only.
namespace ipsec {

// Requires a cipher other than kNull.
const EVP_CIPHER* openssl_cipher(Cipher cipher);

// The key as openssl_cipher() of that cipher wants it.
SecretBytes openssl_cipher_key(Cipher cipher, ByteView key);

// Require an integrity other than kNone and GMAC. The MAC has `key` and takes data at once.
const EVP_MD* openssl_digest(Integrity integrity);
MacContext openssl_hmac(Integrity integrity, ByteView key);

}  // namespace ipsec

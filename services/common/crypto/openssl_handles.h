#pragma once

#include <memory>

#include <openssl/evp.h>

#include "services/common/crypto/require.h"

// Owners of OpenSSL objects. Freeing wipes what they hold.
namespace ipsec {

struct FreeOpenssl {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeOpenssl>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeOpenssl>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeOpenssl>;

}  // namespace ipsec

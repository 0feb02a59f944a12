#include "services/common/crypto/openssl_algorithms.h"

#include <array>
#include <cassert>
#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/params.h>

namespace ipsec {

namespace {

const EVP_CIPHER* fetch_cipher(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  require(cipher != nullptr);
  return cipher;
}

struct Hash {
  EVP_MD* digest;
  EVP_MAC_CTX* keyed_with_zero;  // a copy of it saves the search for the digest
};

Hash fetch_hash(const char* name) {
  EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  require(digest != nullptr && mac != nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name), 0),
      OSSL_PARAM_construct_end(),
  };
  const std::uint8_t zero = 0;
  require(context != nullptr && EVP_MAC_init(context, &zero, 1, parameters.data()) == 1);
  return {digest, context};
}

const Hash& hash_of(Integrity integrity) {
  // Lives until the process ends; a copy only reads the original, so threads share these.
  static const std::array table = {fetch_hash("MD5"), fetch_hash("SHA1"), fetch_hash("SHA2-256"),
                                   fetch_hash("SHA2-384"), fetch_hash("SHA2-512")};
  assert(integrity != Integrity::kNone && !info(integrity).is_gmac());
  return table[static_cast<std::size_t>(integrity) - static_cast<std::size_t>(Integrity::kMd5)];
}

}  // namespace

const EVP_CIPHER* openssl_cipher(Cipher cipher) {
  static const std::array table = {
      fetch_cipher("DES-EDE3-CBC"), fetch_cipher("DES-EDE3-CBC"), fetch_cipher("AES-128-CBC"),
      fetch_cipher("AES-192-CBC"),  fetch_cipher("AES-256-CBC"),  fetch_cipher("AES-128-GCM"),
      fetch_cipher("AES-192-GCM"),  fetch_cipher("AES-256-GCM"),  fetch_cipher("ChaCha20-Poly1305")};
  assert(cipher != Cipher::kNull);
  return table[static_cast<std::size_t>(cipher) - static_cast<std::size_t>(Cipher::kDes)];
}

SecretBytes openssl_cipher_key(Cipher cipher, ByteView key) {
  SecretBytes result(key);
  if (cipher == Cipher::kDes) {
    // OpenSSL 3 has DES only in its legacy module, which a hardened host may not have; EDE under one key thrice is DES.
    result.append(key);
    result.append(key);
  }
  return result;
}

const EVP_MD* openssl_digest(Integrity integrity) { return hash_of(integrity).digest; }

MacContext openssl_hmac(Integrity integrity, ByteView key) {
  MacContext context(EVP_MAC_CTX_dup(hash_of(integrity).keyed_with_zero));
  // A null key would mean "keep the one you have", which is not what an empty key means.
  const std::uint8_t no_key = 0;
  require(context != nullptr &&
          EVP_MAC_init(context.get(), key.empty() ? &no_key : key.data(), key.size(), nullptr) == 1);
  return context;
}

}  // namespace ipsec

#include "services/common/crypto/hash.h"

#include <array>
#include <cassert>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "services/common/crypto/require.h"

namespace ipsec {

namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

struct Algorithm {
  const char* openssl_name;
  EVP_MD* digest;
  EVP_MAC_CTX* keyed_with_zero;  // copied for each HMAC: looking an algorithm up costs more than using it
};

Algorithm fetch(const char* name) {
  EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  require(digest != nullptr && mac != nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  require(context != nullptr);
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name), 0),
      OSSL_PARAM_construct_end(),
  };
  const std::uint8_t zero = 0;
  require(EVP_MAC_init(context, &zero, 1, parameters.data()) == 1);
  return {name, digest, context};
}

const Algorithm& algorithm_of(Integrity integrity) {
  // Lives until the process ends; copying a context only reads it, so threads share these.
  static const std::array table = {fetch("MD5"), fetch("SHA1"), fetch("SHA2-256"), fetch("SHA2-384"),
                                   fetch("SHA2-512")};
  assert(integrity != Integrity::kNone);
  return table[static_cast<std::size_t>(integrity) - static_cast<std::size_t>(Integrity::kMd5)];
}

}  // namespace

Bytes hash(Integrity algorithm, std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  require(context != nullptr && EVP_DigestInit_ex2(context.get(), algorithm_of(algorithm).digest, nullptr) == 1);
  for (const ByteView part : parts) require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  Bytes result(info(algorithm).hash_size);
  require(EVP_DigestFinal_ex(context.get(), result.data(), nullptr) == 1);
  return result;
}

SecretBytes hmac(Integrity algorithm, ByteView key, std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_dup(algorithm_of(algorithm).keyed_with_zero));
  // A null key would mean "keep the one you have", which is not what an empty key means.
  const std::uint8_t no_key = 0;
  require(context != nullptr &&
          EVP_MAC_init(context.get(), key.empty() ? &no_key : key.data(), key.size(), nullptr) == 1);
  for (const ByteView part : parts) require(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  SecretBytes result(info(algorithm).hash_size);
  std::size_t size = 0;
  require(EVP_MAC_final(context.get(), result.data(), &size, result.size()) == 1 && size == result.size());
  return result;
}

}  // namespace ipsec

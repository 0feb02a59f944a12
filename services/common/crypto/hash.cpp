#include "services/common/crypto/hash.h"

#include "services/common/crypto/openssl_algorithms.h"

namespace ipsec {

Bytes hash(Integrity algorithm, std::initializer_list<ByteView> parts) {
  const DigestContext context(EVP_MD_CTX_new());
  require(context != nullptr && EVP_DigestInit_ex2(context.get(), openssl_digest(algorithm), nullptr) == 1);
  for (const ByteView part : parts) require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  Bytes result(info(algorithm).hash_size);
  require(EVP_DigestFinal_ex(context.get(), result.data(), nullptr) == 1);
  return result;
}

SecretBytes hmac(Integrity algorithm, ByteView key, std::initializer_list<ByteView> parts) {
  const MacContext context = openssl_hmac(algorithm, key);
  for (const ByteView part : parts) require(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  SecretBytes result(info(algorithm).hash_size);
  std::size_t size = 0;
  require(EVP_MAC_final(context.get(), result.data(), &size, result.size()) == 1 && size == result.size());
  return result;
}

}  // namespace ipsec

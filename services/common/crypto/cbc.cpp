#include "services/common/crypto/cbc.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <memory>

#include <openssl/evp.h>

#include "services/common/crypto/require.h"
#include "services/common/secret.h"

namespace ipsec {

namespace {

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  require(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* openssl_cipher(Cipher cipher) {
  static const EVP_CIPHER* const triple_des = fetch("DES-EDE3-CBC");
  static const EVP_CIPHER* const aes128 = fetch("AES-128-CBC");
  static const EVP_CIPHER* const aes192 = fetch("AES-192-CBC");
  static const EVP_CIPHER* const aes256 = fetch("AES-256-CBC");
  switch (cipher) {
    case Cipher::kDes:
    case Cipher::kTripleDes:
      return triple_des;
    case Cipher::kAes128Cbc:
      return aes128;
    case Cipher::kAes192Cbc:
      return aes192;
    case Cipher::kAes256Cbc:
      return aes256;
    default:
      assert(false && "not a CBC cipher");
      std::abort();
  }
}

void run(Cipher cipher, ByteView key, ByteView iv, MutableByteView data, bool encrypt) {
  [[maybe_unused]] const CipherInfo& sizes = info(cipher);
  assert(key.size() == sizes.key_size && iv.size() == sizes.iv_size && data.size() % sizes.block_size == 0);
  SecretBytes openssl_key(key);
  if (cipher == Cipher::kDes) {
    // OpenSSL 3 has DES only in its legacy module, which a hardened host may not have; EDE under one key thrice is DES.
    openssl_key.append(key);
    openssl_key.append(key);
  }
  const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool done =
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), openssl_cipher(cipher), openssl_key.data(), iv.data(), encrypt ? 1 : 0,
                         nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
      EVP_CipherUpdate(context.get(), data.data(), &written, data.data(), static_cast<int>(data.size())) == 1;
  require(done && static_cast<std::size_t>(written) == data.size());
}

}  // namespace

void cbc_encrypt(Cipher cipher, ByteView key, ByteView iv, MutableByteView data) { run(cipher, key, iv, data, true); }
void cbc_decrypt(Cipher cipher, ByteView key, ByteView iv, MutableByteView data) { run(cipher, key, iv, data, false); }

bool is_weak_des_key(ByteView key) {
  static constexpr std::array<std::uint64_t, 16> kWeakKeys = {
      0x0101010101010101, 0x1f1f1f1f0e0e0e0e, 0xe0e0e0e0f1f1f1f1, 0xfefefefefefefefe,  // weak
      0x01fe01fe01fe01fe, 0xfe01fe01fe01fe01, 0x1fe01fe00ef10ef1, 0xe01fe01ff10ef10e,  // semi-weak pairs
      0x01e001e001f101f1, 0xe001e001f101f101, 0x1ffe1ffe0efe0efe, 0xfe1ffe1ffe0efe0e,
      0x011f011f010e010e, 0x1f011f010e010e01, 0xe0fee0fef1fef1fe, 0xfee0fee0fef1fef1,
  };
  static constexpr std::uint64_t kWithoutParity = 0xfefefefefefefefe;
  assert(key.size() == 8);
  const std::uint64_t bits = load_u64(key.data()) & kWithoutParity;
  return std::any_of(kWeakKeys.begin(), kWeakKeys.end(),
                     [bits](std::uint64_t weak) { return (weak & kWithoutParity) == bits; });
}

}  // namespace ipsec

#include "services/common/crypto/cbc.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "services/common/crypto/openssl_algorithms.h"

namespace ipsec {

namespace {

void run(Cipher cipher, ByteView key, ByteView iv, MutableByteView data, bool encrypt) {
  [[maybe_unused]] const CipherInfo& sizes = info(cipher);
  assert(key.size() == sizes.key_size && iv.size() == sizes.iv_size && data.size() % sizes.block_size == 0);
  const SecretBytes openssl_key = openssl_cipher_key(cipher, key);
  const CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool done =
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), openssl_cipher(cipher), openssl_key.view().data(), iv.data(), encrypt ? 1 : 0,
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

#include "services/common/crypto/aes_gcm.h"

#include <cassert>

#include "services/common/crypto/openssl_handles.h"

namespace ipsec {

namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

CipherContext begin(ByteView key, ByteView nonce, ByteView associated, bool seal) {
  assert(key.size() == kAesGcmKeySize);
  CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool done =
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), seal ? 1 : 0, nullptr) == 1 &&
      EVP_CipherUpdate(context.get(), nullptr, &written, associated.data(), static_cast<int>(associated.size())) == 1;
  require(done);
  return context;
}

}  // namespace

Bytes aes_gcm_seal(ByteView key, ByteView secret, ByteView associated, RandomSource& random) {
  Bytes sealed(kNonceSize + secret.size() + kTagSize);
  random.fill(MutableByteView(sealed).first(kNonceSize));
  const CipherContext context = begin(key, ByteView(sealed).first(kNonceSize), associated, true);
  std::uint8_t* const text = sealed.data() + kNonceSize;
  int written = 0;
  require(EVP_CipherUpdate(context.get(), text, &written, secret.data(), static_cast<int>(secret.size())) == 1 &&
          EVP_CipherFinal_ex(context.get(), text + secret.size(), &written) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize), text + secret.size()) ==
              1);
  return sealed;
}

std::optional<SecretBytes> aes_gcm_open(ByteView key, ByteView sealed, ByteView associated) {
  if (sealed.size() < kNonceSize + kTagSize) return std::nullopt;
  const CipherContext context = begin(key, sealed.first(kNonceSize), associated, false);
  const ByteView text = sealed.subspan(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  Bytes tag(sealed.end() - kTagSize, sealed.end());
  SecretBytes secret(text.size());
  std::uint8_t nothing = 0;
  int written = 0;
  require(EVP_CipherUpdate(context.get(), secret.empty() ? &nothing : secret.data(), &written, text.data(),
                           static_cast<int>(text.size())) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
  if (EVP_CipherFinal_ex(context.get(), &nothing, &written) != 1) return std::nullopt;
  return secret;
}

}  // namespace ipsec

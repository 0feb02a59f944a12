#include "services/driver/crypto/ah_keys.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "services/common/crypto/openssl_algorithms.h"

namespace ipsec::driver {
namespace {

constexpr std::size_t kSaltSize = 4;
constexpr std::size_t kIvSize = 8;

Cipher gcm_of(Integrity integrity) {
  switch (integrity) {
    case Integrity::kAes128Gmac:
      return Cipher::kAes128Gcm;
    case Integrity::kAes192Gmac:
      return Cipher::kAes192Gcm;
    default:
      return Cipher::kAes256Gcm;
  }
}

}  // namespace

Result<std::shared_ptr<const AhKeys>> AhKeys::make(Integrity integrity, const SecretBytes& key) {
  if (integrity == Integrity::kNone) return invalid("AH needs an integrity algorithm");
  const IntegrityInfo& algorithm = info(integrity);
  if (key.size() != algorithm.key_size) {
    return invalid(
        fmt::format("AH key of {}: {} octets instead of {}", algorithm.name, key.size(), algorithm.key_size));
  }
  return std::shared_ptr<const AhKeys>(new AhKeys(integrity, key));
}

AhKeys::Contexts AhKeys::make_contexts() const {
  Contexts contexts;
  if (!info(integrity_).is_gmac()) {
    contexts.mac = openssl_hmac(integrity_, key_.view());
    return contexts;
  }
  contexts.gmac.reset(EVP_CIPHER_CTX_new());
  require(contexts.gmac != nullptr && EVP_EncryptInit_ex2(contexts.gmac.get(), openssl_cipher(gcm_of(integrity_)),
                                                          key_.view().data(), nullptr, nullptr) == 1);
  return contexts;
}

AhKeys::Contexts& AhKeys::contexts_of(unsigned engine_index) const {
  assert(engine_index < contexts_.size());
  auto& contexts = contexts_[engine_index];
  if (contexts == nullptr) contexts = std::make_unique<Contexts>(make_contexts());
  return *contexts;
}

AhKeys::Tag AhKeys::hmac(Contexts& contexts, std::span<const ByteView> pieces) const {
  EVP_MAC_CTX* context = contexts.mac.get();
  require(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
  for (const ByteView piece : pieces) require(EVP_MAC_update(context, piece.data(), piece.size()) == 1);
  Tag tag{};
  std::size_t size = 0;
  require(EVP_MAC_final(context, tag.data(), &size, tag.size()) == 1);
  return tag;
}

AhKeys::Tag AhKeys::gmac(Contexts& contexts, std::span<const ByteView> pieces, ByteView iv) const {
  EVP_CIPHER_CTX* context = contexts.gmac.get();
  std::array<std::uint8_t, kSaltSize + kIvSize> nonce{};
  std::ranges::copy(key_.view().last(kSaltSize), nonce.begin());
  std::ranges::copy(iv, nonce.begin() + kSaltSize);
  require(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  int written = 0;
  for (const ByteView piece : pieces) {
    require(EVP_EncryptUpdate(context, nullptr, &written, piece.data(), static_cast<int>(piece.size())) == 1);
  }
  Tag tag{};
  std::ranges::copy(iv, tag.begin());
  std::uint8_t nothing[16];
  const std::size_t tag_size = icv_size() - kIvSize;
  require(EVP_EncryptFinal_ex(context, nothing, &written) == 1 &&
          EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), tag.data() + kIvSize) == 1);
  return tag;
}

void AhKeys::sign(unsigned engine_index, std::span<const ByteView> pieces, std::uint64_t sequence,
                  MutableByteView icv) const {
  assert(icv.size() == icv_size());
  Contexts& contexts = contexts_of(engine_index);
  std::array<std::uint8_t, kIvSize> iv;
  store_u64(iv.data(), sequence);
  const Tag tag = contexts.mac != nullptr ? hmac(contexts, pieces) : gmac(contexts, pieces, iv);
  std::copy_n(tag.begin(), icv.size(), icv.begin());
}

bool AhKeys::verify(unsigned engine_index, std::span<const ByteView> pieces, ByteView icv) const {
  assert(icv.size() == icv_size());
  Contexts& contexts = contexts_of(engine_index);
  const Tag tag = contexts.mac != nullptr ? hmac(contexts, pieces) : gmac(contexts, pieces, icv.first(kIvSize));
  return constant_time_equal(ByteView(tag).first(icv.size()), icv);
}

}  // namespace ipsec::driver

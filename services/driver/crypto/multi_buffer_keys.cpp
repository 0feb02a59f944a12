#include "services/driver/crypto/multi_buffer_keys.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ipsec::driver {

namespace {

// The state of the hash after one block of the HMAC key padded with `pad`.
void save_state(Integrity integrity, ByteView key, std::uint8_t pad, std::uint8_t* state, IMB_MGR* manager) {
  SecretBytes block(Bytes(integrity == Integrity::kSha384 || integrity == Integrity::kSha512 ? 128U : 64U, pad));
  for (std::size_t i = 0; i < key.size(); ++i) block.data()[i] = static_cast<std::uint8_t>(key[i] ^ pad);
  switch (integrity) {
    case Integrity::kMd5:
      IMB_MD5_ONE_BLOCK(manager, block.data(), state);
      break;
    case Integrity::kSha1:
      IMB_SHA1_ONE_BLOCK(manager, block.data(), state);
      break;
    case Integrity::kSha256:
      IMB_SHA256_ONE_BLOCK(manager, block.data(), state);
      break;
    case Integrity::kSha384:
      IMB_SHA384_ONE_BLOCK(manager, block.data(), state);
      break;
    case Integrity::kSha512:
      IMB_SHA512_ONE_BLOCK(manager, block.data(), state);
      break;
    default:  // none; GMAC is not for ESP
      break;
  }
}

IMB_HASH_ALG hash_algorithm(Integrity integrity) {
  switch (integrity) {
    case Integrity::kMd5:
      return IMB_AUTH_MD5;
    case Integrity::kSha1:
      return IMB_AUTH_HMAC_SHA_1;
    case Integrity::kSha256:
      return IMB_AUTH_HMAC_SHA_256;
    case Integrity::kSha384:
      return IMB_AUTH_HMAC_SHA_384;
    case Integrity::kSha512:
      return IMB_AUTH_HMAC_SHA_512;
    default:  // none; GMAC is not for ESP
      break;
  }
  return IMB_AUTH_NULL;
}

}  // namespace

MultiBufferKeys::MultiBufferKeys(const EspSuite& suite, const SecretBytes& cipher_key, const SecretBytes& integrity_key,
                                 bool extended_sequence, IMB_MGR* manager)
    : EspKeys(suite, EspBackend::kMultiBuffer, extended_sequence) {
  std::memset(&expanded_, 0, sizeof expanded_);
  if (suite.aead) {
    expand_gcm(cipher_key.view(), manager);
  } else {
    expand_cipher(cipher_key.view(), manager);
    expand_integrity(integrity_key.view(), manager);
  }
}

MultiBufferKeys::~MultiBufferKeys() {
  wipe_memory(&expanded_, sizeof expanded_);
  wipe_memory(salt_.data(), salt_.size());
}

void MultiBufferKeys::expand_gcm(ByteView key, IMB_MGR* manager) {
  std::ranges::copy(key.last(salt_.size()), salt_.begin());
  switch (suite().cipher) {
    case Cipher::kAes128Gcm:
      IMB_AES128_GCM_PRE(manager, key.data(), &expanded_.gcm);
      break;
    case Cipher::kAes192Gcm:
      IMB_AES192_GCM_PRE(manager, key.data(), &expanded_.gcm);
      break;
    case Cipher::kAes256Gcm:
      IMB_AES256_GCM_PRE(manager, key.data(), &expanded_.gcm);
      break;
    default:
      assert(false && "not GCM");
  }
}

void MultiBufferKeys::expand_cipher(ByteView key, IMB_MGR* manager) {
  Separate& to = expanded_.separate;
  switch (suite().cipher) {
    case Cipher::kAes128Cbc:
      IMB_AES_KEYEXP_128(manager, key.data(), to.aes_encrypt.data(), to.aes_decrypt.data());
      break;
    case Cipher::kAes192Cbc:
      IMB_AES_KEYEXP_192(manager, key.data(), to.aes_encrypt.data(), to.aes_decrypt.data());
      break;
    case Cipher::kAes256Cbc:
      IMB_AES_KEYEXP_256(manager, key.data(), to.aes_encrypt.data(), to.aes_decrypt.data());
      break;
    case Cipher::kDes:
    case Cipher::kTripleDes:
      for (std::size_t i = 0; i < key.size() / 8; ++i) {
        IMB_DES_KEYSCHED(manager, to.des[i].data(), key.data() + 8 * i);
        to.des_pointers[i] = to.des[i].data();
      }
      break;
    default:
      break;
  }
}

void MultiBufferKeys::expand_integrity(ByteView key, IMB_MGR* manager) {
  save_state(suite().integrity, key, 0x36, expanded_.separate.inner_state.data(), manager);
  save_state(suite().integrity, key, 0x5c, expanded_.separate.outer_state.data(), manager);
}

void MultiBufferKeys::set_cipher(IMB_JOB& job, IMB_CIPHER_DIRECTION direction) const {
  const Separate& from = expanded_.separate;
  job.cipher_direction = direction;
  switch (suite().cipher) {
    case Cipher::kNull:
      job.cipher_mode = IMB_CIPHER_NULL;
      return;
    case Cipher::kDes:
      job.cipher_mode = IMB_CIPHER_DES;
      job.enc_keys = job.dec_keys = from.des[0].data();
      break;
    case Cipher::kTripleDes:
      job.cipher_mode = IMB_CIPHER_DES3;
      job.enc_keys = job.dec_keys = from.des_pointers.data();
      break;
    default:
      job.cipher_mode = IMB_CIPHER_CBC;
      job.enc_keys = from.aes_encrypt.data();
      job.dec_keys = from.aes_decrypt.data();
  }
  job.key_len_in_bytes = suite().cipher_key_size;
}

void MultiBufferKeys::set_integrity(IMB_JOB& job) const {
  job.hash_alg = hash_algorithm(suite().integrity);
  job.u.HMAC._hashed_auth_key_xor_ipad = expanded_.separate.inner_state.data();
  job.u.HMAC._hashed_auth_key_xor_opad = expanded_.separate.outer_state.data();
  job.auth_tag_output_len_in_bytes = suite().icv_size;
}

}  // namespace ipsec::driver

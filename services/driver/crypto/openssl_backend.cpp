#include "services/driver/crypto/openssl_backend.h"

#include <algorithm>

#include "services/common/crypto/openssl_algorithms.h"
#include "services/driver/crypto/esp_job_parts.h"

namespace ipsec::driver {

namespace {

constexpr std::size_t kLongestHash = 64;

int int_size(std::size_t size) { return static_cast<int>(size); }

CipherContext make_cipher(const EspSuite& suite, const SecretBytes& key, bool seal) {
  CipherContext context(EVP_CIPHER_CTX_new());
  require(context != nullptr &&
          EVP_CipherInit_ex2(context.get(), openssl_cipher(suite.cipher), key.view().data(), nullptr, seal ? 1 : 0,
                             nullptr) == 1 &&
          EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  return context;
}

void set_iv(EVP_CIPHER_CTX* context, const std::uint8_t* iv) {
  require(EVP_CipherInit_ex2(context, nullptr, nullptr, iv, -1, nullptr) == 1);
}

void run_in_place(EVP_CIPHER_CTX* context, MutableByteView data) {
  int written = 0;
  require(EVP_CipherUpdate(context, data.data(), &written, data.data(), int_size(data.size())) == 1 &&
          written == int_size(data.size()));
}

// Sets nonce and AAD, then runs over the payload.
void run_aead(EVP_CIPHER_CTX* context, const EspJob& job, ByteView salt) {
  const auto nonce = nonce_of(job, salt);
  const EspAad aad = aad_of(job);
  int written = 0;
  set_iv(context, nonce.data());
  require(EVP_CipherUpdate(context, nullptr, &written, aad.bytes.data(), int_size(aad.size)) == 1);
  run_in_place(context, job.clear_part());
}

void seal_aead(const OpensslContexts& contexts, const EspJob& job, ByteView salt) {
  EVP_CIPHER_CTX* context = contexts.seal.get();
  run_aead(context, job, salt);
  const MutableByteView icv = icv_of(job);
  std::uint8_t nothing[16];
  int written = 0;
  require(EVP_CipherFinal_ex(context, nothing, &written) == 1 &&
          EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, int_size(icv.size()), icv.data()) == 1);
}

bool open_aead(const OpensslContexts& contexts, const EspJob& job, ByteView salt) {
  EVP_CIPHER_CTX* context = contexts.open.get();
  const MutableByteView icv = icv_of(job);
  run_aead(context, job, salt);
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, int_size(icv.size()), icv.data()) == 1);
  std::uint8_t nothing[16];
  int written = 0;
  if (EVP_CipherFinal_ex(context, nothing, &written) == 1) return true;
  // GCM decrypts while it checks: nobody may find clear text of a forged packet.
  std::ranges::fill(job.clear_part(), std::uint8_t{0});
  return false;
}

std::array<std::uint8_t, kLongestHash> full_mac(const OpensslContexts& contexts, const EspJob& job) {
  EVP_MAC_CTX* context = contexts.mac.get();
  std::array<std::uint8_t, kLongestHash> mac{};
  std::size_t size = 0;
  const ByteView covered = authenticated_part(job);
  require(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
          EVP_MAC_update(context, covered.data(), covered.size()) == 1);
  if (job.keys->extended_sequence()) {
    std::uint8_t high[4];
    store_u32(high, job.sequence_high);
    require(EVP_MAC_update(context, high, sizeof high) == 1);
  }
  require(EVP_MAC_final(context, mac.data(), &size, mac.size()) == 1);
  return mac;
}

void seal_separate(const OpensslContexts& contexts, const EspJob& job) {
  if (contexts.seal != nullptr) {
    set_iv(contexts.seal.get(), iv_of(job).data());
    run_in_place(contexts.seal.get(), job.clear_part());
  }
  if (contexts.mac == nullptr) return;
  const auto mac = full_mac(contexts, job);
  std::ranges::copy_n(mac.begin(), static_cast<std::ptrdiff_t>(icv_of(job).size()), icv_of(job).begin());
}

bool open_separate(const OpensslContexts& contexts, const EspJob& job) {
  if (contexts.mac != nullptr) {
    const auto mac = full_mac(contexts, job);
    if (!constant_time_equal(ByteView(mac).first(icv_of(job).size()), icv_of(job))) return false;
  }
  if (contexts.open != nullptr) {
    set_iv(contexts.open.get(), iv_of(job).data());
    run_in_place(contexts.open.get(), job.clear_part());
  }
  return true;
}

}  // namespace

OpensslKeys::OpensslKeys(const EspSuite& suite, const SecretBytes& cipher_key, const SecretBytes& integrity_key,
                         bool extended_sequence)
    : EspKeys(suite, EspBackend::kOpenssl, extended_sequence), cipher_key_(cipher_key), integrity_key_(integrity_key) {}

ByteView OpensslKeys::salt() const { return cipher_key_.view().last(info(suite().cipher).salt_size); }

OpensslContexts OpensslKeys::make_contexts() const {
  OpensslContexts contexts;
  if (suite().cipher != Cipher::kNull) {
    const SecretBytes key = openssl_cipher_key(suite().cipher, cipher_key_.view());
    contexts.seal = make_cipher(suite(), key, true);
    contexts.open = make_cipher(suite(), key, false);
  }
  if (suite().integrity != Integrity::kNone) contexts.mac = openssl_hmac(suite().integrity, integrity_key_.view());
  return contexts;
}

OpensslContexts& OpensslKeys::contexts_of(unsigned engine_index) const {
  auto& contexts = contexts_[engine_index];
  if (contexts == nullptr) contexts = std::make_unique<OpensslContexts>(make_contexts());
  return *contexts;
}

void OpensslBackend::seal(std::span<EspJob> jobs) {
  for (EspJob& job : jobs) {
    if (job.keys->backend() != EspBackend::kOpenssl) continue;
    const auto& keys = static_cast<const OpensslKeys&>(*job.keys);
    const OpensslContexts& contexts = keys.contexts_of(engine_index_);
    if (keys.suite().aead) {
      seal_aead(contexts, job, keys.salt());
    } else {
      seal_separate(contexts, job);
    }
    job.verdict = EspVerdict::kOk;
  }
}

void OpensslBackend::open(std::span<EspJob> jobs) {
  for (EspJob& job : jobs) {
    if (job.keys->backend() != EspBackend::kOpenssl || job.verdict != EspVerdict::kPending) continue;
    const auto& keys = static_cast<const OpensslKeys&>(*job.keys);
    const OpensslContexts& contexts = keys.contexts_of(engine_index_);
    const bool good = keys.suite().aead ? open_aead(contexts, job, keys.salt()) : open_separate(contexts, job);
    job.verdict = good ? EspVerdict::kOk : EspVerdict::kBadIcv;
  }
}

}  // namespace ipsec::driver

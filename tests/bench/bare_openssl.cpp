#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "services/common/crypto/openssl_handles.h"
#include "services/common/crypto/require.h"
#include "services/driver/crypto/esp_job_parts.h"
#include "tests/bench/bare_crypto.h"

namespace ipsec::bench {
namespace {

using driver::EspJob;

class OpensslWithKeyEachTime : public BareCrypto {
 public:
  OpensslWithKeyEachTime(bool aead, const SecretBytes& cipher_key, const SecretBytes& integrity_key)
      : aead_(aead), cipher_key_(cipher_key), integrity_key_(integrity_key) {}

  void seal(std::span<EspJob> jobs) override {
    for (EspJob& job : jobs) aead_ ? seal_aead(job) : seal_separate(job);
  }
  bool open(std::span<EspJob>) override { return false; }

 private:
  void seal_aead(EspJob& job) {
    const CipherContext context(EVP_CIPHER_CTX_new());
    const MutableByteView data = job.clear_part();
    std::array<std::uint8_t, 12> nonce{};
    std::copy_n(job.packet.begin() + driver::kEspHeaderSize, 8, nonce.begin() + 4);
    int written = 0;
    require(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, cipher_key_.view().data(), nonce.data()) ==
                1 &&
            EVP_EncryptUpdate(context.get(), nullptr, &written, job.packet.data(), 8) == 1 &&
            EVP_EncryptUpdate(context.get(), data.data(), &written, data.data(), static_cast<int>(data.size())) == 1 &&
            EVP_EncryptFinal_ex(context.get(), data.data(), &written) == 1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, driver::icv_of(job).data()) == 1);
  }

  void seal_separate(EspJob& job) {
    const CipherContext context(EVP_CIPHER_CTX_new());
    const MutableByteView data = job.clear_part();
    int written = 0;
    require(EVP_EncryptInit_ex(context.get(), EVP_aes_128_cbc(), nullptr, cipher_key_.view().data(),
                               driver::iv_of(job).data()) == 1 &&
            EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
            EVP_EncryptUpdate(context.get(), data.data(), &written, data.data(), static_cast<int>(data.size())) == 1);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac;
    const ByteView covered = driver::authenticated_part(job);
    require(HMAC(EVP_sha1(), integrity_key_.view().data(), static_cast<int>(integrity_key_.size()), covered.data(),
                 covered.size(), mac.data(), nullptr) != nullptr);
    std::copy_n(mac.begin(), driver::icv_of(job).size(), driver::icv_of(job).begin());
  }

  bool aead_;
  SecretBytes cipher_key_;
  SecretBytes integrity_key_;
};

}  // namespace

std::unique_ptr<BareCrypto> make_openssl_with_key_each_time(const driver::EspSuite& suite,
                                                            const SecretBytes& cipher_key,
                                                            const SecretBytes& integrity_key) {
  return std::make_unique<OpensslWithKeyEachTime>(suite.aead, cipher_key, integrity_key);
}

}  // namespace ipsec::bench

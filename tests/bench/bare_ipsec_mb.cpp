#include <array>
#include <vector>

#include "services/common/crypto/require.h"
#include "services/driver/crypto/esp_job_parts.h"
#include "services/driver/crypto/multi_buffer_keys.h"
#include "tests/bench/bare_crypto.h"

namespace ipsec::bench {
namespace {

using driver::EspJob;
using driver::MultiBufferKeys;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

class BareIpsecMb : public BareCrypto {
 public:
  BareIpsecMb(const driver::EspSuite& suite, const SecretBytes& cipher_key, const SecretBytes& integrity_key)
      : manager_(alloc_mb_mgr(0)) {
    init_mb_mgr_auto(manager_.get(), nullptr);
    keys_ = std::make_unique<MultiBufferKeys>(suite, cipher_key, integrity_key, false, manager_.get());
  }

  void seal(std::span<EspJob> jobs) override {
    if (keys_->suite().aead) {
      for (EspJob& job : jobs) direct(job, is_128() ? manager_->gcm128_enc : manager_->gcm256_enc);
    } else {
      run_jobs(jobs, IMB_DIR_ENCRYPT);
    }
  }

  bool open(std::span<EspJob> jobs) override {
    if (keys_->suite().aead) {
      for (EspJob& job : jobs) direct(job, is_128() ? manager_->gcm128_dec : manager_->gcm256_dec);
    } else {
      run_jobs(jobs, IMB_DIR_DECRYPT);
    }
    return true;
  }

 private:
  bool is_128() const { return keys_->suite().cipher == Cipher::kAes128Gcm; }

  void direct(EspJob& job, aes_gcm_enc_dec_t call) {
    const MutableByteView data = job.clear_part();
    std::array<std::uint8_t, 12> nonce{};
    std::copy_n(job.packet.begin() + driver::kEspHeaderSize, 8, nonce.begin() + 4);
    call(&keys_->gcm(), &context_, data.data(), data.data(), data.size(), nonce.data(), job.packet.data(), 8,
         driver::icv_of(job).data(), 16);
  }

  void run_jobs(std::span<EspJob> jobs, IMB_CIPHER_DIRECTION direction) {
    icvs_.resize(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      IMB_JOB& job = *IMB_GET_NEXT_JOB(manager_.get());
      const MutableByteView packet = jobs[i].packet;
      const driver::EspSuite& suite = keys_->suite();
      keys_->set_cipher(job, direction);
      keys_->set_integrity(job);
      job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
      job.src = packet.data();
      job.dst = packet.data() + suite.header_size();
      job.cipher_start_src_offset_in_bytes = suite.header_size();
      job.msg_len_to_cipher_in_bytes = packet.size() - suite.header_size() - suite.icv_size;
      job.iv = packet.data() + driver::kEspHeaderSize;
      job.iv_len_in_bytes = suite.iv_size;
      job.hash_start_src_offset_in_bytes = 0;
      job.msg_len_to_hash_in_bytes = packet.size() - suite.icv_size;
      job.auth_tag_output = icvs_[i].data();
      IMB_SUBMIT_JOB_NOCHECK(manager_.get());
    }
    while (IMB_FLUSH_JOB(manager_.get()) != nullptr) {
    }
  }

  std::unique_ptr<IMB_MGR, FreeManager> manager_;
  std::unique_ptr<MultiBufferKeys> keys_;
  gcm_context_data context_{};
  std::vector<std::array<std::uint8_t, 16>> icvs_;
};

}  // namespace

const char* ipsec_mb_version() { return imb_get_version_str(); }

std::unique_ptr<BareCrypto> make_bare_ipsec_mb(const driver::EspSuite& suite, const SecretBytes& cipher_key,
                                               const SecretBytes& integrity_key) {
  if (!driver::is_available(driver::EspBackend::kMultiBuffer)) return nullptr;
  return std::make_unique<BareIpsecMb>(suite, cipher_key, integrity_key);
}

}  // namespace ipsec::bench

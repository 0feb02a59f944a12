#include "services/driver/crypto/multi_buffer_backend.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "services/common/crypto/require.h"
#include "services/driver/crypto/esp_job_parts.h"
#include "services/driver/crypto/multi_buffer_keys.h"

namespace ipsec::driver {

namespace {

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

// Null where the library has only its emulation for CPUs without AES instructions: OpenSSL is faster there.
Manager make_manager() {
  Manager manager(alloc_mb_mgr(0));
  if (manager == nullptr) return nullptr;
  IMB_ARCH architecture = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &architecture);
  const bool usable =
      imb_get_errno(manager.get()) == 0 && architecture >= IMB_ARCH_SSE && (manager->features & IMB_FEATURE_AESNI) != 0;
  return usable ? std::move(manager) : nullptr;
}

// Only lends the functions that expand keys, which keep nothing in it; so threads share it.
IMB_MGR* key_manager() {
  static const Manager manager = make_manager();
  return manager.get();
}

class IntelBackend : public MultiBufferBackend {
 public:
  explicit IntelBackend(Manager manager) : manager_(std::move(manager)) {}

  void seal(std::span<EspJob> jobs) override {
    for_each_chunk(
        jobs, [this](EspJob& job) { seal_aead(job); }, [this] { seal_chunk(); });
  }

  void open(std::span<EspJob> jobs) override {
    for_each_chunk(
        jobs, [this](EspJob& job) { open_aead(job); }, [this] { open_chunk(); });
  }

 private:
  // A packet whose algorithms are separate, while the library works on it and on others side by side.
  struct Slot {
    EspJob* job;
    std::array<std::uint8_t, 32> computed;  // the ICV
    std::array<std::uint8_t, 32> received;
  };
  // As many as the library takes before it must give some back; larger batches gain nothing more.
  static constexpr std::size_t kChunk = IMB_MAX_BURST_SIZE;

  static const MultiBufferKeys& keys_of(const EspJob& job) { return static_cast<const MultiBufferKeys&>(*job.keys); }

  // AEAD packets go one by one, the others by chunks.
  template <typename Aead, typename Chunk>
  void for_each_chunk(std::span<EspJob> jobs, Aead aead, Chunk chunk) {
    for (EspJob& job : jobs) {
      if (job.keys->backend() != EspBackend::kMultiBuffer || job.verdict != EspVerdict::kPending) continue;
      if (job.keys->suite().aead) {
        aead(job);
        continue;
      }
      slots_[used_++].job = &job;
      if (used_ == kChunk) chunk();
    }
    if (used_ != 0) chunk();
  }

  void seal_aead(EspJob& job) {
    const MultiBufferKeys& keys = keys_of(job);
    const auto nonce = nonce_of(job, keys.salt());
    const EspAad aad = aad_of(job);
    const MutableByteView data = job.clear_part();
    const MutableByteView icv = icv_of(job);
    const auto encrypt = keys.suite().cipher == Cipher::kAes128Gcm   ? manager_->gcm128_enc
                         : keys.suite().cipher == Cipher::kAes192Gcm ? manager_->gcm192_enc
                                                                     : manager_->gcm256_enc;
    encrypt(&keys.gcm(), &gcm_, data.data(), data.data(), data.size(), nonce.data(), aad.bytes.data(), aad.size,
            icv.data(), icv.size());
    job.verdict = EspVerdict::kOk;
  }

  void open_aead(EspJob& job) {
    const MultiBufferKeys& keys = keys_of(job);
    const auto nonce = nonce_of(job, keys.salt());
    const EspAad aad = aad_of(job);
    const MutableByteView data = job.clear_part();
    std::array<std::uint8_t, 16> computed;
    const auto decrypt = keys.suite().cipher == Cipher::kAes128Gcm   ? manager_->gcm128_dec
                         : keys.suite().cipher == Cipher::kAes192Gcm ? manager_->gcm192_dec
                                                                     : manager_->gcm256_dec;
    decrypt(&keys.gcm(), &gcm_, data.data(), data.data(), data.size(), nonce.data(), aad.bytes.data(), aad.size,
            computed.data(), computed.size());
    job.verdict = constant_time_equal(computed, icv_of(job)) ? EspVerdict::kOk : EspVerdict::kBadIcv;
    // GCM decrypts while it checks: nobody may find clear text of a forged packet.
    if (job.verdict == EspVerdict::kBadIcv) std::ranges::fill(data, std::uint8_t{0});
  }

  void seal_chunk() {
    for (Slot& slot : used_slots()) {
      IMB_JOB& job = next_job(*slot.job);
      set_cipher(job, slot, IMB_DIR_ENCRYPT);
      set_integrity(job, slot);
      job.chain_order = IMB_ORDER_CIPHER_HASH;
      submit();
    }
    finish_all();
    for (Slot& slot : used_slots()) {
      copy_icv(slot.computed, *slot.job);
      slot.job->verdict = EspVerdict::kOk;
    }
    used_ = 0;
  }

  void open_chunk() {
    for (Slot& slot : used_slots()) {
      std::ranges::copy(icv_of(*slot.job), slot.received.begin());
      if (icv_of(*slot.job).empty()) continue;
      IMB_JOB& job = next_job(*slot.job);
      job.cipher_mode = IMB_CIPHER_NULL;
      job.cipher_direction = IMB_DIR_DECRYPT;
      job.chain_order = IMB_ORDER_HASH_CIPHER;
      set_integrity(job, slot);
      submit();
    }
    finish_all();
    for (Slot& slot : used_slots()) {
      const std::size_t size = icv_of(*slot.job).size();
      copy_icv(slot.received, *slot.job);  // the high half of the sequence number may have stood there
      const bool good = constant_time_equal(ByteView(slot.computed).first(size), ByteView(slot.received).first(size));
      slot.job->verdict = good ? EspVerdict::kOk : EspVerdict::kBadIcv;
      if (!good || slot.job->keys->suite().cipher == Cipher::kNull) continue;
      IMB_JOB& job = next_job(*slot.job);
      set_cipher(job, slot, IMB_DIR_DECRYPT);
      job.hash_alg = IMB_AUTH_NULL;
      job.chain_order = IMB_ORDER_HASH_CIPHER;
      submit();
    }
    finish_all();
    used_ = 0;
  }

  std::span<Slot> used_slots() { return std::span(slots_).first(used_); }

  static void copy_icv(const std::array<std::uint8_t, 32>& from, const EspJob& job) {
    const MutableByteView icv = icv_of(job);
    std::copy_n(from.begin(), icv.size(), icv.begin());
  }

  IMB_JOB& next_job(const EspJob& of) {
    IMB_JOB& job = *IMB_GET_NEXT_JOB(manager_.get());
    job.src = of.packet.data();
    return job;
  }

  static void set_cipher(IMB_JOB& job, const Slot& slot, IMB_CIPHER_DIRECTION direction) {
    const EspSuite& suite = slot.job->keys->suite();
    const MutableByteView data = slot.job->clear_part();
    keys_of(*slot.job).set_cipher(job, direction);
    job.dst = data.data();
    job.cipher_start_src_offset_in_bytes = suite.header_size();
    job.msg_len_to_cipher_in_bytes = data.size();
    job.iv = iv_of(*slot.job).data();
    job.iv_len_in_bytes = suite.iv_size;
  }

  static void set_integrity(IMB_JOB& job, Slot& slot) {
    const EspJob& of = *slot.job;
    keys_of(of).set_integrity(job);
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = authenticated_part(of).size();
    job.auth_tag_output = slot.computed.data();
    if (of.keys->extended_sequence() && of.keys->suite().icv_size != 0) {
      // The library hashes one piece of memory; the ICV is not there yet, or is kept in the slot.
      store_u32(icv_of(of).data(), of.sequence_high);
      job.msg_len_to_hash_in_bytes += 4;
    }
  }

  void submit() {
    ++submitted_;
    count(IMB_SUBMIT_JOB(manager_.get()));
  }

  void finish_all() {
    while (IMB_JOB* done = IMB_FLUSH_JOB(manager_.get())) count(done);
    // A job that was refused or lost would leave a packet in clear.
    require(finished_ == submitted_);
    submitted_ = finished_ = 0;
  }

  void count(const IMB_JOB* done) {
    if (done == nullptr) return;
    require(done->status == IMB_STATUS_COMPLETED);
    ++finished_;
  }

  Manager manager_;
  gcm_context_data gcm_{};
  std::array<Slot, kChunk> slots_;
  std::size_t used_ = 0;
  std::size_t submitted_ = 0;
  std::size_t finished_ = 0;
};

}  // namespace

bool multi_buffer_is_available() { return key_manager() != nullptr; }

std::unique_ptr<MultiBufferBackend> make_multi_buffer_backend() {
  Manager manager = make_manager();
  return manager == nullptr ? nullptr : std::make_unique<IntelBackend>(std::move(manager));
}

std::shared_ptr<const EspKeys> make_multi_buffer_keys(const EspSuite& suite, const SecretBytes& cipher_key,
                                                      const SecretBytes& integrity_key, bool extended_sequence) {
  return std::make_shared<MultiBufferKeys>(suite, cipher_key, integrity_key, extended_sequence, key_manager());
}

}  // namespace ipsec::driver

#include "services/driver/crypto/multi_buffer_backend.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <optional>

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
    bool encrypted;                         // its cipher is still to be run
    std::array<std::uint8_t, 32> computed;  // the ICV
    std::array<std::uint8_t, 32> received;  // kept while the high half of the sequence number stands in its place
  };
  // Fills the library's lanes four times over; larger batches gain nothing more.
  static constexpr std::size_t kChunk = 64;

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
    for (Slot& slot : used_slots()) slot.encrypted = slot.job->keys->suite().cipher != Cipher::kNull;
    run_ciphers(IMB_DIR_ENCRYPT);
    run_integrities([](Slot& slot) { return icv_of(*slot.job).data(); });
    for (Slot& slot : used_slots()) slot.job->verdict = EspVerdict::kOk;
    used_ = 0;
  }

  void open_chunk() {
    for (Slot& slot : used_slots()) {
      if (slot.job->keys->extended_sequence()) std::ranges::copy(icv_of(*slot.job), slot.received.begin());
    }
    run_integrities([](Slot& slot) { return slot.computed.data(); });
    for (Slot& slot : used_slots()) {
      const MutableByteView received = icv_of(*slot.job);
      if (slot.job->keys->extended_sequence()) std::copy_n(slot.received.begin(), received.size(), received.begin());
      const bool good = constant_time_equal(ByteView(slot.computed).first(received.size()), received);
      slot.job->verdict = good ? EspVerdict::kOk : EspVerdict::kBadIcv;
      slot.encrypted = good && slot.job->keys->suite().cipher != Cipher::kNull;
    }
    run_ciphers(IMB_DIR_DECRYPT);
    used_ = 0;
  }

  // The packets of one cipher together, whatever their SAs: each lane has its own key.
  void run_ciphers(IMB_CIPHER_DIRECTION direction) {
    for_each_algorithm(
        [](const Slot& slot) { return slot.encrypted ? std::optional(slot.job->keys->suite().cipher) : std::nullopt; },
        [direction](IMB_JOB& job, Slot& slot) { set_cipher(job, slot, direction); },
        [&](Cipher cipher, std::size_t count) {
          if (!is_aes(cipher)) return run_one_by_one(count);
          const auto key_size = static_cast<IMB_KEY_SIZE_BYTES>(info(cipher).key_size);
          require(IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager_.get(), jobs_.data(), static_cast<std::uint32_t>(count),
                                                  IMB_CIPHER_CBC, direction, key_size) == count);
        });
  }

  // `tag_of` says where the ICV of a slot goes.
  template <typename TagOf>
  void run_integrities(TagOf tag_of) {
    for_each_algorithm(
        [](const Slot& slot) {
          const Integrity integrity = slot.job->keys->suite().integrity;
          return integrity != Integrity::kNone ? std::optional(integrity) : std::nullopt;
        },
        [tag_of](IMB_JOB& job, Slot& slot) { set_integrity(job, *slot.job, tag_of(slot)); },
        [&](Integrity integrity, std::size_t count) {
          if (integrity == Integrity::kMd5) return run_one_by_one(count);
          require(IMB_SUBMIT_HASH_BURST_NOCHECK(manager_.get(), jobs_.data(), static_cast<std::uint32_t>(count),
                                                jobs_.front().hash_alg) == count);
        });
  }

  static bool is_aes(Cipher cipher) { return cipher != Cipher::kDes && cipher != Cipher::kTripleDes; }

  // Lays out the jobs of each algorithm that `algorithm_of` finds in the chunk, and runs them.
  template <typename AlgorithmOf, typename Fill, typename Run>
  void for_each_algorithm(AlgorithmOf algorithm_of, Fill fill, Run run) {
    using Algorithm = typename decltype(algorithm_of(slots_.front()))::value_type;
    std::uint32_t present = 0;
    for (const Slot& slot : used_slots()) {
      if (const auto algorithm = algorithm_of(slot)) present |= 1U << static_cast<unsigned>(*algorithm);
    }
    for (; present != 0; present &= present - 1) {
      const auto algorithm = static_cast<Algorithm>(std::countr_zero(present));
      std::size_t count = 0;
      for (Slot& slot : used_slots()) {
        if (algorithm_of(slot) == algorithm) fill(jobs_[count++], slot);
      }
      run(algorithm, count);
      // A job that was refused or lost would leave a packet in clear, or an ICV unchecked.
      for (const IMB_JOB& job : std::span(jobs_).first(count)) require((job.status & IMB_STATUS_COMPLETED) != 0);
    }
  }

  // For the algorithms that the library has no bursts for. On a manager of their own: one that has seen both has been
  // seen to give back fewer jobs than it took.
  void run_one_by_one(std::size_t count) {
    if (job_manager_ == nullptr) job_manager_ = make_manager();
    std::size_t finished = 0;
    const auto note = [&](const IMB_JOB* done) {
      if (done == nullptr) return false;
      static_cast<IMB_JOB*>(done->user_data)->status = done->status;
      ++finished;
      return true;
    };
    for (IMB_JOB& job : std::span(jobs_).first(count)) {
      job.user_data = &job;
      *IMB_GET_NEXT_JOB(job_manager_.get()) = job;
      note(IMB_SUBMIT_JOB(job_manager_.get()));
    }
    while (note(IMB_FLUSH_JOB(job_manager_.get()))) {
    }
    require(finished == count);
  }

  std::span<Slot> used_slots() { return std::span(slots_).first(used_); }

  static void set_cipher(IMB_JOB& job, const Slot& slot, IMB_CIPHER_DIRECTION direction) {
    const EspSuite& suite = slot.job->keys->suite();
    const MutableByteView data = slot.job->clear_part();
    keys_of(*slot.job).set_cipher(job, direction);
    job.hash_alg = IMB_AUTH_NULL;
    job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.src = slot.job->packet.data();
    job.dst = data.data();
    job.cipher_start_src_offset_in_bytes = suite.header_size();
    job.msg_len_to_cipher_in_bytes = data.size();
    job.iv = iv_of(*slot.job).data();
    job.iv_len_in_bytes = suite.iv_size;
    job.status = IMB_STATUS_BEING_PROCESSED;
  }

  static void set_integrity(IMB_JOB& job, const EspJob& of, std::uint8_t* tag) {
    keys_of(of).set_integrity(job);
    job.cipher_mode = IMB_CIPHER_NULL;
    job.cipher_direction = IMB_DIR_DECRYPT;
    job.chain_order = IMB_ORDER_HASH_CIPHER;
    job.src = of.packet.data();
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = authenticated_part(of).size();
    job.auth_tag_output = tag;
    job.status = IMB_STATUS_BEING_PROCESSED;
    if (of.keys->extended_sequence()) {
      // The library hashes one piece of memory and writes the ICV when it has; until then its place is free, or what
      // was received there is kept.
      store_u32(icv_of(of).data(), of.sequence_high);
      job.msg_len_to_hash_in_bytes += 4;
    }
  }

  Manager manager_;
  Manager job_manager_;  // null until it is needed
  gcm_context_data gcm_{};
  std::array<Slot, kChunk> slots_;
  std::size_t used_ = 0;
  std::array<IMB_JOB, kChunk> jobs_{};
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

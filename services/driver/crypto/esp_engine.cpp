#include "services/driver/crypto/esp_engine.h"

#include <cassert>

#include <fmt/format.h>

#include "services/driver/crypto/esp_job_parts.h"
#include "services/driver/crypto/iv_source.h"
#include "services/driver/crypto/multi_buffer_backend.h"
#include "services/driver/crypto/openssl_backend.h"

namespace ipsec::driver {

namespace {

Status check_key_size(std::string_view algorithm, std::size_t size, std::size_t expected) {
  if (size == expected) return {};
  return invalid(fmt::format("key of {}: {} octets instead of {}", algorithm, size, expected));
}

}  // namespace

struct EspEngine::Parts {
  Parts(unsigned index, RandomSource& random)
      : ivs(random), openssl(index), multi_buffer(make_multi_buffer_backend()) {}

  IvSource ivs;
  OpensslBackend openssl;
  std::unique_ptr<MultiBufferBackend> multi_buffer;  // null where this build or CPU has none
};

std::string_view name_of(EspBackend backend) { return backend == EspBackend::kOpenssl ? "OpenSSL" : "intel-ipsec-mb"; }

bool is_available(EspBackend backend) { return backend == EspBackend::kOpenssl || multi_buffer_is_available(); }

bool has_cipher(EspBackend backend, Cipher cipher) {
  return backend == EspBackend::kOpenssl || cipher != Cipher::kChacha20Poly1305;
}

Result<std::shared_ptr<const EspKeys>> make_esp_keys(Cipher cipher, Integrity integrity, const SecretBytes& cipher_key,
                                                     const SecretBytes& integrity_key, bool extended_sequence,
                                                     std::optional<EspBackend> backend) {
  IPSEC_ASSIGN_OR_RETURN(const EspSuite suite, EspSuite::of(cipher, integrity));
  IPSEC_RETURN_IF_ERROR(check_key_size(info(cipher).name, cipher_key.size(), suite.cipher_key_size));
  IPSEC_RETURN_IF_ERROR(check_key_size(info(integrity).name, integrity_key.size(), suite.integrity_key_size));
  const bool multi_buffer = multi_buffer_is_available() && has_cipher(EspBackend::kMultiBuffer, cipher);
  const EspBackend chosen = backend.value_or(multi_buffer ? EspBackend::kMultiBuffer : EspBackend::kOpenssl);
  if (!has_cipher(chosen, cipher)) {
    return unavailable(fmt::format("{} has no {} here; OpenSSL has", name_of(chosen), info(cipher).name));
  }
  if (!is_available(chosen)) return unavailable(fmt::format("{} is not available on this machine", name_of(chosen)));
  if (chosen == EspBackend::kMultiBuffer) {
    return make_multi_buffer_keys(suite, cipher_key, integrity_key, extended_sequence);
  }
  return std::shared_ptr<const EspKeys>(
      std::make_shared<OpensslKeys>(suite, cipher_key, integrity_key, extended_sequence));
}

EspEngine::EspEngine(unsigned index, RandomSource& random) : parts_(std::make_unique<Parts>(index, random)) {
  assert(index < kMaxEspEngines);
}

EspEngine::~EspEngine() = default;

void EspEngine::seal(std::span<EspJob> jobs) {
  for (EspJob& job : jobs) {
    const EspSuite& suite = job.keys->suite();
    assert(suite.fits(job.packet.size()));
    job.verdict = EspVerdict::kPending;
    if (suite.aead) {
      const std::uint64_t high = job.sequence_high;
      store_u64(iv_of(job).data(), job.iv_start + (high << 32 | load_u32(job.packet.data() + 4)));
    } else {
      parts_->ivs.fill(iv_of(job));
    }
  }
  if (parts_->multi_buffer != nullptr) parts_->multi_buffer->seal(jobs);
  parts_->openssl.seal(jobs);
}

void EspEngine::open(std::span<EspJob> jobs) {
  for (EspJob& job : jobs) {
    job.verdict = job.keys->suite().fits(job.packet.size()) ? EspVerdict::kPending : EspVerdict::kBadLength;
  }
  if (parts_->multi_buffer != nullptr) parts_->multi_buffer->open(jobs);
  parts_->openssl.open(jobs);
}

}  // namespace ipsec::driver

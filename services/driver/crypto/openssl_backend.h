#pragma once

#include <array>
#include <memory>
#include <span>

#include "services/common/crypto/openssl_handles.h"
#include "services/driver/crypto/esp_engine.h"

// The portable backend of esp_engine.h: one OpenSSL context per SA and worker, packet by packet.
namespace ipsec::driver {

// The contexts that one worker uses for one SA. Made when that worker first meets the SA.
struct OpensslContexts {
  CipherContext seal;
  CipherContext open;
  MacContext mac;
};

class OpensslKeys : public EspKeys {
 public:
  OpensslKeys(const EspSuite& suite, const SecretBytes& cipher_key, const SecretBytes& integrity_key,
              bool extended_sequence);

  // Touched by the engine of that index only, so there is no lock.
  OpensslContexts& contexts_of(unsigned engine_index) const;
  ByteView salt() const;

 private:
  OpensslContexts make_contexts() const;

  SecretBytes cipher_key_;
  SecretBytes integrity_key_;
  mutable std::array<std::unique_ptr<OpensslContexts>, kMaxEspEngines> contexts_;
};

// The jobs of other backends are passed over. IVs are written and lengths checked before.
class OpensslBackend {
 public:
  explicit OpensslBackend(unsigned engine_index) : engine_index_(engine_index) {}
  void seal(std::span<EspJob> jobs);
  void open(std::span<EspJob> jobs);

 private:
  unsigned engine_index_;
};

}  // namespace ipsec::driver

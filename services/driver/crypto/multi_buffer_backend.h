#pragma once

#include <memory>
#include <span>

#include "services/driver/crypto/esp_engine.h"

// The intel-ipsec-mb backend of esp_engine.h. A build without the library has the same functions and never the backend.
namespace ipsec::driver {

bool multi_buffer_is_available();

// The jobs of other backends are passed over. IVs are written and lengths checked before.
class MultiBufferBackend {
 public:
  virtual ~MultiBufferBackend() = default;
  virtual void seal(std::span<EspJob> jobs) = 0;
  virtual void open(std::span<EspJob> jobs) = 0;
};

// Null where the backend is not available.
std::unique_ptr<MultiBufferBackend> make_multi_buffer_backend();

// Requires the backend, and keys of the suite's sizes.
std::shared_ptr<const EspKeys> make_multi_buffer_keys(const EspSuite& suite, const SecretBytes& cipher_key,
                                                      const SecretBytes& integrity_key, bool extended_sequence);

}  // namespace ipsec::driver

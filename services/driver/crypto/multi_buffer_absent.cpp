#include <cassert>

#include "services/driver/crypto/multi_buffer_backend.h"

// Built where intel-ipsec-mb does not exist.
namespace ipsec::driver {

bool multi_buffer_is_available() { return false; }

std::unique_ptr<MultiBufferBackend> make_multi_buffer_backend() { return nullptr; }

std::shared_ptr<const EspKeys> make_multi_buffer_keys(const EspSuite&, const SecretBytes&, const SecretBytes&, bool) {
  assert(false && "no such backend");
  return nullptr;
}

}  // namespace ipsec::driver

#include "tests/bench/bare_crypto.h"

// Built where intel-ipsec-mb does not exist.
namespace ipsec::bench {

const char* ipsec_mb_version() { return "absent"; }

std::unique_ptr<BareCrypto> make_bare_ipsec_mb(const driver::EspSuite&, const SecretBytes&, const SecretBytes&) {
  return nullptr;
}

}  // namespace ipsec::bench

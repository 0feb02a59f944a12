#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/crypto/openssl_handles.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/driver/crypto/esp_engine.h"

namespace ipsec::driver {

// The integrity of AH (RFC 4302, 4543): an HMAC or GMAC over a packet in pieces. Immutable for its users, shared
// between workers, wiped when the last owner lets go.
class AhKeys {
 public:
  // Refuses kNone and keys of another size than the algorithm's (GMAC: with the salt, which comes last).
  static Result<std::shared_ptr<const AhKeys>> make(Integrity integrity, const SecretBytes& key);

  Integrity integrity() const { return integrity_; }
  // Octets of the ICV without padding; of GMAC with its IV.
  std::size_t icv_size() const { return info(integrity_).icv_size; }

  // Writes the ICV of the pieces, which follow one another, to `icv` (icv_size() octets). `sequence` is GMAC's IV and
  // must never repeat under one key. `engine_index` as EspEngine's: one thread each.
  void sign(unsigned engine_index, std::span<const ByteView> pieces, std::uint64_t sequence, MutableByteView icv) const;
  // In constant time. Requires icv_size() octets.
  bool verify(unsigned engine_index, std::span<const ByteView> pieces, ByteView icv) const;

 private:
  struct Contexts {
    MacContext mac;
    CipherContext gmac;
  };
  using Tag = std::array<std::uint8_t, 64>;

  AhKeys(Integrity integrity, const SecretBytes& key) : integrity_(integrity), key_(key) {}
  Contexts make_contexts() const;
  // Touched by the engine of that index only, so there is no lock.
  Contexts& contexts_of(unsigned engine_index) const;
  Tag hmac(Contexts& contexts, std::span<const ByteView> pieces) const;
  Tag gmac(Contexts& contexts, std::span<const ByteView> pieces, ByteView iv) const;

  Integrity integrity_;
  SecretBytes key_;
  mutable std::array<std::unique_ptr<Contexts>, kMaxEspEngines> contexts_;
};

}  // namespace ipsec::driver

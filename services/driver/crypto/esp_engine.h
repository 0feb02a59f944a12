#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "services/common/bytes.h"
#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/driver/crypto/esp_suite.h"

// ESP cryptography over batches of packets of any SAs. The keys of an SA are expanded once; which library does its work
// is chosen then. Packets are changed in place, nothing is allocated per packet.
namespace ipsec::driver {

// kMultiBuffer is intel-ipsec-mb: x86-64 with AES instructions only. kOpenssl does every suite everywhere.
enum class EspBackend : std::uint8_t { kOpenssl, kMultiBuffer };
std::string_view name_of(EspBackend backend);

// Whether this build and this CPU have the backend.
bool is_available(EspBackend backend);
// Whether the backend, where it is available, has this cipher (with every integrity).
bool has_cipher(EspBackend backend, Cipher cipher);

// The threads that may have an engine each (EspEngine's index): workers, and those that help them. More cores than this
// are left to other SAs' workers.
inline constexpr unsigned kMaxEspWorkers = 64;
inline constexpr unsigned kMaxEspHelpers = 16;
inline constexpr unsigned kMaxEspEngines = kMaxEspWorkers + kMaxEspHelpers;

// The expanded keys of one SA in one direction or both. Immutable for its users, shared between workers, wiped when the
// last owner lets go. Destroy it only when no engine works on a job that names it.
class EspKeys {
 public:
  virtual ~EspKeys() = default;
  EspKeys(const EspKeys&) = delete;
  EspKeys& operator=(const EspKeys&) = delete;

  const EspSuite& suite() const { return suite_; }
  EspBackend backend() const { return backend_; }
  // Whether ICVs cover the high half of a 64-bit sequence number (RFC 4303 section 2.2.1).
  bool extended_sequence() const { return extended_sequence_; }

 protected:
  EspKeys(const EspSuite& suite, EspBackend backend, bool extended_sequence)
      : suite_(suite), backend_(backend), extended_sequence_(extended_sequence) {}

 private:
  EspSuite suite_;
  EspBackend backend_;
  bool extended_sequence_;
};

// Refuses a suite that EspSuite::of refuses, keys of other sizes than the suite's, and a named backend that is not
// available. Without a name the fastest available one is taken.
Result<std::shared_ptr<const EspKeys>> make_esp_keys(Cipher cipher, Integrity integrity, const SecretBytes& cipher_key,
                                                     const SecretBytes& integrity_key, bool extended_sequence = false,
                                                     std::optional<EspBackend> backend = std::nullopt);

enum class EspVerdict : std::uint8_t {
  kPending,    // before seal or open
  kOk,         // sealed; or opened: the encrypted part is clear text now
  kBadLength,  // open only: too short, too long, or not whole blocks
  kBadIcv,     // open only: forged or damaged; the encrypted part must not be used (it may hold zeros)
};

// One packet. Borrowed memory: packet and keys stay while seal or open runs.
struct EspJob {
  const EspKeys* keys = nullptr;
  // From the SPI to the end of the ICV. For seal: SPI, sequence number, payload, padding, pad length and next header
  // are written, the IV and the ICV are room.
  MutableByteView packet;
  // High half of the sequence number; 0 without extended_sequence.
  std::uint32_t sequence_high = 0;
  // Added to the sequence number, makes an AEAD's IV. One value for each SA; for seal only.
  std::uint64_t iv_start = 0;
  EspVerdict verdict = EspVerdict::kPending;

  // The part that was encrypted, trailer included. Requires a packet that fits the suite.
  MutableByteView clear_part() const { return keys->suite().encrypted_part(packet); }
};

// One per worker thread and used by that thread only; engines of different index run at the same time on the same keys.
class EspEngine {
 public:
  // `index` < kMaxEspEngines, unique among the engines alive. `random` seeds the IVs and is used here only.
  EspEngine(unsigned index, RandomSource& random);
  ~EspEngine();
  EspEngine(const EspEngine&) = delete;
  EspEngine& operator=(const EspEngine&) = delete;

  // Writes IV and ICV and encrypts. Every verdict is kOk afterwards. Requires packets that fit their suites
  // (assertion). CBC gets an unpredictable IV; GCM's is the 64-bit sequence number after iv_start, which must never
  // repeat under one key: an SA's counter may not wrap, whatever its anti-replay setting (RFC 4106 section 3.1).
  void seal(std::span<EspJob> jobs);

  // Checks the ICV in constant time and decrypts what is good.
  void open(std::span<EspJob> jobs);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/crypto/dh.h"
#include "services/common/crypto/random.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/ike/core/events.h"
#include "services/ike/core/failure.h"
#include "services/ike/core/policy.h"

// All that the engine can ask of its shell. The shell performs them in the order given. Requests carry an id that their
// answering event repeats; an id is never used twice by one engine.
namespace ipsec::ike {

// `bytes` is the ISAKMP message; on port 4500 the shell puts the non-ESP marker in front.
struct SendDatagram {
  Endpoint local;
  Endpoint peer;
  Bytes bytes;
};

// Answer: SpiReserved or SpiReservationFailed.
struct ReserveSpi {
  std::uint64_t request_id = 0;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress local;
  IpAddress peer;
};

// Field for field proto/driver.proto Sa.
struct SaParameters {
  std::uint32_t spi = 0;
  Direction direction = Direction::kInbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  Encapsulation encapsulation = Encapsulation::kTransport;
  IpAddress source;  // outer addresses
  IpAddress destination;
  Selector selector;            // in this SA's direction
  std::uint64_t filter_id = 0;  // of this direction; 0: none
  Cipher cipher = Cipher::kNull;
  Integrity integrity = Integrity::kNone;
  SecretBytes encryption_key;  // salt appended for AEAD
  SecretBytes integrity_key;
  std::uint32_t replay_window = 0;       // packets; 0: the driver's default
  std::uint32_t lifetime_seconds = 0;    // 0: none
  std::uint64_t lifetime_kilobytes = 0;  // 0: none
  std::uint32_t pair_spi = 0;
  std::uint32_t replaces_spi = 0;  // outbound SA this one takes over from; 0: none
  std::uint64_t main_mode_id = 0;
  DhGroup pfs_group = DhGroup::kNone;
  std::string rule_name;
  std::string quick_mode_policy;
  bool initiator = false;
};

// Answer: SaInstalled or SaInstallFailed.
struct InstallSa {
  std::uint64_t request_id = 0;
  SaParameters sa;
};

// No answer. Also frees an SPI that was only reserved (inbound).
struct DeleteSa {
  std::uint32_t spi = 0;
  Direction direction = Direction::kInbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress peer;
};

struct AcquireFailed {
  std::uint64_t acquire_id = 0;
  FailureReason reason = FailureReason::kNoMainModeFilter;
  std::string text;
};

enum class Severity : std::uint8_t { kInformation = 1, kWarning = 2, kError = 3 };
// `name` is stable; a failed negotiation has name(FailureReason). Fields repeat the facts of the text for machines.
struct ReportEvent {
  std::string name;
  Severity severity = Severity::kInformation;
  std::string text;
  std::map<std::string, std::string> fields;
};

// Long arithmetic that a shell may run on a pool. Answer: DhComputed, made by compute_dh().
struct ComputeDh {
  std::uint64_t request_id = 0;
  DhGroup group = DhGroup::kNone;
  std::shared_ptr<const DhKeyPair> own;  // null: make a pair first
  Bytes peer_public;                     // empty: no shared secret wanted yet
};

// The work itself; needs nothing of the engine, so that any thread may run it.
DhComputed compute_dh(const ComputeDh& request, RandomSource& random);

using Action = std::variant<SendDatagram, ReserveSpi, InstallSa, DeleteSa, AcquireFailed, ReportEvent, ComputeDh>;
using Actions = std::vector<Action>;

}  // namespace ipsec::ike

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
#include "services/ike/certificates/claims.h"
#include "services/ike/core/events.h"
#include "services/ike/core/failure.h"
#include "services/ike/core/log.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/sa_parameters.h"

// All that the engine can ask of its shell. The shell performs them in the order given. Requests carry an id that their
// answering event repeats; an id is never used twice by one engine.
namespace ipsec::ike {

// `bytes` is the ISAKMP message; on port 4500 the shell puts the non-ESP marker in front.
struct SendDatagram {
  Endpoint local;
  Endpoint peer;
  Bytes bytes;
};

// One octet 0xff from port 4500 (RFC 3948 section 2.3), so that a translator keeps its mapping.
struct SendKeepAlive {
  Endpoint local;
  Endpoint peer;
};

// Answer: SpiReserved or SpiReservationFailed.
struct ReserveSpi {
  std::uint64_t request_id = 0;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress local;
  IpAddress peer;
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

// No answer. The peer of this inbound SA, which is in UDP, has proven that it is at another port now.
struct MovePeer {
  std::uint32_t spi = 0;
  std::uint16_t port = 0;
};

struct AcquireFailed {
  std::uint64_t acquire_id = 0;
  FailureReason reason = FailureReason::kNoMainModeFilter;
  std::string text;
};

// A peer asks to protect this traffic of ours, which no filter has, and the default response rule may answer: the agent
// is asked for a dynamic filter. Answer: a policy that has it, or FilterDeclined.
struct AskForFilter {
  IpAddress local;
  IpAddress peer;
  Selector outbound;  // seen from this host
};

enum class Severity : std::uint8_t { kInformation = 1, kWarning = 2, kError = 3 };
// `name` is stable; a failed negotiation has name(FailureReason). Fields repeat the facts of the text for machines.
struct ReportEvent {
  std::string name;
  Severity severity = Severity::kInformation;
  std::string text;
  std::map<std::string, std::string> fields;
};

// A line of the log of negotiations. Only where the policy's levels ask for it. No secrets.
struct WriteLog {
  LogCategory category = LogCategory::kMainMode;
  std::string text;
};

// The key of a main mode's messages, for an administrator who exports keys (Engine::tell_keys). Secret.
struct TellMainModeKey {
  std::uint64_t initiator_cookie = 0;
  SecretBytes key;
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

// Authentication by certificate: long arithmetic, and revocation lists that may have to be fetched, which takes 15 s at
// most (CRL-06). Answers: IdentityProven and PeerVerified. Both requests hold secrets.
struct ProveIdentity {
  std::uint64_t request_id = 0;
  ProofRequest request;
};
struct VerifyPeer {
  std::uint64_t request_id = 0;
  PeerClaim claim;
};

using Action = std::variant<SendDatagram, SendKeepAlive, ReserveSpi, InstallSa, DeleteSa, MovePeer, AcquireFailed,
                            AskForFilter, ReportEvent, WriteLog, TellMainModeKey, ComputeDh, ProveIdentity, VerifyPeer>;
using Actions = std::vector<Action>;

}  // namespace ipsec::ike

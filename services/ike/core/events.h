#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/common/crypto/dh.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/ike/certificates/claims.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/sa_parameters.h"

// All that can happen to the engine, besides a new policy and the passing of time.
namespace ipsec::ike {

// One UDP datagram. `bytes` is the ISAKMP message alone: on port 4500 the shell has removed the non-ESP marker.
struct DatagramReceived {
  Endpoint local;
  Endpoint peer;
  Bytes bytes;
};

// The driver holds a packet for which it has no SA (proto Acquire). Answered by InstallSa of an outbound SA with this
// filter_id, or by AcquireFailed.
struct AcquireRequested {
  std::uint64_t acquire_id = 0;
  std::uint64_t filter_id = 0;
  FiveTuple packet;
  IpAddress local;
  IpAddress peer;
};

enum class RekeyReason : std::uint8_t { kSeconds = 1, kKilobytes = 2, kSequence = 3 };
// The outbound SA `spi` to `peer` nears its end (proto RekeyNeeded).
struct RekeyRequested {
  std::uint32_t spi = 0;
  IpAddress peer;
  std::uint64_t filter_id = 0;
  RekeyReason reason = RekeyReason::kSeconds;
};

enum class SaEndReason : std::uint8_t { kLifetime = 1, kIdle = 2, kPolicy = 3 };
// The driver has removed this SA by itself.
struct SaEnded {
  std::uint32_t spi = 0;
  Direction direction = Direction::kInbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress peer;
  SaEndReason reason = SaEndReason::kLifetime;
};

// The driver has had a packet that verified from another port of the peer, or a translator in front of it.
struct PeerMoved {
  std::uint32_t spi = 0;  // inbound
  std::uint16_t old_port = 0;
  std::uint16_t new_port = 0;
};

// An ICMP error has come for a datagram of ours. It may be forged: it ends nothing and is only told.
struct PeerUnreachable {
  IpAddress peer;
  IpAddress reporter;     // who says so
  std::uint8_t type = 0;  // of ICMP, or of ICMPv6 where the address is one
  std::uint8_t code = 0;
};

// Answers to ReserveSpi and InstallSa of actions.h: each request is answered once. `text` is the driver's reason.
struct SpiReserved {
  std::uint64_t request_id = 0;
  std::uint32_t spi = 0;
};
struct SpiReservationFailed {
  std::uint64_t request_id = 0;
  std::string text;
};
struct SaInstalled {
  std::uint64_t request_id = 0;
};
struct SaInstallFailed {
  std::uint64_t request_id = 0;
  std::string text;
};

// Answer to ComputeDh; made by compute_dh(). `secret` is empty where no peer value was given.
struct DhComputed {
  std::uint64_t request_id = 0;
  std::shared_ptr<const DhKeyPair> own;
  Result<SecretBytes> secret = SecretBytes();
};

// Answer to ProveIdentity, and to VerifyPeer; made by prove() and verify_peer() of certificates/authentication.h.
struct IdentityProven {
  std::uint64_t request_id = 0;
  std::variant<Proof, Refusal> result;
};
struct PeerVerified {
  std::uint64_t request_id = 0;
  std::variant<ProvenPeer, Refusal> result;
};

// The certificates of this computer were read, at the start or anew.
struct CertificatesChanged {
  CertificateSummary summary;
};

// The driver has started anew: every SA it had is gone, every request to it is unanswered for ever.
struct DriverRestarted {};

// The SAs that the driver had when this engine first met it: those of an IKE service that ended without a word. Without
// keys. They are taken over: renewed, ended and told of like those made here.
struct DriverSasFound {
  std::vector<SaParameters> sas;
};

// What the driver can carry besides plain ESP. Until it has said so: nothing.
struct DriverCapable {
  bool ah = false;
  bool udp_encapsulation = false;
  friend bool operator==(const DriverCapable&, const DriverCapable&) = default;
};

// The agent listens anew: what is asked of it must be asked again.
struct AgentListens {};

// The agent's answer to AskForFilter where it makes no filter. `text` says why, for people.
struct FilterDeclined {
  IpAddress local;
  IpAddress peer;
  Selector outbound;
  std::string text;
};

// An administrator's request: end the main mode SAs with `peer` (absent: with everybody).
struct DeleteRequested {
  std::optional<IpAddress> peer;
  bool quick_mode_too = false;
};

using Event = std::variant<DatagramReceived, AcquireRequested, RekeyRequested, SaEnded, PeerMoved, PeerUnreachable,
                           SpiReserved, SpiReservationFailed, SaInstalled, SaInstallFailed, DhComputed, IdentityProven,
                           PeerVerified, CertificatesChanged, DriverRestarted, DriverSasFound, DriverCapable,
                           AgentListens, FilterDeclined, DeleteRequested>;

}  // namespace ipsec::ike

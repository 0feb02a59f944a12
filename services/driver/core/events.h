#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "services/common/address.h"
#include "services/common/selector.h"
#include "services/driver/core/path_mtu.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/trace.h"
#include "services/driver/core/verdict.h"

// What the driver asks of IKE and tells the administrator. Values: they outlive the call that made them.
// proto/driver.proto says the meaning of the fields of Acquire, RekeyNeeded, SaEnded and PeerMoved.
namespace ipsec::driver {

enum class SecurityProtocol : std::uint8_t { kAh = 2, kEsp = 3 };  // RFC 2407 4.4.1

struct Acquire {
  std::uint64_t acquire_id = 0;
  std::uint64_t filter_id = 0;
  FiveTuple packet;
  IpAddress local;
  IpAddress peer;
  friend bool operator==(const Acquire&, const Acquire&) = default;
};

enum class RekeyReason : std::uint8_t { kSeconds, kKilobytes, kSequence };

struct RekeyNeeded {
  std::uint32_t spi = 0;  // outbound
  IpAddress peer;
  std::uint64_t filter_id = 0;
  RekeyReason reason = RekeyReason::kSeconds;
  friend bool operator==(const RekeyNeeded&, const RekeyNeeded&) = default;
};

enum class SaEndReason : std::uint8_t { kLifetime, kIdle, kPolicy };

struct SaEnded {
  std::uint32_t spi = 0;
  Direction direction = Direction::kOutbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress peer;
  SaEndReason reason = SaEndReason::kLifetime;
  friend bool operator==(const SaEnded&, const SaEnded&) = default;
};

// A verdict worth an administrator's attention. Name and text come from info(verdict).
struct AuditEvent {
  Verdict verdict{};
  FiveTuple packet;
  std::uint32_t spi = 0;         // 0: none
  std::uint64_t sequence = 0;    // of AH or ESP; 0: none
  std::uint64_t filter_id = 0;   // 0: none
  std::uint64_t suppressed = 0;  // events of this verdict left out since the last one of this worker
};

struct PeerMoved {
  std::uint32_t spi = 0;  // inbound
  IpAddress peer;
  std::uint16_t old_port = 0;
  std::uint16_t new_port = 0;
  friend bool operator==(const PeerMoved&, const PeerMoved&) = default;
};

// The packets of an SA with this peer are smaller from now on. Once for each step down, and there are few.
struct PathMtuLowered {
  IpAddress peer;
  std::uint16_t mtu = 0;  // octets of the packets around
  PathMtuSource source = PathMtuSource::kRouter;
  friend bool operator==(const PathMtuLowered&, const PathMtuLowered&) = default;
};

// Nobody makes a successor of a manual SA but the administrator: it nears its end, or has reached it.
struct ManualSaLimit {
  std::uint32_t spi = 0;
  Direction direction = Direction::kOutbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress peer;
  RekeyReason reason = RekeyReason::kSeconds;
  bool reached = false;
  friend bool operator==(const ManualSaLimit&, const ManualSaLimit&) = default;
};

using DriverEvent =
    std::variant<Acquire, RekeyNeeded, SaEnded, PeerMoved, PathMtuLowered, ManualSaLimit, AuditEvent, PacketTrace>;

}  // namespace ipsec::driver

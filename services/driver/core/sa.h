#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/events.h"
#include "services/driver/core/policy.h"

// One security association: parameters that never change, and the few numbers that workers change.
namespace ipsec::driver {

enum class Encapsulation : std::uint8_t { kTunnel = 1, kTransport = 2 };

// As message Sa of proto/driver.proto.
struct SaParameters {
  std::uint32_t spi = 0;  // host order
  Direction direction = Direction::kOutbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  Encapsulation encapsulation = Encapsulation::kTransport;
  IpAddress source;  // outer addresses of the packets that carry it
  IpAddress destination;
  Selector selector;  // traffic in this SA's direction
  std::uint64_t filter_id = 0;
  Cipher cipher = Cipher::kNull;
  Integrity integrity = Integrity::kNone;
  SecretBytes encryption_key;  // with the salt appended for AEAD
  SecretBytes integrity_key;
  std::uint32_t replay_window = 0;     // packets; 0: limits::kDefaultReplayWindow
  std::uint32_t lifetime_seconds = 0;  // hard; 0: none
  std::uint64_t lifetime_kilobytes = 0;
  std::uint32_t pair_spi = 0;
  std::uint32_t replaces_spi = 0;
  std::uint64_t main_mode_id = 0;
  std::uint32_t pfs_group = 0;
  std::string rule_name;
  std::string quick_mode_policy;
  bool initiator = false;

  const IpAddress& peer() const { return direction == Direction::kOutbound ? destination : source; }
};

// For listings; without keys.
struct SaStatus {
  SaParameters sa;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of the packets before ESP
  Duration age{};
  Duration idle{};
  bool soft_expired = false;
  bool dying = false;
};

class Sa;  // sad.h makes them, workers use them through Tables

}  // namespace ipsec::driver

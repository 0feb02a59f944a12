#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/ike/core/policy.h"

namespace ipsec::ike {

// One SA of the driver: field for field proto/driver.proto Sa.
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
  bool soft = false;  // no keys: packets of the selector pass in clear (SFT-01)
  // ESP in UDP between these ports (RFC 3948); 0: plain ESP.
  std::uint16_t udp_local_port = 0;
  std::uint16_t udp_peer_port = 0;
  // In UDP and transport mode: both ends as the peer sees them, to mend checksums that cover addresses.
  std::optional<IpAddress> original_local;
  std::optional<IpAddress> original_peer;
};

}  // namespace ipsec::ike

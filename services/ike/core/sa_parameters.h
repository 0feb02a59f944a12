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

// The SPIs of one direction of a protection suite, host order; 0: no such SA.
struct SuiteSpis {
  std::uint32_t esp = 0;
  std::uint32_t ah = 0;

  // By which the driver, and everybody who asks it, knows the SA: that of ESP where there is ESP.
  std::uint32_t name() const { return esp != 0 ? esp : ah; }
  SecurityProtocol protocol() const { return esp != 0 ? SecurityProtocol::kEsp : SecurityProtocol::kAh; }
  std::uint32_t& of(SecurityProtocol which) { return which == SecurityProtocol::kEsp ? esp : ah; }
  std::uint32_t of(SecurityProtocol which) const { return which == SecurityProtocol::kEsp ? esp : ah; }
  bool has(std::uint32_t spi) const { return spi != 0 && (spi == esp || spi == ah); }
  friend bool operator==(const SuiteSpis&, const SuiteSpis&) = default;
};

// AH around ESP: both are one SA of the driver, under the SPI of ESP.
struct AroundEsp {
  std::uint32_t spi = 0;
  Integrity integrity = Integrity::kSha1;
  SecretBytes key;
};

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
  std::optional<AroundEsp> ah;           // with protocol ESP only
  bool extended_sequence = false;        // 64-bit sequence numbers (RFC 4304)
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

  SuiteSpis spis() const {
    if (protocol == SecurityProtocol::kAh) return {0, spi};
    return {spi, ah ? ah->spi : 0};
  }
};

}  // namespace ipsec::ike

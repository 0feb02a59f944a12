#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/policyagent/core/compiled_policy.h"

namespace ipsec::agent {

// One direction of a pair that an administrator keys by hand (ARC-09). Fields mean what AddManualSaRequest of
// proto/policyagent.proto says.
struct ManualSa {
  Direction direction = Direction::kOutbound;
  Selector traffic;
  bool tunnel = false;
  IpAddress source;  // outer addresses
  IpAddress destination;
  std::uint32_t spi = 0;
  std::uint32_t ah_spi = 0;
  std::optional<Cipher> cipher;  // of ESP; absent: AH alone
  Integrity integrity = Integrity::kNone;
  std::optional<Integrity> ah;
  SecretBytes encryption_key;
  SecretBytes integrity_key;
  SecretBytes ah_key;
  bool extended_sequence = false;
  std::uint32_t replay_window = 0;
  std::uint32_t lifetime_seconds = 0;
  std::uint64_t lifetime_kilobytes = 0;

  bool is_bundle() const { return cipher && ah; }
  const IpAddress& peer() const { return direction == Direction::kOutbound ? destination : source; }
};

// `field` is the parameter of netsh that is wrong; `text` says what would be accepted, and holds no key.
struct ManualSaComplaint {
  std::string field;
  std::string text;
};
// What is wrong with it: all of it. `others` are those in force; two with one key
// for a counter mode are refused, because the two ends of a pair would then repeat IVs under it (RFC 4106 section 3.1).
std::vector<ManualSaComplaint> check(const ManualSa& sa, std::span<const ManualSa* const> others);

// What the agent remembers of one that it has given to the driver.
struct ManualSaUse {
  Timestamp added;
  std::uint64_t last_sequence = 0;  // as SaStatus of proto/driver.proto; when the driver was asked last
  std::uint64_t bytes = 0;
};
// How it goes on in a driver that does not know it. nullopt: its lifetime or its sequence numbers are over.
struct ManualSaRest {
  std::uint64_t last_sequence = 0;
  std::uint32_t lifetime_seconds = 0;
  std::uint64_t lifetime_kilobytes = 0;
  friend bool operator==(const ManualSaRest&, const ManualSaRest&) = default;
};
std::optional<ManualSaRest> rest_of(const ManualSa& sa, const ManualSaUse& use, Timestamp now);

}  // namespace ipsec::agent

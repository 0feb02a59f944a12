#pragma once

#include <cstdint>
#include <map>

#include "services/common/address.h"
#include "services/ike/core/main_mode_sa.h"

namespace ipsec::ike {

// A soft SA on its way into the driver: SPI, inbound half, outbound half.
struct SoftSaAttempt {
  QuickModeWish wish;
  std::uint32_t lifetime_seconds = 0;
  std::uint32_t inbound_spi = 0;  // 0: not reserved yet
  std::uint32_t outbound_spi = 0;
  bool inbound_installed = false;
};

// One that is in the driver: enough to end both halves together.
struct SoftSaPair {
  std::uint32_t outbound_spi = 0;
  IpAddress peer;
};

// Bounded by the driver: attempts by the acquires that may wait, pairs by the number of soft SAs that it takes.
struct SoftSaTable {
  std::uint64_t next_attempt = 1;
  std::map<std::uint64_t, SoftSaAttempt> attempts{};
  std::map<std::uint32_t, SoftSaPair> by_inbound{};
};

}  // namespace ipsec::ike

#pragma once

#include <cstdint>

#include "services/driver/core/ip.h"
#include "services/driver/core/tables.h"
#include "services/driver/core/verdict.h"

namespace ipsec::driver {

// The last look at a packet that is about to pass in clear, from the host or to it: whether what the path has found
// agrees with the policy. It knows the path's conclusion only, not how it was come to, and asks the policy by itself.
// It always agrees, unless the driver has a fault; then the packet is dropped and counted (outbound_against_policy,
// inbound_against_policy). One thread.
class LastLook {
 public:
  struct Conclusion {
    Direction direction{};
    Verdict verdict{};
    const Filter* filter = nullptr;  // the one that decided; null: none matched, or none was asked
  };
  bool agrees(const Conclusion& conclusion, const PacketView& packet, const Tables& tables);

 private:
  std::uint32_t until_lookup_ = 0;
};

}  // namespace ipsec::driver

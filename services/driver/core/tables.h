#pragma once

#include <cstdint>
#include <memory>

#include "services/driver/core/policy.h"

// The snapshot that workers read: policy, SAs and link settings, immutable but for the counters, sequence numbers and
// replay windows inside the SAs. Control makes a new one for every change; it lives as long as someone holds it.
namespace ipsec::driver {

class Tables;
using TablesPointer = std::shared_ptr<const Tables>;

}  // namespace ipsec::driver

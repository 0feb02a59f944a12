#pragma once

#include <cstdint>

#include "services/policyagent/core/host_addresses.h"
#include "store/model.h"

// Whether two things compile to the same: equal ones have equal fingerprints, and different ones differ but for one in
// 2^64. For one process: the next one counts differently. Descriptions and dates do not count.
namespace ipsec::agent {

using Fingerprint = std::uint64_t;

Fingerprint fingerprint(const std::vector<store::Filter>& filters);
Fingerprint fingerprint(const store::FilterAction& action);
// Without what it refers to.
Fingerprint fingerprint(const store::Rule& rule);
Fingerprint fingerprint(const HostAddresses& host);

}  // namespace ipsec::agent

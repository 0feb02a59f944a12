#pragma once

#include <cstdint>
#include <vector>

#include "services/common/bytes.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/ip.h"

namespace ipsec::driver {

// Cuts a whole IP packet into fragments of at most `mtu` octets (RFC 791 3.2, RFC 8200 4.5), in order, into the arena.
// IPv4 keeps its identification, IPv6 gets a fragment header with `id`. A packet that fits becomes one piece without
// change. False: it cannot be done (an IPv6 packet that has a fragment header already, headers that leave no room).
bool fragment(const PacketView& packet, std::size_t mtu, std::uint32_t id, Arena& arena,
              std::vector<MutableByteView>& fragments);

}  // namespace ipsec::driver

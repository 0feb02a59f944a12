#pragma once

#include <string_view>
#include <vector>

#include "services/common/selector.h"

// Who administers this host over the network now: its established connections to port 22.
namespace ipsec::agent {

// Of /proc/net/tcp and tcp6 (proc(5)); empty where they cannot be read. As packets that come in.
std::vector<FiveTuple> ssh_sessions();

// The same of the text of such a file. Lines that are not of its form are left out. IPv4 addresses in IPv6 notation
// (::ffff:a.b.c.d) are IPv4. Pure.
std::vector<FiveTuple> parse_ssh_sessions(std::string_view text);

}  // namespace ipsec::agent

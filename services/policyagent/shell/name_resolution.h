#pragma once

#include <string>
#include <vector>

#include "services/common/address.h"

namespace ipsec::agent {

// What the system's resolver knows of the name, each address once, at most as many as a stored filter holds; empty
// where it knows none. May wait for a DNS server.
std::vector<IpAddress> resolve_name(const std::string& name);

}  // namespace ipsec::agent

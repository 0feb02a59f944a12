#pragma once

#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/policyagent/core/host_names.h"

namespace ipsec::agent {

// What the system's resolver knows of the name, each address once, at most as many as a stored filter holds; empty
// where it knows none. May wait for a DNS server.
std::vector<IpAddress> resolve_name(const std::string& name);

// The same with the lifetime that a DNS server gives, where one knows the name.
NameAnswer look_up_name(const std::string& name);

// The shortest lifetime of the records in the answer section of a DNS message (RFC 1035 4.1); nothing where there is
// none, or the message is malformed.
std::optional<Duration> shortest_lifetime(ByteView message);

}  // namespace ipsec::agent

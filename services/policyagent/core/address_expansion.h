#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/policyagent/core/host_addresses.h"
#include "services/policyagent/core/local_addresses.h"
#include "store/model.h"

namespace ipsec::agent {

struct ExpandedAddress {
  std::vector<AddressRange> ranges;  // in the order found, each once
  std::string complaint;             // why `ranges` is empty or short; empty: nothing to complain about
};

// Makes one side of a written filter concrete. Me: the addresses of the connection type's interfaces. Any: the whole
// range of each family. Server keywords: what the host knows. Profile windows2003 keeps IPv4 only.
ExpandedAddress expand(const store::FilterAddress& address, const HostAddresses& host, const LocalAddresses& locals,
                       store::ConnectionType connection_type, store::Profile profile);

// As the author wrote it: "Me", "Any", "DNS", "10.0.0.0/8", "www.example.org".
std::string written(const store::FilterAddress& address);

}  // namespace ipsec::agent

#pragma once

#include "cli/commands/commands.h"

namespace ipsec::cli {

// getaddrinfo and getnameinfo of this machine; both may take as long as its name servers take.
class SystemResolver : public Resolver {
 public:
  Result<IpAddress> address_of(const std::string& name) override;
  std::string name_of(const IpAddress& address) override;
};

}  // namespace ipsec::cli

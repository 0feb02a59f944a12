#pragma once

#include <optional>
#include <string_view>

#include "services/common/selector.h"

namespace ipsec::cli {

// The value of SSH_CONNECTION (ssh(1)): "client-address client-port server-address server-port", as the packets that
// come in. nullopt if it is not of that form. Pure.
std::optional<FiveTuple> parse_ssh_connection(std::string_view text);

}  // namespace ipsec::cli

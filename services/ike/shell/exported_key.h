#pragma once

#include <variant>

#include "proto/ike.pb.h"
#include "services/ike/core/actions.h"

namespace ipsec::ike {

namespace proto = policyagent::v1;

// What `export keys` gives away: of a main mode, or of one SA of ESP with its keys.
using ExportedKey = std::variant<TellMainModeKey, SaParameters>;

// Secret: to be wiped by rpc::wipe_keys.
proto::KeyRecord to_proto(const ExportedKey& key);

}  // namespace ipsec::ike

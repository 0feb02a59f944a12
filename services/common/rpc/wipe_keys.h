#pragma once

#include "proto/driver.pb.h"
#include "proto/ike.pb.h"

namespace ipsec::rpc {

// Overwrites the keys that a message holds: protobuf releases its memory as it is. Whoever has filled or read one of
// these calls it before the message goes.
void wipe_keys(policyagent::v1::InstallSaRequest& message);
void wipe_keys(policyagent::v1::IkePolicyUpdate& message);
void wipe_keys(policyagent::v1::KeyRecord& message);

}  // namespace ipsec::rpc

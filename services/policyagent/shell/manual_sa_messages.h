#pragma once

#include <optional>

#include "proto/driver.pb.h"
#include "proto/policyagent.pb.h"
#include "services/policyagent/core/local_addresses.h"
#include "services/policyagent/core/manual_sa.h"
#include "store/problem.h"

// Manual SAs as messages and back.
namespace ipsec::agent {

// nullopt: what is wrong has been added to `problems`. The keys in `request` are wiped. What check() of
// core/manual_sa.h looks at is left to it.
std::optional<ManualSa> read_manual_sa(policyagent::v1::AddManualSaRequest& request, const LocalAddresses& local,
                                       store::Problems& problems);

// What the driver knows it by: direction, protocol, SPI and addresses.
policyagent::v1::Sa to_identity(const ManualSa& sa);
// Holds keys: hand it to rpc::wipe_keys() after use.
policyagent::v1::InstallSaRequest to_install_request(const ManualSa& sa, const ManualSaRest& rest);

// Whether both have one identity.
bool is_same(const policyagent::v1::Sa& a, const policyagent::v1::Sa& b);
policyagent::v1::DeleteSaRequest to_delete_request(const policyagent::v1::Sa& listed);

}  // namespace ipsec::agent

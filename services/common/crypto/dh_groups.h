#pragma once

#include <memory>

#include "services/common/crypto/dh.h"

// The three kinds of groups behind dh.h. For dh.cpp only.
namespace ipsec {

Result<std::unique_ptr<DhKeyPair>> make_modp_key_pair(DhGroup group, const SecretBytes& private_value);
Result<std::unique_ptr<DhKeyPair>> make_ecp_key_pair(DhGroup group, const SecretBytes& private_value);
Result<std::unique_ptr<DhKeyPair>> make_curve25519_key_pair(const SecretBytes& private_value);

}  // namespace ipsec

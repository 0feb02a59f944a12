#pragma once

#include <cstdint>

#include "proto/ike.pb.h"
#include "services/common/rpc/convert.h"
#include "services/ike/certificates/store.h"
#include "services/ike/core/policy.h"

namespace ipsec::ike {

// The certificates of this computer with the verdict of every check, by the authorities of the policy, or by all roots
// where it has none (AUC-16, AUC-32, AUC-34). Nothing is fetched. Any thread.
proto::ListCertificatesReply list_certificates(const IkePolicy& policy, const CertificateStore& store,
                                               const CrlSource& crls, std::int64_t now);

}  // namespace ipsec::ike

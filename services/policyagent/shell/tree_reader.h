#pragma once

#include "proto/policyagent.pb.h"
#include "services/common/result.h"
#include "store/model.h"

namespace ipsec::agent {

// Adds the objects of the tree that the request asks for. kNotFound names what is not there; kInvalid: a kind or a
// reference that is none.
Status read_objects(const policyagent::v1::ReadRequest& request, const store::PolicyTree& tree,
                    policyagent::v1::ReadReply& reply);

}  // namespace ipsec::agent

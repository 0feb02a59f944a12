#pragma once

#include <vector>

#include "proto/policyagent.pb.h"
#include "services/policyagent/shell/store_messages.h"
#include "store/edit_dynamic.h"

namespace ipsec::agent {

// The changes of a request, apart: those of the stored policies and those of the dynamic one.
struct RequestedChanges {
  std::vector<store::Change> stored;
  std::vector<std::size_t> stored_places;  // of each in the request
  std::vector<store::DynamicChange> dynamic;
  std::vector<std::size_t> dynamic_places;
  store::Problems problems;  // not empty: some changes are missing above
};
RequestedChanges read_changes(const policyagent::v1::ApplyRequest& request, const Resolver& resolver);

// The tree as it would be after these changes; those of the dynamic policy do not count. kInvalid: one of them would be
// refused, and why.
Result<store::PolicyTree> tree_as_if(const store::PolicyTree& tree,
                                     const google::protobuf::RepeatedPtrField<policyagent::v1::Change>& changes,
                                     const Resolver& resolver);

}  // namespace ipsec::agent

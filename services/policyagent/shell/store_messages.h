#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/policyagent.pb.h"
#include "services/common/address.h"
#include "store/edit.h"
#include "store/model.h"
#include "store/problem.h"

// Stored objects and changes as messages and back: the only place where the two meet.
namespace ipsec::agent {

// The addresses of a DNS name, empty where there are none.
using Resolver = std::function<std::vector<IpAddress>(const std::string& name)>;

// nullopt: what is wrong has been added to `problems`, all of it, without change_index. Names of algorithms, groups,
// profiles and connection types are compared without regard to case. DNS names without addresses are resolved.
std::optional<store::Change> to_change(const policyagent::v1::Change& message, const Resolver& resolver,
                                       store::Problems& problems);
// nullopt: neither or both forms are set, or the GUID is none; added to `problems`.
std::optional<store::Reference> to_reference(const policyagent::v1::ObjectReference& message,
                                             store::Problems& problems);

// Preshared keys are never in these. `tree` gives the names of lists and actions.
policyagent::v1::StoredPolicy to_proto(const store::Policy& policy, const store::PolicyTree& tree, bool with_rules);
policyagent::v1::StoredRule to_proto(const store::Rule& rule, const store::Policy& policy,
                                     const store::PolicyTree& tree);
policyagent::v1::StoredFilterList to_proto(const store::FilterList& list, bool with_filters);
policyagent::v1::StoredFilterAction to_proto(const store::FilterAction& action);
policyagent::v1::StoredFilter to_proto(const store::Filter& filter);
policyagent::v1::Action to_proto(store::Action action);
policyagent::v1::Problem to_proto(const store::Problem& problem);

using QuickModeOfferMessages = google::protobuf::RepeatedPtrField<policyagent::v1::StoredQuickModeOffer>;
using MainModeOfferMessages = google::protobuf::RepeatedPtrField<policyagent::v1::StoredMainModeOffer>;
using AuthenticationMessages = google::protobuf::RepeatedPtrField<policyagent::v1::StoredAuthentication>;
void add_offers(const std::vector<store::QuickModeOffer>& offers, QuickModeOfferMessages& list);
void add_offers(const std::vector<store::MainModeOffer>& offers, MainModeOfferMessages& list);
void add_authentication(const std::vector<store::AuthenticationMethod>& methods, AuthenticationMessages& list);

}  // namespace ipsec::agent

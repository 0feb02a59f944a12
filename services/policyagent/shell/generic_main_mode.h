#pragma once

#include "proto/policyagent.pb.h"

namespace ipsec::agent {

// Fills in the main mode filters as written, from the written filters and the main mode filters of the reply: one for
// each rule that negotiates and pair of ends. A tunnel rule negotiates with its endpoint; one whose endpoint is this
// host adds nothing to its partner. A rule that decides for no pair of ends (another comes first) has none.
void add_generic_main_mode_filters(policyagent::v1::CompiledPolicyReply& reply);

}  // namespace ipsec::agent

#pragma once

#include "services/ike/core/turn.h"

// What happens by itself: time and changes of policy.
namespace ipsec::ike {

// Everything that is due now.
void do_what_is_due(Turn& turn);
Timestamp next_deadline(const EngineState& state);

// Holds all that exists against the new policy, which is already in force.
void apply_policy(Turn& turn);

}  // namespace ipsec::ike

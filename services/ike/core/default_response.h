#pragma once

#include "services/ike/core/turn.h"

// Quick modes of peers that no filter fits and that the default response rule may answer. They wait for a dynamic
// filter that the agent makes (DR-06, DR-08), for kFilterPatience at most, kMaxAwaitingFilter at a time. Nothing of a
// peer's repetitions is looked at meanwhile.
namespace ipsec::ike {

// The agent listens anew: what still waits is asked for again.
void ask_for_filters_again(Turn& turn);
// Refuses the quick modes that wait for this filter.
void handle_filter_declined(Turn& turn, const FilterDeclined& declined);
// A policy has come into force: holds against it what waits.
void answer_awaiting_filter(Turn& turn);

}  // namespace ipsec::ike

#pragma once

#include "services/ike/core/turn.h"

// From what the driver asks for to a quick mode: which main mode SA carries it, or that one must be made first (QM-01,
// MM-28, KEY-21 to KEY-26, RTY-04).
namespace ipsec::ike {

void handle_acquire(Turn& turn, const AcquireRequested& acquire);
void handle_rekey(Turn& turn, const RekeyRequested& rekey);

// Finds a way for the wish: a quick mode at once, or a place in the queue of a main mode SA. A wish that cannot be
// served fails.
void pursue(Turn& turn, QuickModeWish wish);
// Starts what waits for this SA and has room; wishes beyond its limits go to another SA.
void start_waiting(Turn& turn, MainModeSa& sa);
// The wishes that wait for this SA, taken out of it.
std::deque<QuickModeWish> take_waiting(Turn& turn, MainModeSa& sa);

// `running` serves `wish`, too, which is for the same traffic.
void join(QuickModeWish& running, const QuickModeWish& wish);

// Ends a wish for which no negotiation could begin: that is an event of its own.
void fail_unstarted(Turn& turn, const QuickModeWish& wish, const Failure& failure);
// Ends the wish: AcquireFailed for every request behind it.
void fail_wish(Turn& turn, const QuickModeWish& wish, const Failure& failure);
// The exchange that a peer began and that was to serve the wish has come to this: the wish goes its own way, unless the
// reason lies on this host.
void part_from_exchange(Turn& turn, QuickModeWish wish, const Failure& failure);
// Once more under another main mode SA if it was not tried again before, otherwise it fails.
void retry_wish(Turn& turn, QuickModeWish wish, const Failure& failure);

}  // namespace ipsec::ike

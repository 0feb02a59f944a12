#include "services/ike/core/dead_peer.h"

#include <algorithm>

#include <fmt/format.h>

#include "services/ike/core/informational.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode.h"

namespace ipsec::ike {

namespace {

bool is_worth_asking(Turn& turn, const MainModeSa& sa) {
  // An older main mode SA with the same peer would only ask the same.
  if (turn.state.main_modes.find_established(sa.local.address, sa.peer.address) != &sa) return false;
  const auto pairs = turn.state.quick_modes.with_peer(sa.peer.address);
  return std::any_of(pairs.begin(), pairs.end(),
                     [&](const QuickModeSaPair& pair) { return pair.local == sa.local.address; });
}

// The Deletes are for a peer that lives after all and was only not heard.
void declare_dead(Turn& turn, MainModeSa& sa) {
  std::size_t ended = 0;
  for (const QuickModeSaPair& pair : turn.state.quick_modes.with_peer(sa.peer.address)) {
    if (pair.local != sa.local.address) continue;
    send_quick_mode_delete(turn, sa, pair.inbound_spi);
    turn.delete_pair(pair);
    turn.state.quick_modes.remove(pair.inbound_spi);
    ++ended;
  }
  turn.report(sa, "peer_dead", Severity::kWarning,
              fmt::format("{} has not answered {} questions whether it is there: {} pairs of SAs ended",
                          sa.peer.to_string(), kPeerProbes, ended));
  end_main_mode(turn, sa, TellPeer::kYes, {FailureReason::kPeerDead, "the peer does not answer any more"});
}

}  // namespace

void watch_peer(Turn& turn, MainModeSa& sa) {
  if (turn.now < sa.probe_at) return;
  if (turn.now - sa.last_proof < kPeerSilence || !is_worth_asking(turn, sa)) {
    sa.probes_unanswered = 0;
    sa.probe_at = std::max(sa.last_proof + kPeerSilence, turn.now + kPeerProbePause);
    return;
  }
  if (sa.probes_unanswered == kPeerProbes) {
    declare_dead(turn, sa);
    return;
  }
  // RFC 3706 section 6.2: repetitions bear the same number, a new question the next; the first one is random below
  // 2^31.
  if (sa.probe_sequence == 0) sa.probe_sequence = turn.state.random.u32() >> 1;
  if (sa.probes_unanswered == 0) ++sa.probe_sequence;
  ++sa.probes_unanswered;
  sa.probe_at = turn.now + kPeerProbePause;
  send_probe(turn, sa, NotifyType::kAreYouThere, sa.probe_sequence);
}

void answer_probe(Turn& turn, MainModeSa& sa, const NotifyPayload& probe) {
  if (probe.data.size() != 4) return;
  send_probe(turn, sa, NotifyType::kIAmHere, load_u32(probe.data.data()));
}

}  // namespace ipsec::ike

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
  if (turn.state.main_modes.find_established(sa.local.address, sa.peer.address, sa.host()) != &sa) return false;
  const auto pairs = turn.state.quick_modes.with_peer(sa.peer.address);
  return std::any_of(pairs.begin(), pairs.end(), [&](const QuickModeSaPair& pair) {
    return pair.local == sa.local.address && may_be_same(pair.host, sa.host());
  });
}

// The peer may have lost no more than its main mode SA, when its IKE service was started anew. A new main mode decides:
// where it comes about, INITIAL-CONTACT says whether the quick mode SAs are gone; where it does not, the peer is.
void replace_silent_main_mode(Turn& turn, MainModeSa& sa) {
  const IpAddress local = sa.local.address;
  const IpAddress peer = sa.peer.address;
  const HostBehindNat host = sa.host();
  // Without a Delete: a peer that lives keeps its main mode SA, asks in its turn, and learns of a new one.
  end_main_mode(
      turn, sa, TellPeer::kNo,
      {FailureReason::kPeerDead, fmt::format("{} questions whether the peer is there went unanswered", kPeerProbes)});
  MainModeSa* next = turn.state.main_modes.find_negotiating(local, peer, host);
  if (next == nullptr) {
    const auto begun = begin_main_mode(turn, local, peer, host);
    if (std::holds_alternative<Failure>(begun)) {
      end_sas_of_dead_peer(turn, local, peer, host);
      return;
    }
    next = std::get<MainModeSa*>(begun);
  }
  next->decides_whether_lives = host;
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
    replace_silent_main_mode(turn, sa);
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

void end_sas_of_dead_peer(Turn& turn, const IpAddress& local, const IpAddress& peer, const HostBehindNat& host) {
  // Nothing must be left, so that INITIAL-CONTACT tells a peer that lives after all.
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(peer)) {
    MainModeSa* sa = turn.state.main_modes.find(handle);
    if (sa == nullptr || sa->established() == nullptr || sa->local.address != local || !may_be_same(sa->host(), host))
      continue;
    end_main_mode(turn, *sa, TellPeer::kNo, {FailureReason::kPeerDead, "the peer does not answer any more"});
  }
  std::size_t ended = 0;
  for (const QuickModeSaPair& pair : turn.state.quick_modes.with_peer(peer)) {
    if (pair.local != local || !may_be_same(pair.host, host)) continue;
    turn.delete_pair(pair);
    turn.state.quick_modes.remove(pair.inbound_spi);
    ++ended;
  }
  turn.report("peer_dead", Severity::kWarning,
              fmt::format("{} does not answer any more: {} pairs of SAs ended", peer.to_string(), ended),
              {{"local", local.to_string()}, {"peer", peer.to_string()}, {"pairs", fmt::format("{}", ended)}});
}

void answer_probe(Turn& turn, MainModeSa& sa, const NotifyPayload& probe) {
  if (probe.data.size() != 4) return;
  send_probe(turn, sa, NotifyType::kIAmHere, load_u32(probe.data.data()));
}

}  // namespace ipsec::ike

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/time.h"
#include "services/ike/core/fragmentation.h"
#include "services/ike/core/main_mode_states.h"
#include "services/ike/core/quick_mode_states.h"
#include "services/ike/core/retransmit.h"

// One main mode SA, half-open or established, with the quick modes under it: the data that the engine keeps.
namespace ipsec::ike {

// A pair of SAs that this host wants. It outlives an attempt: after a lost main mode SA it is tried once more.
struct QuickModeWish {
  std::vector<std::uint64_t> acquire_ids;  // empty: a rekey
  QuickModeRule rule;
  Selector outbound;
  IpAddress local;
  IpAddress peer;
  HostBehindNat behind;  // which of those at the peer's address
  std::uint32_t replaces_spi = 0;
  bool retried = false;

  bool same_traffic(const QuickModeWish& other) const {
    return rule.outbound_filter_id == other.rule.outbound_filter_id && outbound == other.outbound &&
           local == other.local && peer == other.peer && may_be_same(behind, other.behind);
  }
};

// One quick mode, under way or just finished.
struct QuickModeExchange {
  QuickModeFacts facts;
  QuickModeWish wish;  // initiator
  // Responder: a wish of our own for the same traffic, which this exchange is about to serve. It goes its own way
  // should the exchange fail, or not be done by then.
  std::optional<QuickModeWish> joined;
  Timestamp joined_until = kNever;
  // Initiator: the peer set the commit bit and so promises message 4; until when it is waited for.
  Timestamp connected_until = kNever;
  bool on_fresh_main_mode = false;  // initiator: the main mode SA was made for this wish
  QuickModeState state;
  Resender resender;
  ReplyStore replies;
  Timestamp created;
  Timestamp forget_at = kNever;  // finished: when it is forgotten; under way: when it fails at the latest
  SuiteSpis own_spis;            // reserved so far

  bool finished() const { return std::holds_alternative<QuickModeFinished>(state); }
  // Whether the SAs it makes are those that the wish is for.
  bool serves(const QuickModeWish& other) const {
    return facts.rule.outbound_filter_id == other.rule.outbound_filter_id && facts.outbound == other.outbound &&
           facts.local == other.local && facts.peer == other.peer;
  }
};

struct MainModeSa {
  std::uint64_t handle = 0;
  bool initiator = false;
  MainModeFacts facts;
  Endpoint local;
  Endpoint peer;
  Timestamp created;
  MainModeState state;
  Resender resender;              // initiator: messages 1, 3, 5
  ReplyStore replies;             // responder: messages 2, 4, 6
  Timestamp give_up_at = kNever;  // responder, half-open
  // A message 5 or 6 that did not verify has come (and, as responder, has been reported). It may be forged, so that the
  // SA still waits.
  std::optional<Failure> suspicion;
  std::optional<FragmentSet> fragments;  // of a message that is coming in pieces
  // Initiator: should it fail, the SAs with this one of the hosts at the peer's address end.
  std::optional<HostBehindNat> decides_whether_lives;
  bool peer_has_spoken = false;       // initiator: something that bears the cookies has come, also what was ignored
  std::string unreachable;            // initiator: the ICMP error that a message has met last, for people
  bool fragmenting = false;           // long messages to this peer go in pieces
  HostBehindNat meant_for;            // initiator: with whom it is to be
  Endpoint message1_from;             // responder: the peer's endpoint may change later
  std::deque<QuickModeWish> waiting;  // initiator: for the end of main mode, or for a free place among the quick modes

  // From here on only once established.
  Timestamp established_at;
  Timestamp replace_at = kNever;
  Timestamp ends_at = kNever;
  Timestamp last_proof;              // last message that verified
  Timestamp last_quick_mode;         // last quick mode message that did
  Timestamp keep_alive_at = kNever;  // behind an address translator
  Timestamp probe_at = kNever;       // when to look whether the peer lives
  int probes_unanswered = 0;
  std::uint32_t probe_sequence = 0;
  std::uint32_t quick_modes = 0;
  // Ended, and kept a while only to understand what the peer still says under it: a Delete of quick mode SAs may be
  // overtaken by that of the main mode SA.
  bool ended = false;
  std::vector<SuiteSpis> deletes_to_send;                // inbound SPIs to be told of, once established
  std::map<std::uint32_t, QuickModeExchange> exchanges;  // by message id
  std::set<std::uint32_t> used_message_ids;

  // nullptr while half-open and once ended.
  bool half_open() const { return !std::holds_alternative<Established>(state); }
  // nullptr while half-open, and again once ended.
  const Established* established() const { return ended ? nullptr : proven(); }
  // Also once ended.
  const Established* proven() const { return std::get_if<Established>(&state); }
  // Who is there, as far as it is known: where a translator is in front of the peer, what it has proven and its port.
  HostBehindNat host() const;
  Cookie own_cookie() const { return initiator ? facts.initiator_cookie : facts.responder_cookie; }
  // 0: none (KEY-22, KEY-23, KEY-25).
  std::uint32_t quick_mode_limit() const {
    return facts.rule.policy.master_pfs ? 1 : facts.rule.policy.quick_mode_limit;
  }
  // Whether another quick mode may begin.
  bool has_room() const;
  std::size_t exchanges_under_way() const;
  Timestamp next_deadline() const;
};

}  // namespace ipsec::ike

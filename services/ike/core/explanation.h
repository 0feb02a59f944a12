#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/selector.h"
#include "services/ike/core/policy.h"

// Why a negotiation came to nothing: what both sides want side by side, and what would mend it. Plain values, bounded
// by limits.h, without secrets. Texts are made here of numbers; none is a peer's.
namespace ipsec::ike {

enum class Side : std::uint8_t { kNobody = 0, kThisHost = 1, kPeer = 2 };

struct OfferCell {
  std::string text;
  bool differs = false;  // from the nearest offer of the other side, in something that decides
};
struct OfferRow {
  std::uint32_t offer = 0;  // from 1, in the order of preference; the protocols of one offer have a row each
  bool closest = false;     // of the two offers, one of each side, that differ least
  std::vector<OfferCell> cells;
};
struct OfferTable {
  std::vector<std::string> columns;
  std::vector<OfferRow> offered;     // by the side that began
  std::vector<OfferRow> configured;  // on the side that was asked; empty: not known
  std::uint32_t more_offered = 0;    // rows beyond kMaxTermsListed
  std::uint32_t more_configured = 0;
};

// Which packets, both as those from this host to the peer.
struct TrafficDifference {
  Selector asked;       // by the side that began
  Selector configured;  // of the filter nearest to it on the side that was asked
  std::optional<Selector> overlap;
};

// The fewest fields to change on one side so that the negotiation succeeds. What is empty stays as it is.
struct Remedy {
  Side side = Side::kThisHost;
  std::vector<std::string> fields;  // "hash", "group"
  bool weak = false;                // it would allow an algorithm that listings mark as weak
  // The whole new lists, best first.
  std::vector<MainModeOffer> main_mode_offers;
  std::vector<QuickModeOffer> quick_mode_offers;
  std::optional<DhGroup> pfs_group;  // kNone: no PFS any more
  std::optional<Encapsulation> encapsulation;
  std::optional<Selector> filter;  // to be added, as that side's packets to the other
  std::string rule;                // of this host, to whose filter list; empty where it is that of the negotiation
  std::string authentication;      // the method that its rule needs: "preshared key"
  bool assign = false;             // a policy
};

struct Explanation {
  Side refused_by = Side::kNobody;
  std::string at;  // "main mode message 1"
  // The peer's half is from a message that anybody could have sent in its name.
  bool unproven = false;
  OfferTable offers;
  std::optional<TrafficDifference> traffic;
  std::string notify;               // that the peer has sent: "NO-PROPOSAL-CHOSEN"
  std::vector<std::string> facts;   // what was seen from here
  std::vector<std::string> checks;  // what to look at, on either side
  std::vector<Remedy> remedies;
  // What a peer that understands it is told with the refusal (alternatives.h).
  Bytes alternatives;
};

}  // namespace ipsec::ike

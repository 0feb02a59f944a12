#pragma once

#include <vector>

#include "services/ike/core/explanation.h"
#include "services/ike/wire/sa_payload.h"

// Two SA payloads held against each other. Pure, bounded whatever is in them.
namespace ipsec::ike {

struct Comparison {
  OfferTable table;
  // For each side that can say what would do, that change: this host's first. Fewest fields first; of those that are
  // equal in that, one without weak algorithms.
  std::vector<Remedy> remedies;
};

// `offered` by the side that began, which is `offerer`; `configured`: what the other side would offer itself. Lifetimes
// are shown and never decide.
Comparison compare_main_mode(const SaPayload& offered, const SaPayload& configured, Side offerer);
Comparison compare_quick_mode(const SaPayload& offered, const SaPayload& configured, Side offerer);

// The offers of one side alone.
OfferTable main_mode_table(const SaPayload& offered);
OfferTable quick_mode_table(const SaPayload& offered);

}  // namespace ipsec::ike

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/policy.h"
#include "services/ike/wire/payloads.h"
#include "services/ike/wire/sa_payload.h"

// Choosing the protection of quick mode: pure functions of offers and policy (QM-08, QM-16, KEY-29 to KEY-32).
//
// AH: an offer with AH is never made and never accepted, because the driver has no AH. Proposals are read in groups of
// one number (AH and ESP together), so that a bundle is refused as a whole instead of being taken for its ESP half.
namespace ipsec::ike {

struct QuickModeChoice {
  EspOffer esp;
  Encapsulation encapsulation = Encapsulation::kTransport;
  DhGroup pfs_group = DhGroup::kNone;
  std::uint32_t lifetime_seconds = 0;           // the smaller of both sides' wishes; 0: none
  std::uint32_t lifetime_kilobytes = 0;         // the same
  std::uint32_t peer_spi = 0;                   // host order
  std::optional<OriginalAddresses> original{};  // as the peer has said
};

// Whether this build can make the offer.
bool is_usable(const QuickModeOffer& offer);
// One entry for each offer: "ESP AES128-SHA1".
std::vector<std::string> offer_texts(const QuickModePolicy& policy);
// "ESP AES128-SHA1, ESP 3DES-SHA1"
std::string offers_text(const QuickModePolicy& policy);

// One ESP proposal with one transform for each usable offer, in the order of the policy. `pfs_group` kNone: without
// PFS. The policy has a usable offer.
SaPayload quick_mode_offers(const QuickModePolicy& policy, WireEncapsulation encapsulation, DhGroup pfs_group,
                            std::uint32_t spi);

// What the responder would agree to in one encapsulation mode.
struct QuickModeTerms {
  WireEncapsulation encapsulation;
  const QuickModePolicy* policy = nullptr;  // borrowed
  bool pfs_required = false;
  std::vector<DhGroup> groups;  // acceptable with PFS
};

struct QuickModeAnswer {
  QuickModeChoice choice;
  SaPayload sa;                   // the chosen transform, unchanged; its SPI is still the peer's
  bool lifetime_reduced = false;  // to be said in RESPONDER-LIFETIME
};
// Whether every proposal has AH in it.
bool offers_only_ah(const SaPayload& offered);

// The first of the initiator's transforms that fits one of the terms. `with_key_exchange`: message 1 has a KE payload.
Choice<QuickModeAnswer> choose_quick_mode(const SaPayload& offered, bool with_key_exchange,
                                          std::span<const QuickModeTerms> terms);

// The initiator checks that the answer is one transform that it had offered; only lifetimes may differ (MM-23).
Choice<QuickModeChoice> verify_quick_mode(const SaPayload& answer, const QuickModePolicy& policy,
                                          WireEncapsulation encapsulation, DhGroup pfs_group);

// RFC 2407 section 4.6.3.1: the responder's shorter lifetimes. `spi` is the responder's.
NotifyPayload responder_lifetime(const QuickModeChoice& choice, std::uint32_t spi);
// Applies such a notify; anything unreadable in it is left out.
void apply_responder_lifetime(const NotifyPayload& notify, QuickModeChoice& choice);

}  // namespace ipsec::ike

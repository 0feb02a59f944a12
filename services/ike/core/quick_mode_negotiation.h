#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/negotiation.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/sa_parameters.h"
#include "services/ike/wire/payloads.h"
#include "services/ike/wire/sa_payload.h"

// Choosing the protection of quick mode: pure functions of offers and policy (QM-08, QM-16, KEY-29 to KEY-32).
namespace ipsec::ike {

struct QuickModeChoice {
  ProtectionSuite suite;
  Encapsulation encapsulation = Encapsulation::kTransport;
  DhGroup pfs_group = DhGroup::kNone;
  std::uint32_t lifetime_seconds = 0;    // the smaller of both sides' wishes; 0: none
  std::uint32_t lifetime_kilobytes = 0;  // the same
  SuiteSpis peer_spis{};
  bool extended_sequence = false;
  std::optional<OriginalAddresses> original{};  // as the peer has said
};

// One entry for each offer: "ESP AES128-SHA1".
std::vector<std::string> offer_texts(const QuickModePolicy& policy);
// "ESP AES128-SHA1, ESP 3DES-SHA1"
std::string offers_text(const QuickModePolicy& policy);

// The protocols for which its offers need an SPI.
std::vector<SecurityProtocol> protocols_of(const QuickModePolicy& policy);

// A transform for each offer, in the order of the policy. Offers of one protocol that follow each other are
// alternatives in one proposal; AH with ESP has a number of its own. `pfs_group` kNone: without PFS. Requires an offer,
// and an SPI for each of protocols_of(policy).
SaPayload quick_mode_offers(const QuickModePolicy& policy, WireEncapsulation encapsulation, DhGroup pfs_group,
                            const SuiteSpis& spis);

// What the responder would agree to in one encapsulation mode.
struct QuickModeTerms {
  WireEncapsulation encapsulation;
  const QuickModePolicy* policy = nullptr;  // borrowed
  bool pfs_required = false;
  std::vector<DhGroup> groups;  // acceptable with PFS
  // Whether a peer that asks for 64-bit sequence numbers gets them.
  bool extended_sequence = false;
};

struct QuickModeAnswer {
  QuickModeChoice choice;
  SaPayload sa;                   // the chosen transforms, unchanged; the SPIs are still the peer's
  bool lifetime_reduced = false;  // to be said in RESPONDER-LIFETIME
};
// Whether every proposal has AH in it.
bool offers_only_ah(const SaPayload& offered);

// The first of the initiator's transforms that fits one of the terms. `with_key_exchange`: message 1 has a KE payload.
Choice<QuickModeAnswer> choose_quick_mode(const SaPayload& offered, bool with_key_exchange,
                                          std::span<const QuickModeTerms> terms);

// The initiator checks that the answer is what it had offered once; only lifetimes may differ (MM-23).
Choice<QuickModeChoice> verify_quick_mode(const SaPayload& answer, const QuickModePolicy& policy,
                                          WireEncapsulation encapsulation, DhGroup pfs_group);

// RFC 2407 section 4.6.3.1: the responder's shorter lifetimes, for each of its SPIs.
std::vector<NotifyPayload> responder_lifetimes(const QuickModeChoice& choice, const SuiteSpis& spis);
// Applies such a notify; anything unreadable in it is left out.
void apply_responder_lifetime(const NotifyPayload& notify, QuickModeChoice& choice);

}  // namespace ipsec::ike

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "services/ike/core/extensions.h"
#include "services/ike/core/failure.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/policy.h"
#include "services/ike/wire/numbers.h"
#include "services/ike/wire/sa_payload.h"

// Choosing the protection of main mode: pure functions of offers and policy (MM-05, MM-09, MM-10, MM-12, MM-23, MM-33,
// MM-36).
namespace ipsec::ike {

// A value, or the refusal with its reason.
template <typename T>
using Choice = std::variant<T, Failure>;

struct MainModeChoice {
  MainModeOffer offer;
  std::uint32_t lifetime_seconds = 0;  // the smaller of both sides' wishes
  Extensions extensions{};             // that both sides have
  NatFound nat{};                      // known from messages 3 and 4 on
  std::uint16_t method = phase1::kMethodPresharedKey;
};

// "AES128-SHA256-modp2048", ... in the order of the policy.
std::vector<std::string> offer_texts(const MainModePolicy& policy);

// Authentication methods by their numbers in RFC 2409 appendix A, best first.
using AuthenticationNumbers = std::vector<std::uint16_t>;
// "preshared key", "RSA signature"
std::string method_name(std::uint16_t method);

// The initiator's offers: one proposal, for each method one transform for each offer, in the order of the policy.
SaPayload main_mode_offers(const MainModePolicy& policy,
                           const AuthenticationNumbers& methods = {phase1::kMethodPresharedKey});

struct MainModeAnswer {
  MainModeChoice choice;
  SaPayload sa;  // the answer on the wire: the chosen transform, unchanged
};
// The responder takes the first of the initiator's transforms that is an offer of the policy. Lifetimes never decide.
// The refusal lists both sides' offers and names the options in which the closest pair differs.
Choice<MainModeAnswer> choose_main_mode(const SaPayload& offered, const MainModePolicy& policy,
                                        const AuthenticationNumbers& methods = {phase1::kMethodPresharedKey});

// The initiator checks that the answer is exactly one transform that it had offered; only lifetimes may differ.
Choice<MainModeChoice> verify_main_mode(const SaPayload& answer, const MainModePolicy& policy,
                                        const AuthenticationNumbers& methods = {phase1::kMethodPresharedKey});

}  // namespace ipsec::ike

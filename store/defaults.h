#pragma once

#include <vector>

#include "store/model.h"

// What an object gets where the administrator states nothing.
namespace ipsec::store {

// modern: what RFC 8247 calls MUST (AES-CBC, SHA2-256, 2048-bit MODP), then ecp256 and curve25519 for peers that want
// them. windows2003: the four documented offers.
std::vector<MainModeOffer> default_main_mode_offers(Profile profile);

// Of a negotiate action. modern: what RFC 8221 calls MUST (AES-GCM with 16-octet ICV, AES-CBC with HMAC-SHA2-256).
// windows2003: ESP 3DES/SHA1 first. Lifetimes: KEY-06.
std::vector<QuickModeOffer> default_quick_mode_offers(Profile profile);

// Of the default response rule. windows2003: the six of DR-05 in their order. modern: the default quick mode offers.
std::vector<QuickModeOffer> default_response_offers(Profile profile);

// Of a rule for which no method is stated: Kerberos, as documented.
std::vector<AuthenticationMethod> default_authentication();

// A policy of that name with every default; without a GUID anywhere, no rules, the default response rule active
// (DR-03).
Policy default_policy(std::string name, Profile profile);

}  // namespace ipsec::store

#include "store/check_offers.h"

#include <fmt/format.h>

#include "store/limits.h"

namespace ipsec::store {

namespace {

void check_main_mode_offer(const Reporter& report, const MainModeOffer& offer) {
  if (info(offer.cipher).ike_number == 0) {
    report.add(kOfferInvalid, "cipher",
               fmt::format("{} cannot protect main mode; accepted are DES, 3DES, AES128, AES192 and AES256",
                           info(offer.cipher).name));
  }
  if (offer.integrity == Integrity::kNone) {
    report.add(kOfferInvalid, "integrity",
               "NONE cannot protect main mode; accepted are MD5, SHA1, SHA256, SHA384 and SHA512");
  }
  if (offer.group == DhGroup::kNone) {
    report.add(kOfferInvalid, "dh_group",
               "main mode needs a Diffie-Hellman group, such as modp2048, ecp256 or curve25519");
  }
}

void check_esp(const Reporter& report, const QuickModeOffer::Esp& esp) {
  const bool aead = info(esp.cipher).is_aead();
  if (esp.cipher == Cipher::kNull && esp.integrity == Integrity::kNone) {
    report.add(kOfferInvalid, "cipher",
               "ESP[None,None] protects nothing; accepted is a cipher, an integrity algorithm or both");
  }
  if (aead && esp.integrity != Integrity::kNone) {
    report.add(kOfferInvalid, "integrity",
               fmt::format("{} brings its own integrity; accepted beside it is NONE", info(esp.cipher).name));
  }
}

void check_quick_mode_offer(const Reporter& report, const QuickModeOffer& offer) {
  if (!offer.ah && !offer.esp) report.add(kOfferInvalid, "", "has neither AH nor ESP; accepted are AH, ESP or both");
  if (offer.ah == Integrity::kNone) {
    report.add(kOfferInvalid, "ah", "AH[None] protects nothing; accepted are MD5, SHA1, SHA256, SHA384 and SHA512");
  }
  if (offer.esp) check_esp(report.in("esp"), *offer.esp);
  check_range(report, "lifetime_kilobytes", offer.lifetime_kilobytes, kMinQuickModeKilobytes, kMaxQuickModeKilobytes,
              "kilobytes");
  check_range(report, "lifetime_seconds", offer.lifetime_seconds, kMinQuickModeSeconds, kMaxQuickModeSeconds,
              "seconds");
}

void check_count(const Reporter& report, std::string_view field, std::size_t count, std::size_t limit) {
  if (count > limit) report.add(kTooMany, field, fmt::format("has {} entries; accepted are at most {}", count, limit));
}

void check_method(const Reporter& report, const AuthenticationMethod& method) {
  if (const auto* psk = std::get_if<PresharedKeyAuthentication>(&method)) {
    if (psk->unopened) return;
    if (psk->key.empty() || psk->key.size() > kMaxPresharedKeyLength) {
      report.add(kPresharedKeyInvalid, "psk",
                 fmt::format("the preshared key has {} octets; accepted are 1 to {}", psk->key.size(),
                             kMaxPresharedKeyLength));
    } else if (psk->key.view().front() == '<' && psk->key.view().back() == '>') {
      report.add(kPresharedKeyInvalid, "psk",
                 "the preshared key is a placeholder in angle brackets, which everybody knows; a key of your own is "
                 "accepted");
    }
  } else if (const auto* certificate = std::get_if<CertificateAuthentication>(&method)) {
    if (certificate->root_ca.empty()) {
      report.add(kAuthenticationInvalid, "root_ca",
                 "is empty; accepted is the issuer name of a certification authority");
    }
    check_text(report, "root_ca", certificate->root_ca, kMaxRootCaLength);
  }
}

}  // namespace

void check_main_mode_offers(const Reporter& report, const std::vector<MainModeOffer>& offers) {
  if (offers.empty()) report.add(kOffersMissing, "offers", "there is no main mode offer; at least one is needed");
  check_count(report, "offers", offers.size(), kMaxMainModeOffers);
  for (std::size_t i = 0; i < offers.size(); ++i) check_main_mode_offer(report.in("offers", i), offers[i]);
}

void check_quick_mode_offers(const Reporter& report, const std::vector<QuickModeOffer>& offers) {
  check_count(report, "offers", offers.size(), kMaxQuickModeOffers);
  for (std::size_t i = 0; i < offers.size(); ++i) check_quick_mode_offer(report.in("offers", i), offers[i]);
}

void check_authentication(const Reporter& report, const std::vector<AuthenticationMethod>& methods) {
  check_count(report, "authentication", methods.size(), kMaxAuthenticationMethods);
  for (std::size_t i = 0; i < methods.size(); ++i) check_method(report.in("authentication", i), methods[i]);
}

}  // namespace ipsec::store

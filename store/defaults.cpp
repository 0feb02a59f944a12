#include "store/defaults.h"

namespace ipsec::store {

namespace {

QuickModeOffer esp(Cipher cipher, Integrity integrity) {
  QuickModeOffer offer;
  offer.esp = QuickModeOffer::Esp{cipher, integrity};
  return offer;
}

QuickModeOffer ah(Integrity integrity) {
  QuickModeOffer offer;
  offer.ah = integrity;
  return offer;
}

}  // namespace

std::vector<MainModeOffer> default_main_mode_offers(Profile profile) {
  if (profile == Profile::kWindows2003) {
    return {
        {Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp1024},
        {Cipher::kTripleDes, Integrity::kMd5, DhGroup::kModp1024},
        {Cipher::kDes, Integrity::kSha1, DhGroup::kModp768},
        {Cipher::kDes, Integrity::kMd5, DhGroup::kModp768},
    };
  }
  return {
      {Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kModp2048},
      {Cipher::kAes128Cbc, Integrity::kSha256, DhGroup::kModp2048},
      {Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kEcp256},
      {Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kCurve25519},
  };
}

std::vector<QuickModeOffer> default_quick_mode_offers(Profile profile) {
  if (profile == Profile::kWindows2003) {
    return {esp(Cipher::kTripleDes, Integrity::kSha1), esp(Cipher::kTripleDes, Integrity::kMd5)};
  }
  return {
      esp(Cipher::kAes128Gcm, Integrity::kNone),
      esp(Cipher::kAes256Gcm, Integrity::kNone),
      esp(Cipher::kAes128Cbc, Integrity::kSha256),
      esp(Cipher::kAes256Cbc, Integrity::kSha256),
  };
}

std::vector<QuickModeOffer> default_response_offers(Profile profile) {
  if (profile == Profile::kModern) return default_quick_mode_offers(profile);
  return {
      esp(Cipher::kTripleDes, Integrity::kSha1),
      esp(Cipher::kTripleDes, Integrity::kMd5),
      esp(Cipher::kDes, Integrity::kSha1),
      esp(Cipher::kDes, Integrity::kMd5),
      ah(Integrity::kSha1),
      ah(Integrity::kMd5),
  };
}

std::vector<AuthenticationMethod> default_authentication() { return {KerberosAuthentication{}}; }

Policy default_policy(std::string name, Profile profile) {
  Policy policy;
  policy.name = std::move(name);
  policy.profile = profile;
  policy.isakmp.offers = default_main_mode_offers(profile);
  policy.default_response.offers = default_response_offers(profile);
  policy.default_response.authentication = default_authentication();
  return policy;
}

}  // namespace ipsec::store

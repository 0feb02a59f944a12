#include "services/ike/core/authentication.h"

#include <array>

#include "services/common/crypto/hash.h"

namespace ipsec::ike {

namespace {

std::array<std::uint8_t, 4> octets_of(std::uint32_t message_id) {
  std::array<std::uint8_t, 4> octets;
  store_u32(octets.data(), message_id);
  return octets;
}

}  // namespace

SecretBytes hash_i(Integrity hash, ByteView skeyid, const Phase1Transcript& t, ByteView identity) {
  const auto cookie_i = cookie_octets(t.initiator_cookie);
  const auto cookie_r = cookie_octets(t.responder_cookie);
  return hmac(hash, skeyid, {t.public_i, t.public_r, cookie_i, cookie_r, t.sa_body, identity});
}

SecretBytes hash_r(Integrity hash, ByteView skeyid, const Phase1Transcript& t, ByteView identity) {
  const auto cookie_i = cookie_octets(t.initiator_cookie);
  const auto cookie_r = cookie_octets(t.responder_cookie);
  // RFC 2409 section 5: SAi_b is the initiator's SA in both hashes.
  return hmac(hash, skeyid, {t.public_r, t.public_i, cookie_r, cookie_i, t.sa_body, identity});
}

SecretBytes message_hash(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView payloads) {
  return hmac(hash, skeyid_a, {octets_of(message_id), payloads});
}

SecretBytes quick_mode_hash2(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView nonce_i,
                             ByteView payloads) {
  return hmac(hash, skeyid_a, {octets_of(message_id), nonce_i, payloads});
}

SecretBytes quick_mode_hash3(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView nonce_i,
                             ByteView nonce_r) {
  constexpr std::array<std::uint8_t, 1> kZero = {0};
  return hmac(hash, skeyid_a, {kZero, octets_of(message_id), nonce_i, nonce_r});
}

}  // namespace ipsec::ike

#include "services/ike/core/authentication.h"

#include <array>
#include <initializer_list>

#include "services/common/crypto/hash.h"

namespace ipsec::ike {

namespace {

std::array<std::uint8_t, 4> octets_of(std::uint32_t message_id) {
  std::array<std::uint8_t, 4> octets;
  store_u32(octets.data(), message_id);
  return octets;
}

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

Bytes covered_by_hash_i(const Phase1Transcript& t) {
  return joined(
      {t.public_i, t.public_r, cookie_octets(t.initiator_cookie), cookie_octets(t.responder_cookie), t.sa_body});
}

Bytes covered_by_hash_r(const Phase1Transcript& t) {
  // RFC 2409 section 5: SAi_b is the initiator's SA in both hashes.
  return joined(
      {t.public_r, t.public_i, cookie_octets(t.responder_cookie), cookie_octets(t.initiator_cookie), t.sa_body});
}

SecretBytes hash_i(Integrity hash, ByteView skeyid, const Phase1Transcript& transcript, ByteView identity) {
  return hmac(hash, skeyid, {covered_by_hash_i(transcript), identity});
}

SecretBytes hash_r(Integrity hash, ByteView skeyid, const Phase1Transcript& transcript, ByteView identity) {
  return hmac(hash, skeyid, {covered_by_hash_r(transcript), identity});
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

#include "services/ike/core/keymat.h"

#include <array>
#include <utility>

#include "services/common/crypto/hash.h"

namespace ipsec::ike {

namespace {

Bytes cut_hash(Integrity algorithm, ByteView a, ByteView b, std::size_t size) {
  Bytes digest = hash(algorithm, {a, b});
  digest.resize(size);
  return digest;
}

}  // namespace

SecretBytes skeyid_preshared_key(Integrity hash, ByteView preshared_key, ByteView nonce_i, ByteView nonce_r) {
  return hmac(hash, preshared_key, {nonce_i, nonce_r});
}

SecretBytes skeyid_signature(Integrity hash, ByteView nonce_i, ByteView nonce_r, ByteView shared_secret) {
  Bytes nonces(nonce_i.begin(), nonce_i.end());
  nonces.insert(nonces.end(), nonce_r.begin(), nonce_r.end());
  return hmac(hash, nonces, {shared_secret});
}

KeyFamily derive_key_family(Integrity hash, SecretBytes skeyid, ByteView shared_secret, Cookie initiator,
                            Cookie responder) {
  const auto cookie_i = cookie_octets(initiator);
  const auto cookie_r = cookie_octets(responder);
  constexpr std::array<std::uint8_t, 3> kCounters = {0, 1, 2};
  const auto counter = [&](std::size_t n) { return ByteView(&kCounters[n], 1); };

  KeyFamily keys;
  keys.skeyid = std::move(skeyid);
  keys.skeyid_d = hmac(hash, keys.skeyid.view(), {shared_secret, cookie_i, cookie_r, counter(0)});
  keys.skeyid_a = hmac(hash, keys.skeyid.view(), {keys.skeyid_d.view(), shared_secret, cookie_i, cookie_r, counter(1)});
  keys.skeyid_e = hmac(hash, keys.skeyid.view(), {keys.skeyid_a.view(), shared_secret, cookie_i, cookie_r, counter(2)});
  return keys;
}

SecretBytes cipher_key(Integrity hash, ByteView skeyid_e, std::size_t size) {
  SecretBytes key;
  if (skeyid_e.size() >= size) {
    key.append(skeyid_e.first(size));
    return key;
  }
  // Appendix B: K1 = prf(SKEYID_e, 0), Kn = prf(SKEYID_e, Kn-1); the 0 is one octet.
  constexpr std::array<std::uint8_t, 1> kZero = {0};
  SecretBytes block = hmac(hash, skeyid_e, {kZero});
  key.append(block.view());
  while (key.size() < size) {
    block = hmac(hash, skeyid_e, {block.view()});
    key.append(block.view());
  }
  key.resize(size);
  return key;
}

Bytes phase1_iv(Integrity hash, ByteView public_i, ByteView public_r, std::size_t block_size) {
  return cut_hash(hash, public_i, public_r, block_size);
}

Bytes phase2_iv(Integrity hash, ByteView last_phase1_block, std::uint32_t message_id, std::size_t block_size) {
  std::array<std::uint8_t, 4> octets;
  store_u32(octets.data(), message_id);
  return cut_hash(hash, last_phase1_block, octets, block_size);
}

SecretBytes expand_keymat(Integrity hash, ByteView key, ByteView seed, std::size_t size) {
  SecretBytes block = hmac(hash, key, {seed});
  SecretBytes keymat;
  keymat.append(block.view());
  while (keymat.size() < size) {
    block = hmac(hash, key, {block.view(), seed});
    keymat.append(block.view());
  }
  keymat.resize(size);
  return keymat;
}

SecretBytes quick_mode_keymat(Integrity hash, ByteView skeyid_d, ByteView shared_secret, std::uint8_t protocol,
                              std::uint32_t spi, ByteView nonce_i, ByteView nonce_r, std::size_t size) {
  std::array<std::uint8_t, 5> protocol_and_spi;
  protocol_and_spi[0] = protocol;
  store_u32(&protocol_and_spi[1], spi);
  SecretBytes seed;
  for (const ByteView part : {shared_secret, ByteView(protocol_and_spi), nonce_i, nonce_r}) seed.append(part);
  return expand_keymat(hash, skeyid_d, seed.view(), size);
}

}  // namespace ipsec::ike

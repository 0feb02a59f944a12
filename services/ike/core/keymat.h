#pragma once

#include <cstddef>
#include <cstdint>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/secret.h"
#include "services/ike/wire/header.h"

// Every key and IV of IKEv1 (RFC 2409 section 5, 5.5 and appendix B). Nothing else derives keys. The prf is the HMAC of
// the negotiated hash; nonces and public values are payload bodies.
namespace ipsec::ike {

struct KeyFamily {
  SecretBytes skeyid;
  SecretBytes skeyid_d;  // derives the keys of quick mode
  SecretBytes skeyid_a;  // authenticates messages
  SecretBytes skeyid_e;  // encrypts messages
};

// SKEYID with a preshared key: prf(psk, Ni_b | Nr_b).
SecretBytes skeyid_preshared_key(Integrity hash, ByteView preshared_key, ByteView nonce_i, ByteView nonce_r);

// SKEYID with signatures: prf(Ni_b | Nr_b, g^xy).
SecretBytes skeyid_signature(Integrity hash, ByteView nonce_i, ByteView nonce_r, ByteView shared_secret);

// `shared_secret` is g^xy, left padded to the group's size.
KeyFamily derive_key_family(Integrity hash, SecretBytes skeyid, ByteView shared_secret, Cookie initiator,
                            Cookie responder);

// The key of the ISAKMP cipher out of SKEYID_e (appendix B).
SecretBytes cipher_key(Integrity hash, ByteView skeyid_e, std::size_t size);

// The first IV of phase 1: hash(g^xi | g^xr), cut to the block.
Bytes phase1_iv(Integrity hash, ByteView public_i, ByteView public_r, std::size_t block_size);
// The first IV of a message id: hash(last phase 1 ciphertext block | M-ID), cut to the block.
Bytes phase2_iv(Integrity hash, ByteView last_phase1_block, std::uint32_t message_id, std::size_t block_size);

// K1 | K2 | ... with K1 = prf(key, seed), Kn = prf(key, Kn-1 | seed), cut to `size`.
SecretBytes expand_keymat(Integrity hash, ByteView key, ByteView seed, std::size_t size);

// KEYMAT of the SA that receives under `spi`. `shared_secret` is g(qm)^xy, empty without PFS. `protocol` is 2 for AH, 3
// for ESP.
SecretBytes quick_mode_keymat(Integrity hash, ByteView skeyid_d, ByteView shared_secret, std::uint8_t protocol,
                              std::uint32_t spi, ByteView nonce_i, ByteView nonce_r, std::size_t size);

}  // namespace ipsec::ike

#pragma once

#include <cstdint>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/ike/core/keymat.h"
#include "services/ike/wire/header.h"

// The HASH values of IKEv1 (RFC 2409 sections 5, 5.5, 5.7). Compare with constant_time_equal.
namespace ipsec::ike {

// What HASH_I and HASH_R cover besides the identity. All borrowed.
struct Phase1Transcript {
  Cookie initiator_cookie = 0;
  Cookie responder_cookie = 0;
  ByteView public_i;  // KE payload bodies as sent
  ByteView public_r;
  ByteView sa_body;  // the initiator's SA body, as offered
};

// What HASH_I and HASH_R cover before the identity.
Bytes covered_by_hash_i(const Phase1Transcript& transcript);
Bytes covered_by_hash_r(const Phase1Transcript& transcript);

// `identity` is the ID payload body of the side whose hash it is, as sent.
SecretBytes hash_i(Integrity hash, ByteView skeyid, const Phase1Transcript& transcript, ByteView identity);
SecretBytes hash_r(Integrity hash, ByteView skeyid, const Phase1Transcript& transcript, ByteView identity);

// HASH(1) of quick mode and of informational exchanges, and the HASH of a CONNECTED message: prf(SKEYID_a, M-ID |
// payloads). `payloads` are the octets behind the HASH payload, as sent, without padding.
SecretBytes message_hash(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView payloads);
// HASH(2): prf(SKEYID_a, M-ID | Ni_b | payloads)
SecretBytes quick_mode_hash2(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView nonce_i,
                             ByteView payloads);
// HASH(3): prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)
SecretBytes quick_mode_hash3(Integrity hash, ByteView skeyid_a, std::uint32_t message_id, ByteView nonce_i,
                             ByteView nonce_r);

}  // namespace ipsec::ike

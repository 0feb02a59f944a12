#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "services/ike/certificates/claims.h"
#include "services/ike/certificates/revocation.h"
#include "services/ike/certificates/store.h"

// The two long pieces of work of authentication by certificate, as functions of values: any thread may run them. The
// core asks for them (core/actions.h) and its shell runs them, with the certificates, revocation lists and time of
// then.
namespace ipsec::ike {

// Lists at these distribution points would let the work say more: it is to be run again with them, or with the word
// that they are unavailable.
struct CrlsWanted {
  std::vector<std::string> points;
};

// Selects a certificate of this computer and signs with its key.
std::variant<Proof, Refusal, CrlsWanted> prove(const ProofRequest& request, const CertificateStore& store,
                                               const CrlSource& crls, std::int64_t now);

// The checks in this order: the path to a root, the certificate itself, identity, signature, account, and then
// revocation: nothing is fetched because of a certificate that would be refused anyway.
std::variant<ProvenPeer, Refusal, CrlsWanted> verify_peer(const PeerClaim& claim, const CertificateStore& store,
                                                          const CrlSource& crls, std::int64_t now);

}  // namespace ipsec::ike

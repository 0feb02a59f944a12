#pragma once

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/private_key.h"

// Signatures of IKEv1 over HASH_I and HASH_R.
namespace ipsec::ike {

// RSA signs the HASH itself in PKCS #1 v1.5 padding, without a DigestInfo (RFC 2409 section 5.1); ECDSA gives r|s, each
// as long as the curve (RFC 4754 section 7). kInternal names the key's provider.
Result<Bytes> sign(const PrivateKey& key, SignatureMethod method, ByteView hash);
// kInvalid: the certificate's key is of another kind, or did not make this signature.
Status verify(const Certificate& certificate, SignatureMethod method, ByteView hash, ByteView signature);

}  // namespace ipsec::ike

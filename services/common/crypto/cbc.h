#pragma once

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/result.h"

// CBC without padding, for ISAKMP messages (RFC 2409 appendix B). ESP has engines of its own (services/driver/crypto).
namespace ipsec {

// `cipher` is DES, 3DES or AES-CBC; `key` and `iv` have its sizes; `data` is a whole number of blocks and is changed in
// place. Requires those sizes (assertions).
void cbc_encrypt(Cipher cipher, ByteView key, ByteView iv, MutableByteView data);
void cbc_decrypt(Cipher cipher, ByteView key, ByteView iv, MutableByteView data);

// The 16 weak and semi-weak DES keys (RFC 2409 appendix A); parity bits do not count.
bool is_weak_des_key(ByteView key);

}  // namespace ipsec

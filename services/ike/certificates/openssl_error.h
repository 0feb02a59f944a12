#pragma once

#include <string>

namespace ipsec::ike {

// What OpenSSL says last about a call of this thread that failed, in words; forgets it and everything before.
std::string take_openssl_error();

}  // namespace ipsec::ike

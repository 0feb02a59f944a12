#include "services/ike/certificates/openssl_error.h"

#include <openssl/err.h>

namespace ipsec::ike {

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "no reason given";
}

}  // namespace ipsec::ike

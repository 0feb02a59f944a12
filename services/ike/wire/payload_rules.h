#pragma once

#include <cstdint>
#include <string_view>

#include "services/common/result.h"
#include "services/ike/wire/message.h"

// The second gate: may these payloads stand in this message? (RFC 2409 section 5)
namespace ipsec::ike {

enum class MessageKind : std::uint8_t {
  kMainMode1,
  kMainMode2,
  kMainMode3,
  kMainMode4,
  kMainMode5,
  kMainMode6,
  kQuickMode1,
  kQuickMode2,
  kQuickMode3,
  kQuickMode4,
  kInformationalClear,
  kInformational,
};

// "main mode message 1", "quick mode message 3", "informational"
std::string_view name(MessageKind kind);
// Whether the message must (true) or must not (false) come encrypted.
bool is_encrypted(MessageKind kind);

// Checks number and place of every payload. Vendor ids and payloads for private use may stand anywhere; another type
// that the table does not name for the message is refused.
Status check_payloads(MessageKind kind, const PayloadChain& chain);

}  // namespace ipsec::ike

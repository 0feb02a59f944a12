#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/wire/numbers.h"
#include "services/ike/wire/sa_payload.h"

// The other payloads as typed values (RFC 2408 section 3). Bodies are without the generic header.
namespace ipsec::ike {

struct KeyExchangePayload {
  Bytes value;
  friend bool operator==(const KeyExchangePayload&, const KeyExchangePayload&) = default;
};

struct IdentificationPayload {
  IdentityType type = IdentityType::kIpv4Address;
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
  Bytes data;
  friend bool operator==(const IdentificationPayload&, const IdentificationPayload&) = default;
};

struct HashPayload {
  Bytes value;
  friend bool operator==(const HashPayload&, const HashPayload&) = default;
};

struct NoncePayload {
  Bytes value;
  friend bool operator==(const NoncePayload&, const NoncePayload&) = default;
};

struct NotifyPayload {
  std::uint32_t doi = kDoiIpsec;
  std::uint8_t protocol = 0;
  NotifyType type = NotifyType::kNoProposalChosen;
  Bytes spi;
  Bytes data;
  friend bool operator==(const NotifyPayload&, const NotifyPayload&) = default;
};

// All SPIs of one Delete have one size: 16 (both cookies) for ISAKMP, 4 for AH and ESP.
struct DeletePayload {
  std::uint32_t doi = kDoiIpsec;
  std::uint8_t protocol = 0;
  std::vector<Bytes> spis;  // never empty when parsed
  friend bool operator==(const DeletePayload&, const DeletePayload&) = default;
};

struct VendorIdPayload {
  Bytes value;
  friend bool operator==(const VendorIdPayload&, const VendorIdPayload&) = default;
};

// Any payload whose body nobody here interprets.
struct OpaquePayload {
  PayloadType type = PayloadType::kNone;
  Bytes body;
  friend bool operator==(const OpaquePayload&, const OpaquePayload&) = default;
};

using PayloadContent = std::variant<SaPayload, KeyExchangePayload, IdentificationPayload, HashPayload, NoncePayload,
                                    NotifyPayload, DeletePayload, VendorIdPayload, OpaquePayload>;

PayloadType type_of(const PayloadContent& content);

Result<PayloadContent> parse_body(PayloadType type, ByteView body);
void write_body(ByteWriter& out, const PayloadContent& content);
Bytes body_octets(const PayloadContent& content);

}  // namespace ipsec::ike

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"

// The SA payload and what nests in it: proposals, transforms, attributes (RFC 2408 sections 3.3 to 3.6).
namespace ipsec::ike {

// A data attribute. On the wire either type and value in four octets, or type, length and value.
struct Attribute {
  std::uint16_t type = 0;  // 15 bits
  bool short_form = true;
  Bytes value;  // two octets in the short form

  static Attribute number(std::uint16_t type, std::uint16_t value);
  // Short where the value fits in 16 bits, else four octets (life durations).
  static Attribute variable_number(std::uint16_t type, std::uint32_t value);
  // Values of up to eight octets in either form; nullopt for longer or empty ones.
  std::optional<std::uint64_t> as_number() const;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

struct Transform {
  std::uint8_t number = 0;
  std::uint8_t id = 0;
  std::vector<Attribute> attributes;
  friend bool operator==(const Transform&, const Transform&) = default;
};

// Proposals with one number belong together (AND); different numbers are alternatives, best first.
struct Proposal {
  std::uint8_t number = 0;
  std::uint8_t protocol = 0;
  Bytes spi;
  std::vector<Transform> transforms;  // alternatives, best first; never empty when parsed
  friend bool operator==(const Proposal&, const Proposal&) = default;
};

struct SaPayload {
  std::uint32_t doi = 1;
  std::uint32_t situation = 1;
  std::vector<Proposal> proposals;  // never empty when parsed
  friend bool operator==(const SaPayload&, const SaPayload&) = default;
};

// A list of attributes that fills `octets` (of a transform, or of a RESPONDER-LIFETIME notify).
Result<std::vector<Attribute>> parse_attributes(ByteView octets);
void write_attributes(ByteWriter& out, std::span<const Attribute> attributes);

// `body` is the payload without its generic header. Another DOI or situation than the IPsec one is refused, because
// what follows the DOI depends on it.
Result<SaPayload> parse_sa(ByteView body);
void write_sa_body(ByteWriter& out, const SaPayload& sa);

}  // namespace ipsec::ike

#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/ike/wire/header.h"
#include "services/ike/wire/payloads.h"

// The chain of payloads after the header, and whole messages. The first gate of a message: shape. Which payloads belong
// where is payload_rules.h; what they mean is services/ike/core.
namespace ipsec::ike {

struct Payload {
  PayloadContent content;
  std::size_t begin = 0;  // of the generic header, in PayloadChain::octets
  std::size_t end = 0;    // behind the body

  PayloadType type() const { return type_of(content); }
};

// Parsed payloads together with the octets they came from, since HASH values cover octets as received (RFC 2409 5.5).
struct PayloadChain {
  std::vector<Payload> payloads;
  Bytes octets;

  // The only or first payload of this type of content; nullptr where there is none. Borrowed.
  template <typename Content>
  const Content* find() const {
    for (const Payload& payload : payloads) {
      if (const Content* content = std::get_if<Content>(&payload.content)) return content;
    }
    return nullptr;
  }
  template <typename Content>
  std::vector<const Content*> all() const {
    std::vector<const Content*> found;
    for (const Payload& payload : payloads) {
      if (const Content* content = std::get_if<Content>(&payload.content)) found.push_back(content);
    }
    return found;
  }
  // Body of the first payload of this type as received; empty where there is none. Borrowed.
  ByteView body_of(PayloadType type) const;
  // Everything behind the first payload, generic headers included, padding not. Borrowed.
  ByteView after_first() const;
};

// `octets` begins with a payload of type `first`. What follows the last payload must be less than one padding unit of
// an encrypted message (`padding_limit` octets; 0 in clear messages) and is not looked at (RFC 2409 appendix B).
Result<PayloadChain> parse_payloads(PayloadType first, ByteView octets, std::size_t padding_limit);

// The chain with its generic headers, without padding.
Bytes write_payloads(std::span<const PayloadContent> payloads);

struct Message {
  Header header;
  PayloadChain chain;
};
// A whole message in clear. Requires parse_header to have accepted it and the encryption flag to be unset.
Result<Message> parse_clear_message(ByteView datagram);

// next_payload and length of `header` are filled in.
Bytes write_clear_message(Header header, std::span<const PayloadContent> payloads);

}  // namespace ipsec::ike

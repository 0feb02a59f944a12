#include "services/ike/wire/message.h"

#include <utility>

#include "services/ike/wire/limits.h"

namespace ipsec::ike {

ByteView PayloadChain::body_of(PayloadType type) const {
  for (const Payload& payload : payloads) {
    if (payload.type() == type) {
      return ByteView(octets).subspan(payload.begin + 4, payload.end - payload.begin - 4);
    }
  }
  return {};
}

ByteView PayloadChain::after_first() const {
  if (payloads.size() < 2) return {};
  return ByteView(octets).subspan(payloads[1].begin, payloads.back().end - payloads[1].begin);
}

Result<PayloadChain> parse_payloads(PayloadType first, ByteView octets, std::size_t padding_limit) {
  ByteReader in(octets);
  PayloadChain chain;
  PayloadType type = first;
  while (type != PayloadType::kNone) {
    // RFC 2408 section 3.4: proposals and transforms live inside an SA payload only.
    if (type == PayloadType::kProposal || type == PayloadType::kTransform) {
      return invalid(fmt::format("{} payload outside an SA payload", name(type)));
    }
    if (chain.payloads.size() == kMaxPayloads) return invalid("message: too many payloads");
    const std::size_t begin = in.position();
    const auto next = in.read_u8();
    const auto reserved = in.read_u8();
    const auto length = in.read_u16();
    if (!next || !reserved || !length || *length < 4) return invalid(fmt::format("{} payload: cut off", name(type)));
    const auto body = in.read(*length - 4U);
    if (!body) return invalid(fmt::format("{} payload: longer than the message", name(type)));
    IPSEC_ASSIGN_OR_RETURN(auto content, parse_body(type, *body));
    chain.payloads.push_back({std::move(content), begin, in.position()});
    type = static_cast<PayloadType>(*next);
  }
  if (chain.payloads.empty()) return invalid("message: no payload");
  if (in.remaining() > padding_limit) {
    return invalid(fmt::format("message: {} octets after the last payload", in.remaining()));
  }
  chain.octets.assign(octets.begin(), octets.end());
  return chain;
}

Bytes write_payloads(std::span<const PayloadContent> payloads) {
  ByteWriter out;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const std::size_t start = out.size();
    const PayloadType next = i + 1 < payloads.size() ? type_of(payloads[i + 1]) : PayloadType::kNone;
    out.u8(static_cast<std::uint8_t>(next)).u8(0).u16(0);
    write_body(out, payloads[i]);
    out.patch_u16(start + 2, static_cast<std::uint16_t>(out.size() - start));
  }
  return out.take();
}

Result<Message> parse_clear_message(ByteView datagram) {
  IPSEC_ASSIGN_OR_RETURN(const Header header, parse_header(datagram));
  IPSEC_ASSIGN_OR_RETURN(auto chain, parse_payloads(header.next_payload, datagram.subspan(kHeaderSize), 0));
  return Message{header, std::move(chain)};
}

Bytes write_clear_message(Header header, std::span<const PayloadContent> payloads) {
  const Bytes body = write_payloads(payloads);
  header.next_payload = payloads.empty() ? PayloadType::kNone : type_of(payloads.front());
  header.length = static_cast<std::uint32_t>(kHeaderSize + body.size());
  ByteWriter out;
  write_header(out, header);
  return out.bytes(body).take();
}

}  // namespace ipsec::ike

#include "services/ike/wire/payloads.h"

#include <utility>

#include "services/ike/wire/limits.h"

namespace ipsec::ike {

namespace {

Result<PayloadContent> parse_identification(ByteView body) {
  ByteReader in(body);
  const auto type = in.read_u8();
  const auto protocol = in.read_u8();
  const auto port = in.read_u16();
  if (!type || !protocol || !port) return invalid("ID payload: cut off");
  return PayloadContent(IdentificationPayload{static_cast<IdentityType>(*type), *protocol, *port, to_bytes(in.rest())});
}

Result<PayloadContent> parse_nonce(ByteView body) {
  if (body.size() < kMinNonceSize || body.size() > kMaxNonceSize) {
    return invalid(fmt::format("NONCE payload: {} octets, RFC 2409 allows 8 to 256", body.size()));
  }
  return PayloadContent(NoncePayload{to_bytes(body)});
}

Result<PayloadContent> parse_notify(ByteView body) {
  ByteReader in(body);
  const auto doi = in.read_u32();
  const auto protocol = in.read_u8();
  const auto spi_size = in.read_u8();
  const auto type = in.read_u16();
  if (!doi || !protocol || !spi_size || !type) return invalid("NOTIFY payload: cut off");
  const auto spi = in.read(*spi_size);
  if (!spi) return invalid("NOTIFY payload: an SPI longer than the rest");
  return PayloadContent(
      NotifyPayload{*doi, *protocol, static_cast<NotifyType>(*type), to_bytes(*spi), to_bytes(in.rest())});
}

Result<PayloadContent> parse_delete(ByteView body) {
  ByteReader in(body);
  const auto doi = in.read_u32();
  const auto protocol = in.read_u8();
  const auto spi_size = in.read_u8();
  const auto count = in.read_u16();
  if (!doi || !protocol || !spi_size || !count) return invalid("DELETE payload: cut off");
  if (*spi_size == 0 || *count == 0 || *count > kMaxDeleteSpis || in.remaining() != std::size_t{*spi_size} * *count) {
    return invalid(fmt::format("DELETE payload: {} SPIs of {} octets in {}", *count, *spi_size, in.remaining()));
  }
  DeletePayload payload{*doi, *protocol, {}};
  while (const auto spi = in.read(*spi_size)) payload.spis.push_back(to_bytes(*spi));
  return PayloadContent(std::move(payload));
}

struct TypeOf {
  PayloadType operator()(const SaPayload&) const { return PayloadType::kSa; }
  PayloadType operator()(const KeyExchangePayload&) const { return PayloadType::kKeyExchange; }
  PayloadType operator()(const IdentificationPayload&) const { return PayloadType::kIdentification; }
  PayloadType operator()(const HashPayload&) const { return PayloadType::kHash; }
  PayloadType operator()(const NoncePayload&) const { return PayloadType::kNonce; }
  PayloadType operator()(const NotifyPayload&) const { return PayloadType::kNotify; }
  PayloadType operator()(const DeletePayload&) const { return PayloadType::kDelete; }
  PayloadType operator()(const VendorIdPayload&) const { return PayloadType::kVendorId; }
  PayloadType operator()(const OpaquePayload& payload) const { return payload.type; }
};

struct WriteBody {
  ByteWriter& out;

  void operator()(const SaPayload& payload) const { write_sa_body(out, payload); }
  void operator()(const KeyExchangePayload& payload) const { out.bytes(payload.value); }
  void operator()(const IdentificationPayload& payload) const {
    out.u8(static_cast<std::uint8_t>(payload.type)).u8(payload.protocol).u16(payload.port).bytes(payload.data);
  }
  void operator()(const HashPayload& payload) const { out.bytes(payload.value); }
  void operator()(const NoncePayload& payload) const { out.bytes(payload.value); }
  void operator()(const NotifyPayload& payload) const {
    out.u32(payload.doi).u8(payload.protocol).u8(static_cast<std::uint8_t>(payload.spi.size()));
    out.u16(static_cast<std::uint16_t>(payload.type)).bytes(payload.spi).bytes(payload.data);
  }
  void operator()(const DeletePayload& payload) const {
    const std::size_t spi_size = payload.spis.empty() ? 0 : payload.spis.front().size();
    out.u32(payload.doi).u8(payload.protocol).u8(static_cast<std::uint8_t>(spi_size));
    out.u16(static_cast<std::uint16_t>(payload.spis.size()));
    for (const Bytes& spi : payload.spis) out.bytes(spi);
  }
  void operator()(const VendorIdPayload& payload) const { out.bytes(payload.value); }
  void operator()(const OpaquePayload& payload) const { out.bytes(payload.body); }
};

}  // namespace

PayloadType type_of(const PayloadContent& content) { return std::visit(TypeOf{}, content); }

Result<PayloadContent> parse_body(PayloadType type, ByteView body) {
  switch (type) {
    case PayloadType::kSa: {
      IPSEC_ASSIGN_OR_RETURN(auto sa, parse_sa(body));
      return PayloadContent(std::move(sa));
    }
    case PayloadType::kKeyExchange:
      return PayloadContent(KeyExchangePayload{to_bytes(body)});
    case PayloadType::kIdentification:
      return parse_identification(body);
    case PayloadType::kHash:
      return PayloadContent(HashPayload{to_bytes(body)});
    case PayloadType::kNonce:
      return parse_nonce(body);
    case PayloadType::kNotify:
      return parse_notify(body);
    case PayloadType::kDelete:
      return parse_delete(body);
    case PayloadType::kVendorId:
      return PayloadContent(VendorIdPayload{to_bytes(body)});
    default:
      return PayloadContent(OpaquePayload{type, to_bytes(body)});
  }
}

void write_body(ByteWriter& out, const PayloadContent& content) { std::visit(WriteBody{out}, content); }

Bytes body_octets(const PayloadContent& content) {
  ByteWriter out;
  write_body(out, content);
  return out.take();
}

}  // namespace ipsec::ike

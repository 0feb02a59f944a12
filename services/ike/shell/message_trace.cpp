#include "services/ike/shell/message_trace.h"

#include "services/ike/core/offer_table.h"
#include "services/ike/wire/message.h"

namespace ipsec::ike {

namespace {

std::string exchange_name(ExchangeType exchange) {
  switch (exchange) {
    case ExchangeType::kIdentityProtection:
      return "main mode";
    case ExchangeType::kAggressive:
      return "aggressive mode";
    case ExchangeType::kInformational:
      return "informational";
    case ExchangeType::kQuickMode:
      return "quick mode";
  }
  return fmt::format("exchange {}", static_cast<unsigned>(exchange));
}

std::string payload_names(const Header& header, ByteView datagram) {
  if (header.encrypted()) return "encrypted";
  const auto message = parse_clear_message(datagram);
  if (!message.ok()) return message.status().message();
  std::string names;
  for (const Payload& payload : message->chain.payloads) names += (names.empty() ? "" : " ") + name(payload.type());
  return names;
}

}  // namespace

std::vector<daemon::LogField> trace_fields(const Endpoint& local, const Endpoint& peer, ByteView datagram) {
  std::vector<daemon::LogField> fields{
      {"local", local.to_string()}, {"peer", peer.to_string()}, {"octets", datagram.size()}};
  const auto header = parse_header(datagram);
  if (!header.ok()) {
    fields.emplace_back("no_message", header.status().message());
    return fields;
  }
  fields.emplace_back("exchange", exchange_name(header->exchange));
  fields.emplace_back("initiator_cookie", fmt::format("{:016x}", header->initiator_cookie));
  fields.emplace_back("responder_cookie", fmt::format("{:016x}", header->responder_cookie));
  fields.emplace_back("message_id", fmt::format("{:08x}", header->message_id));
  fields.emplace_back("payloads", payload_names(*header, datagram));
  return fields;
}

std::vector<std::string> offers_in(ByteView datagram) {
  const auto header = parse_header(datagram);
  if (!header.ok() || header->encrypted() || header->exchange != ExchangeType::kIdentityProtection) return {};
  const auto message = parse_clear_message(datagram);
  if (!message.ok() || message->chain.find<SaPayload>() == nullptr) return {};
  std::vector<std::string> lines;
  for (const OfferRow& row : main_mode_table(*message->chain.find<SaPayload>()).offered) {
    std::string line = fmt::format("offer {}:", row.offer);
    for (const OfferCell& cell : row.cells) line += " " + cell.text;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace ipsec::ike

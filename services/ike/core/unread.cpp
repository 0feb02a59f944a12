#include "services/ike/core/unread.h"

#include <utility>

#include <fmt/format.h>

#include "services/ike/wire/header.h"
#include "services/ike/wire/limits.h"

namespace ipsec::ike {

namespace {

// "aggressive mode"; empty for those that are read, or begin nothing.
std::string exchange_text(std::uint8_t version, std::uint8_t exchange) {
  if (version >> 4U == 2) return exchange == 34 ? "IKEv2" : "";
  if (version >> 4U != 1) return fmt::format("ISAKMP version {}.{}", version >> 4U, version & 15U);
  switch (exchange) {
    case static_cast<std::uint8_t>(ExchangeType::kIdentityProtection):
    case static_cast<std::uint8_t>(ExchangeType::kInformational):
    case static_cast<std::uint8_t>(ExchangeType::kQuickMode):
      return "";
    case static_cast<std::uint8_t>(ExchangeType::kAggressive):
      return "aggressive mode";
    case 1:
      return "the base exchange";
    case 0xf3:
      return "AuthIP";
    default:
      return fmt::format("exchange type {}", exchange);
  }
}

// Types and codes of RFC 792, 1812 and 4443.
std::string unreachable_text(const PeerUnreachable& event) {
  const bool v4 = event.reporter.is_v4();
  std::string what = fmt::format("{} type {} code {}", v4 ? "ICMP" : "ICMPv6", event.type, event.code);
  if (v4 ? event.type == 3 && event.code == 3 : event.type == 1 && event.code == 4) {
    what = "port unreachable: no IKE service runs there";
  } else if (v4 ? event.type == 3 && event.code == 1 : event.type == 1 && event.code == 3) {
    what = "host unreachable";
  } else if (v4 ? event.type == 3 && event.code == 0 : event.type == 1 && event.code == 0) {
    what = "network unreachable";
  } else if (v4 ? event.type == 3 && (event.code == 9 || event.code == 10 || event.code == 13)
                : event.type == 1 && event.code == 1) {
    what = "prohibited by a firewall";
  }
  return fmt::format("{} says ({}, anybody can): {}", event.reporter.to_string(), v4 ? "ICMP" : "ICMPv6", what);
}

}  // namespace

void report_unread(Turn& turn, const DatagramReceived& datagram, FailureReason reason, std::string text,
                   ExplanationPointer explanation) {
  FailedNegotiation failed;
  failed.local = datagram.local;
  failed.peer = datagram.peer;
  failed.explanation = *explanation;
  failed.failure = {reason, std::move(text)};
  turn.report_failed(std::move(failed), fmt::format("{} wanted to negotiate", datagram.peer.to_string()));
}

void report_unsupported(Turn& turn, const DatagramReceived& datagram) {
  const Bytes& octets = datagram.bytes;
  // RFC 2408 section 3.1: only a first message has no responder cookie.
  if (octets.size() < kHeaderSize || load_u64(octets.data()) == 0 || load_u64(octets.data() + 8) != 0) return;
  const std::string what = exchange_text(octets[17], octets[18]);
  if (what.empty() || !turn.may_report_unanswered(datagram.peer, load_u64(octets.data()))) return;
  const bool version = octets[17] >> 4U != 1;
  report_unread(turn, datagram, version ? FailureReason::kUnsupportedVersion : FailureReason::kUnsupportedExchange,
                fmt::format("it speaks {}, this host IKEv1 with main mode", what),
                explain_unread("message 1",
                               fmt::format("that {} is set to IKEv1 with main mode for this host",
                                           datagram.peer.address.to_string()),
                               false));
}

void note_unreachable(Turn& turn, const PeerUnreachable& event) {
  for (const std::uint64_t handle : turn.state.main_modes.with_peer(event.peer)) {
    MainModeSa& sa = *turn.state.main_modes.find(handle);
    if (sa.initiator && sa.half_open()) sa.unreachable = unreachable_text(event);
  }
}

}  // namespace ipsec::ike

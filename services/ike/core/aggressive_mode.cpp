#include "services/ike/core/aggressive_mode.h"

#include <vector>

#include <fmt/format.h>

#include "services/ike/core/policy_lookup.h"
#include "services/ike/wire/message.h"

namespace ipsec::ike {

namespace {

constexpr NotifyType kUnsupportedExchangeType{29};  // RFC 2408 section 3.14.1

}  // namespace

void refuse_aggressive_mode(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  EngineState& state = turn.state;
  const bool is_message1 = header.initiator_cookie != 0 && header.responder_cookie == 0 && header.message_id == 0;
  if (!is_message1 || is_unassigned(state.policy)) {
    ++state.statistics.unexpected_messages;
    return;
  }
  ++state.statistics.negotiation_failures;
  ++state.statistics.receive_fail;
  if (!turn.may_report_unproven()) return;
  turn.report("aggressive_mode_refused", Severity::kWarning,
              fmt::format("{} asks for aggressive mode, which shows identities and lets everybody try preshared keys "
                          "against its hash; this host does main mode only. On the peer: use main mode",
                          datagram.peer.to_string()),
              {{"peer", datagram.peer.to_string()},
               {"local", datagram.local.to_string()},
               {"role", "responder"},
               {"policy", state.policy.policy_name}});
  Header answer = header;
  answer.exchange = ExchangeType::kInformational;
  answer.flags = 0;
  answer.message_id = state.random.u32();
  const std::vector<PayloadContent> payloads = {
      NotifyPayload{kDoiIpsec, kProtocolIsakmp, kUnsupportedExchangeType, {}, {}}};
  turn.send(datagram.local, datagram.peer, write_clear_message(answer, payloads));
}

}  // namespace ipsec::ike

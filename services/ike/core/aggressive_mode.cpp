#include "services/ike/core/aggressive_mode.h"

#include <vector>

#include "services/ike/core/policy_lookup.h"
#include "services/ike/wire/message.h"

namespace ipsec::ike {

namespace {

constexpr NotifyType kUnsupportedExchangeType{29};  // RFC 2408 section 3.14.1

}  // namespace

void refuse_aggressive_mode(Turn& turn, const Header& header, const DatagramReceived& datagram) {
  EngineState& state = turn.state;
  const bool is_message1 = header.initiator_cookie != 0 && header.responder_cookie == 0 && header.message_id == 0;
  if (!is_message1 || is_unassigned(state.policy) || !state.invalid_cookie_answers.allows(turn.now)) return;
  Header answer = header;
  answer.exchange = ExchangeType::kInformational;
  answer.flags = 0;
  answer.message_id = state.random.u32();
  const std::vector<PayloadContent> payloads = {
      NotifyPayload{kDoiIpsec, kProtocolIsakmp, kUnsupportedExchangeType, {}, {}}};
  turn.send(datagram.local, datagram.peer, write_clear_message(answer, payloads));
}

}  // namespace ipsec::ike

#pragma once

#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/bytes.h"
#include "services/common/daemon/logging.h"

namespace ipsec::ike {

// One ISAKMP message for the log, as `set config ikelogging` asks for it: ends, cookies, exchange, message id, and the
// payloads as far as they are in clear. Any octets will do; nothing of a payload's content is told.
std::vector<daemon::LogField> trace_fields(const Endpoint& local, const Endpoint& peer, ByteView datagram);

// The offers of a main mode message in clear, a line for each; none in others.
std::vector<std::string> offers_in(ByteView datagram);

}  // namespace ipsec::ike

#pragma once

#include <string>
#include <string_view>

#include "proto/driver.pb.h"
#include "services/common/result.h"
#include "services/driver/core/events.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/sa.h"
#include "services/driver/core/statistics.h"
#include "services/driver/shell/event_log.h"
#include "services/driver/shell/packet_traces.h"

namespace ipsec {
namespace proto = ::policyagent::v1;
}

// The only place where messages of proto/driver.proto meet values of the core. What comes in is checked: an error names
// the field, what was found and what would be accepted.
namespace ipsec::driver {

// Everything but the filters.
Result<Policy> from_proto(const proto::DriverPolicy& message);
// `field` names the place of the message in errors.
Result<Filter> from_proto(const proto::Filter& message, const std::string& field);
Result<SaParameters> from_proto(const proto::Sa& message);
Result<Direction> from_proto(proto::Direction value, std::string_view field);
Result<SecurityProtocol> from_proto(proto::SecurityProtocol value, std::string_view field);

proto::DriverRequest to_proto(const Acquire& acquire);
proto::DriverRequest to_proto(const RekeyNeeded& rekey);
proto::DriverRequest to_proto(const SaEnded& ended);
proto::DriverRequest to_proto(const PeerMoved& moved);
proto::PacketTrace to_proto(const TracedPacket& traced);
proto::Event to_proto(const Event& event);
proto::SaStatus to_proto(const SaStatus& status);
proto::Counter to_proto(const NamedCounter& counter);
proto::Filter to_proto(const Filter& filter);
proto::FilterStatistics to_proto(const FilterStatistics& statistics);

std::string_view to_string(Profile profile);

}  // namespace ipsec::driver

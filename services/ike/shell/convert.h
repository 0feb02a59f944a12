#pragma once

#include <cstdint>
#include <string>

#include "proto/driver.pb.h"
#include "proto/ike.pb.h"
#include "services/common/result.h"
#include "services/common/rpc/convert.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/engine.h"
#include "services/ike/core/events.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/statistics.h"

// The only place where messages of the sockets meet values of the IKE core. What comes in is checked here: an error
// names the field by its path ("policy.filters[3].selector.source: ..."). References between the lists of a policy are
// the engine's to check.
namespace ipsec::ike {

// Everything but the filters and main mode filters.
Result<IkePolicy> from_proto(const proto::IkePolicy& message);
// `field` is the path of the message in errors.
Result<Filter> from_proto(const proto::Filter& message, const std::string& field);
Result<MainModeFilter> from_proto(const proto::MainModeFilter& message, const std::string& field);

// Acquire, RekeyNeeded or SaEnded.
Result<Event> from_proto(const proto::DriverRequest& message);
// Without keys and without what is of use only in listings.
Result<DriverSasFound> from_proto(const proto::ListSasReply& message);
Result<DeleteRequested> from_proto(const proto::DeleteMainModeSasRequest& message);

Result<FilterDeclined> from_proto(const proto::DeclineIkeRequestRequest& message);

proto::IkeRequest to_proto(const AskForFilter& action);
proto::ReserveSpiRequest to_proto(const ReserveSpi& action);
// Holds keys: hand it to rpc::wipe_keys() after use.
proto::InstallSaRequest to_proto(const InstallSa& action);
proto::DeleteSaRequest to_proto(const DeleteSa& action);
proto::MovePeerRequest to_proto(const MovePeer& action);
proto::AcquireFailedRequest to_proto(const AcquireFailed& action);

proto::MainModeSa to_proto(const MainModeSaStatus& status);
proto::FailedNegotiation to_proto(const FailedNegotiation& failed, Timestamp now);
proto::IkeStatistics to_proto(const Statistics& statistics, std::uint64_t policy_version, bool driver_connected);
// `sequence` from 1; `wall_clock_ms` UTC since 1970.
proto::Event to_proto(const ReportEvent& action, std::uint64_t sequence, std::int64_t wall_clock_ms);

}  // namespace ipsec::ike

#pragma once

#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

// Answers of an agent, small but with every case a listing knows: weak algorithms, tunnels, names beyond ASCII, texts
// with control characters.
namespace ipsec::cli::tests {

proto::Address address(std::string_view text);
proto::AddressRange range(std::string_view text);

proto::ReadReply sample_store();
proto::CompiledPolicyReply sample_compiled();
proto::ListMainModeSasReply sample_main_mode_sas();
proto::ListCertificatesReply sample_certificates();
// One of every kind that is laid out in its own way.
proto::ListFailedNegotiationsReply sample_negotiations();
proto::ListNatFiltersReply sample_nat_filters();
proto::ListSasReply sample_quick_mode_sas();
// The same and manual ones: one that works, one that is used up.
proto::ListSasReply sample_sas();
proto::Statistics sample_statistics();
proto::AgentStatus sample_status();
proto::StoreListing sample_stores();
proto::ListEventsReply sample_events();
proto::LintReply sample_findings();

inline constexpr std::int64_t kSampleTime = 1795204800;  // 2026-11-20 20:00:00 UTC

}  // namespace ipsec::cli::tests

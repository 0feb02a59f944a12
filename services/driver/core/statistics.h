#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "services/common/time.h"
#include "services/driver/core/verdict.h"

// The numbers of `show stats` and of the monitor, summed over all workers.
namespace ipsec::driver {

// X(field, name of the counter, what the monitor of the documented system calls it), in the order of `IPsec
// Statistics`.
// clang-format off
#define IPSEC_DRIVER_STATISTICS(X) \
  X(active_associations,        "active_assoc",                "Active Security Associations") \
  X(offloaded_associations,     "offload_sas",                 "Offloaded Security Associations") \
  X(pending_keys,               "pending_key",                 "Pending Key Operations") \
  X(key_additions,              "key_adds",                    "Key Additions") \
  X(key_deletions,              "key_deletes",                 "Key Deletions") \
  X(rekeys,                     "rekeys",                      "Rekeys") \
  X(active_tunnels,             "active_tunnels",              "Active Tunnels") \
  X(bad_spi_packets,            "bad_spi_packets",             "Bad SPI Packets") \
  X(packets_not_decrypted,      "packets_not_decrypted",       "Packets Not Decrypted") \
  X(packets_not_authenticated,  "packets_not_authenticated",   "Packets Not Authenticated") \
  X(packets_replayed,           "packets_with_replay_detection", "Packets With Replay Detection") \
  X(confidential_bytes_sent,    "confidential_bytes_sent",     "Confidential Bytes Sent") \
  X(confidential_bytes_received, "confidential_bytes_received", "Confidential Bytes Received") \
  X(authenticated_bytes_sent,   "authenticated_bytes_sent",    "Authenticated Bytes Sent") \
  X(authenticated_bytes_received, "authenticated_bytes_received", "Authenticated Bytes Received") \
  X(transport_bytes_sent,       "transport_bytes_sent",        "Transport Bytes Sent") \
  X(transport_bytes_received,   "transport_bytes_received",    "Transport Bytes Received") \
  X(tunnel_bytes_sent,          "tunnel_bytes_sent",           "Bytes Sent In Tunnels") \
  X(tunnel_bytes_received,      "tunnel_bytes_received",       "Bytes Received In Tunnels") \
  X(offloaded_bytes_sent,       "offloaded_bytes_sent",        "Offloaded Bytes Sent") \
  X(offloaded_bytes_received,   "offloaded_bytes_received",    "Offloaded Bytes Received")
// clang-format on

struct FilterStatistics {
  std::uint64_t filter_id = 0;
  std::uint64_t packets = 0;  // a super-packet counts as one
  std::uint64_t bytes = 0;
};

struct Statistics {
#define IPSEC_DRIVER_STATISTIC_FIELD(field, name, text) std::uint64_t field = 0;
  IPSEC_DRIVER_STATISTICS(IPSEC_DRIVER_STATISTIC_FIELD)
#undef IPSEC_DRIVER_STATISTIC_FIELD
  std::array<std::uint64_t, kVerdictCount> verdicts{};  // packets, by Verdict
  std::vector<FilterStatistics> filters;                // in the order of the policy, then those of nat_filters.h
  std::uint64_t held_packets = 0;                       // now
  Duration last_hold{};                                 // how long the packet released last had waited
  Duration longest_hold{};
};

struct NamedCounter {
  std::string_view name;
  std::string_view text;
  std::uint64_t value = 0;
  std::string_view kind = {};  // of a verdict: "pass", "secure", "open", "consume" or "drop"
};
// The quantities of `show stats` in its order; and one counter for each verdict.
std::vector<NamedCounter> named_counters(const Statistics& statistics);
std::vector<NamedCounter> verdict_counters(const Statistics& statistics);

}  // namespace ipsec::driver

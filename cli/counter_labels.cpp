#include "cli/counter_labels.h"

#include <algorithm>
#include <span>

namespace ipsec::cli {

namespace {

struct LabelRow {
  std::string_view name;
  std::string_view netsh;
};

// Only the rows whose words differ from the monitor's.
constexpr LabelRow kIkeLabels[] = {
    {"main_modes", "Main Modes"},
    {"quick_modes", "Quick Modes"},
    {"soft_sas", "Soft SAs"},
    {"acquire_failures", "Acquire fail"},
    {"receive_failures", "Receive fail"},
    {"send_failures", "Send fail"},
    {"acquire_heap_size", "Acquire Heap size"},
    {"receive_heap_size", "Receive Heap size"},
    {"invalid_cookies_received", "Invalid Cookies Rcvd"},
    {"total_get_spi", "TotalGetSpi"},
    {"key_additions", "TotalKeyAdd"},
    {"key_updates", "TotalKeyUpdate"},
    {"get_spi_failures", "GetSpiFail"},
    {"key_addition_failures", "KeyAddFail"},
    {"key_update_failures", "KeyUpdateFail"},
    {"isadb_list_size", "IsadbListSize"},
    {"connection_list_size", "ConnListSize"},
    {"invalid_packets_received", "Invalid Packets Rcvd"},
};

constexpr LabelRow kDriverLabels[] = {
    {"active_assoc", "Active Assoc"},
    {"offload_sas", "Offload SAs"},
    {"pending_key", "Pending Key"},
    {"key_adds", "Key Adds"},
    {"key_deletes", "Key Deletes"},
    {"rekeys", "ReKeys"},
    {"bad_spi_packets", "Bad SPI Pkts"},
    {"packets_not_decrypted", "Pkts not Decrypted"},
    {"packets_not_authenticated", "Pkts not Authenticated"},
    {"packets_with_replay_detection", "Pkts with Replay Detection"},
};

std::string_view label(std::span<const LabelRow> rows, const proto::Counter& counter) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one.name == counter.name(); });
  return row == rows.end() ? std::string_view(counter.text()) : row->netsh;
}

}  // namespace

std::string_view ike_counter_label(const proto::Counter& counter) { return label(kIkeLabels, counter); }
std::string_view driver_counter_label(const proto::Counter& counter) { return label(kDriverLabels, counter); }

}  // namespace ipsec::cli

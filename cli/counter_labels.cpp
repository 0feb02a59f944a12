#include "cli/counter_labels.h"

#include <algorithm>
#include <span>

namespace ipsec::cli {

namespace {

struct LabelRow {
  std::string_view monitor;
  std::string_view netsh;
};

// Only the rows whose words differ.
constexpr LabelRow kIkeLabels[] = {
    {"Oakley Main Modes", "Main Modes"},
    {"Oakley Quick Modes", "Quick Modes"},
    {"Soft Associations", "Soft SAs"},
    {"Acquire Failures", "Acquire fail"},
    {"Receive Failures", "Receive fail"},
    {"Send Failures", "Send fail"},
    {"Acquire Heap Size", "Acquire Heap size"},
    {"Receive Heap Size", "Receive Heap size"},
    {"Invalid Cookies Received", "Invalid Cookies Rcvd"},
    {"Total Get SPI", "TotalGetSpi"},
    {"Key Additions", "TotalKeyAdd"},
    {"Key Updates", "TotalKeyUpdate"},
    {"Get SPI Failures", "GetSpiFail"},
    {"Key Addition Failures", "KeyAddFail"},
    {"Key Update Failures", "KeyUpdateFail"},
    {"ISADB List Size", "IsadbListSize"},
    {"Connection List Size", "ConnListSize"},
    {"Invalid Packets Received", "Invalid Packets Rcvd"},
};

constexpr LabelRow kDriverLabels[] = {
    {"Active Security Associations", "Active Assoc"},
    {"Offloaded Security Associations", "Offload SAs"},
    {"Pending Key Operations", "Pending Key"},
    {"Key Additions", "Key Adds"},
    {"Key Deletions", "Key Deletes"},
    {"Rekeys", "ReKeys"},
    {"Bad SPI Packets", "Bad SPI Pkts"},
    {"Packets Not Decrypted", "Pkts not Decrypted"},
    {"Packets Not Authenticated", "Pkts not Authenticated"},
    {"Packets With Replay Detection", "Pkts with Replay Detection"},
};

std::string_view label(std::span<const LabelRow> rows, std::string_view monitor_text) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one.monitor == monitor_text; });
  return row == rows.end() ? monitor_text : row->netsh;
}

}  // namespace

std::string_view ike_counter_label(std::string_view monitor_text) { return label(kIkeLabels, monitor_text); }
std::string_view driver_counter_label(std::string_view monitor_text) { return label(kDriverLabels, monitor_text); }

}  // namespace ipsec::cli

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

// The quantities of "IKE Statistics" (netsh-ipsec 9.1), and some of our own for what the documented list cannot tell.
namespace ipsec::ike {

struct Statistics {
  std::uint64_t main_modes = 0;   // made so far
  std::uint64_t quick_modes = 0;  // made so far
  std::uint64_t soft_sas = 0;     // made so far
  std::uint64_t authentication_failures = 0;
  std::uint64_t active_acquire = 0;  // requests of the driver being worked on now
  std::uint64_t active_receive = 0;  // exchanges as responder under way now
  std::uint64_t acquire_fail = 0;
  std::uint64_t receive_fail = 0;  // exchanges as responder that failed
  std::uint64_t send_fail = 0;     // counted by the shell
  // Remembered now: requests of the driver, waiting, under way or just served; what peers have begun, and messages that
  // are coming in pieces.
  std::uint64_t acquire_heap_size = 0;
  std::uint64_t receive_heap_size = 0;
  std::uint64_t negotiation_failures = 0;
  std::uint64_t invalid_cookies_received = 0;
  std::uint64_t total_acquire = 0;
  std::uint64_t total_get_spi = 0;
  std::uint64_t total_key_add = 0;     // SAs installed
  std::uint64_t total_key_update = 0;  // inbound SAs installed over a reserved SPI
  std::uint64_t get_spi_fail = 0;
  std::uint64_t key_add_fail = 0;
  std::uint64_t key_update_fail = 0;
  std::uint64_t isadb_list_size = 0;  // main mode SAs now, half-open ones too
  std::uint64_t conn_list_size = 0;   // quick mode SA pairs now
  std::uint64_t invalid_packets_received = 0;

  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t duplicates_answered = 0;
  std::uint64_t half_open_refused = 0;    // message 1 dropped because of a bound
  std::uint64_t half_open_evicted = 0;    // half-open SAs dropped to make room for newer ones
  std::uint64_t suppressed_reports = 0;   // failures not reported because there were too many
  std::uint64_t unexpected_messages = 0;  // well formed, but not awaited
  std::uint64_t undecryptable_messages = 0;
};

struct NamedCounter {
  std::string_view name;  // stable, lower case with underscores: "main_modes"
  std::string_view text;  // the monitor's words
  std::uint64_t value;
};

// In the documented order, then our own.
std::vector<NamedCounter> named_counters(const Statistics& statistics);

}  // namespace ipsec::ike

#include "services/ike/core/statistics.h"

namespace ipsec::ike {

std::vector<NamedCounter> named_counters(const Statistics& s) {
  return {
      {"main_modes", "Oakley Main Modes", s.main_modes},
      {"quick_modes", "Oakley Quick Modes", s.quick_modes},
      {"soft_sas", "Soft Associations", s.soft_sas},
      {"authentication_failures", "Authentication Failures", s.authentication_failures},
      {"active_acquire", "Active Acquire", s.active_acquire},
      {"active_receive", "Active Receive", s.active_receive},
      {"acquire_failures", "Acquire Failures", s.acquire_fail},
      {"receive_failures", "Receive Failures", s.receive_fail},
      {"send_failures", "Send Failures", s.send_fail},
      {"acquire_heap_size", "Acquire Heap Size", s.acquire_heap_size},
      {"receive_heap_size", "Receive Heap Size", s.receive_heap_size},
      {"negotiation_failures", "Negotiation Failures", s.negotiation_failures},
      {"invalid_cookies_received", "Invalid Cookies Received", s.invalid_cookies_received},
      {"total_acquire", "Total Acquire", s.total_acquire},
      {"total_get_spi", "Total Get SPI", s.total_get_spi},
      {"key_additions", "Key Additions", s.total_key_add},
      {"key_updates", "Key Updates", s.total_key_update},
      {"get_spi_failures", "Get SPI Failures", s.get_spi_fail},
      {"key_addition_failures", "Key Addition Failures", s.key_add_fail},
      {"key_update_failures", "Key Update Failures", s.key_update_fail},
      {"isadb_list_size", "ISADB List Size", s.isadb_list_size},
      {"connection_list_size", "Connection List Size", s.conn_list_size},
      {"invalid_packets_received", "Invalid Packets Received", s.invalid_packets_received},
      {"datagrams_received", "Datagrams received", s.datagrams_received},
      {"datagrams_sent", "Datagrams sent", s.datagrams_sent},
      {"retransmissions", "Requests sent again", s.retransmissions},
      {"duplicates_answered", "Repeated requests answered again", s.duplicates_answered},
      {"half_open_refused", "First messages dropped because of a bound", s.half_open_refused},
      {"half_open_evicted", "Half-open main modes dropped to make room", s.half_open_evicted},
      {"suppressed_reports", "Failures counted only, because there were too many", s.suppressed_reports},
      {"unexpected_messages", "Well-formed messages that nobody awaited", s.unexpected_messages},
      {"undecryptable_messages", "Messages that did not decrypt or verify", s.undecryptable_messages},
  };
}

}  // namespace ipsec::ike

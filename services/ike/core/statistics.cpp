#include "services/ike/core/statistics.h"

namespace ipsec::ike {

std::vector<NamedCounter> named_counters(const Statistics& s) {
  return {
      {"Main Modes", "Oakley Main Modes", s.main_modes},
      {"Quick Modes", "Oakley Quick Modes", s.quick_modes},
      {"Soft SAs", "Soft Associations", s.soft_sas},
      {"Authentication Failures", "Authentication Failures", s.authentication_failures},
      {"Active Acquire", "Active Acquire", s.active_acquire},
      {"Active Receive", "Active Receive", s.active_receive},
      {"Acquire fail", "Acquire Failures", s.acquire_fail},
      {"Receive fail", "Receive Failures", s.receive_fail},
      {"Send fail", "Send Failures", s.send_fail},
      {"Acquire Heap size", "Acquire Heap Size", s.acquire_heap_size},
      {"Receive Heap size", "Receive Heap Size", s.receive_heap_size},
      {"Negotiation Failures", "Negotiation Failures", s.negotiation_failures},
      {"Invalid Cookies Rcvd", "Invalid Cookies Received", s.invalid_cookies_received},
      {"Total Acquire", "Total Acquire", s.total_acquire},
      {"TotalGetSpi", "Total Get SPI", s.total_get_spi},
      {"TotalKeyAdd", "Key Additions", s.total_key_add},
      {"TotalKeyUpdate", "Key Updates", s.total_key_update},
      {"GetSpiFail", "Get SPI Failures", s.get_spi_fail},
      {"KeyAddFail", "Key Addition Failures", s.key_add_fail},
      {"KeyUpdateFail", "Key Update Failures", s.key_update_fail},
      {"IsadbListSize", "ISADB List Size", s.isadb_list_size},
      {"ConnListSize", "Connection List Size", s.conn_list_size},
      {"Invalid Packets Rcvd", "Invalid Packets Received", s.invalid_packets_received},
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

#pragma once

#include <cstdint>
#include <string_view>

#include "services/driver/core/ip.h"

namespace ipsec::driver {

// What no filter touches beside ISAKMP (seed rows EX-01 to EX-11): the values of NoDefaultExempt.
enum class Exemptions : std::uint8_t {
  kAll = 0,       // multicast, broadcast, RSVP, Kerberos
  kGroups = 1,    // multicast and broadcast
  kServices = 2,  // RSVP, Kerberos
  kIsakmpOnly = 3,
};

inline constexpr std::uint8_t kProtocolRsvp = 46;
inline constexpr std::uint16_t kKerberosPort = 88;

// RSVP, or Kerberos in either direction by its port on either side (EX-09). `exempts` is of the policy. The hole that a
// source port of 88 makes is the documented one (EX-08).
inline bool is_exempt_service(const PacketView& packet, Exemptions exempts) {
  if (exempts != Exemptions::kAll && exempts != Exemptions::kServices) return false;
  const FiveTuple& tuple = packet.tuple;
  if (tuple.protocol == kProtocolRsvp) return true;
  return packet.ports_visible && (tuple.source_port == kKerberosPort || tuple.destination_port == kKerberosPort);
}

inline bool exempts_groups(Exemptions exempts) { return exempts == Exemptions::kAll || exempts == Exemptions::kGroups; }

}  // namespace ipsec::driver

#pragma once

#include <cstdint>
#include <string>

#include "services/common/algorithms.h"

namespace ipsec::driver {

// OFF-02. Nothing of AH: it is always done in software.
struct OffloadCapabilities {
  std::string provider;           // for people; empty: there is none
  std::uint32_t ciphers = 0;      // bit_of() each cipher
  std::uint32_t integrities = 0;  // bit_of() each integrity beside a cipher; kNone where AEADs are offered
  bool tunnel = false;
  bool udp_encapsulation = false;
  bool extended_sequence = false;
  bool ip_options = false;             // packets with IPv4 options or IPv6 extension headers before ESP
  bool transport_over_tunnel = false;  // tunnel mode around a packet that is protected already

  bool any() const { return !provider.empty(); }
  static std::uint32_t bit_of(Cipher cipher) { return 1U << static_cast<unsigned>(cipher); }
  static std::uint32_t bit_of(Integrity integrity) { return 1U << static_cast<unsigned>(integrity); }
  friend bool operator==(const OffloadCapabilities&, const OffloadCapabilities&) = default;
};
// What both have: an SA is not bound to one interface.
OffloadCapabilities in_common(const OffloadCapabilities& one, const OffloadCapabilities& other);

}  // namespace ipsec::driver

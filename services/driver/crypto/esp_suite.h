#pragma once

#include <cstddef>
#include <cstdint>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/result.h"

// What a pair of algorithms means for the layout of an ESP packet (RFC 4303 section 2):
//
//   SPI 4 | sequence 4 | IV | payload, padding, pad length, next header | ICV
//                             \____________ encrypted ________________/
namespace ipsec::driver {

inline constexpr std::size_t kEspHeaderSize = 8;  // SPI and sequence number
// The largest payload of an IP packet; engines rely on it.
inline constexpr std::size_t kMaxEspPacketSize = 65535;

// A plain value. All sizes are octets.
struct EspSuite {
  Cipher cipher = Cipher::kNull;
  Integrity integrity = Integrity::kNone;
  std::size_t cipher_key_size = 0;  // with the salt of an AEAD, which comes last (RFC 4106 section 8.1)
  std::size_t integrity_key_size = 0;
  std::size_t iv_size = 0;
  std::size_t icv_size = 0;
  std::size_t alignment = 4;  // the encrypted part is a multiple of this power of two
  bool aead = false;

  // Refuses an AEAD with an integrity algorithm and NULL without one. Encryption without integrity is accepted here
  // (the documented system can negotiate it); whether to offer it is for the policy.
  static Result<EspSuite> of(Cipher cipher, Integrity integrity);

  // From the SPI to the first octet that is encrypted.
  std::size_t header_size() const { return kEspHeaderSize + iv_size; }
  // From the SPI to the end of the ICV, for an encrypted part of this size.
  std::size_t packet_size(std::size_t encrypted_size) const { return header_size() + encrypted_size + icv_size; }
  // The encrypted part for this much payload, with the smallest padding.
  std::size_t encrypted_size(std::size_t payload_size) const {
    return (payload_size + 2 + alignment - 1) & ~(alignment - 1);
  }
  // Whether a packet of this size, SPI to ICV, can be of this suite: room for a trailer, whole blocks,
  // at most kMaxEspPacketSize.
  bool fits(std::size_t packet_size) const {
    return packet_size <= kMaxEspPacketSize && packet_size >= header_size() + alignment + icv_size &&
           ((packet_size - header_size() - icv_size) & (alignment - 1)) == 0;
  }
  // The encrypted part of a packet that fits().
  MutableByteView encrypted_part(MutableByteView packet) const {
    return packet.subspan(header_size(), packet.size() - header_size() - icv_size);
  }
};

}  // namespace ipsec::driver

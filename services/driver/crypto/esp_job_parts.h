#pragma once

#include <algorithm>
#include <array>

#include "services/driver/crypto/esp_engine.h"

// The pieces of a job's packet that backends work on. For the backends only.
namespace ipsec::driver {

// Additional authenticated data of an AEAD: SPI, [high half,] sequence number (RFC 4106 section 5).
struct EspAad {
  std::array<std::uint8_t, 12> bytes;
  std::size_t size;

  ByteView view() const { return {bytes.data(), size}; }
};

inline EspAad aad_of(const EspJob& job) {
  EspAad aad{};
  std::copy_n(job.packet.begin(), 4, aad.bytes.begin());
  if (!job.keys->extended_sequence()) {
    std::copy_n(job.packet.begin() + 4, 4, aad.bytes.begin() + 4);
    aad.size = 8;
  } else {
    store_u32(aad.bytes.data() + 4, job.sequence_high);
    std::copy_n(job.packet.begin() + 4, 4, aad.bytes.begin() + 8);
    aad.size = 12;
  }
  return aad;
}

// Salt and IV (RFC 4106 section 4).
inline std::array<std::uint8_t, 12> nonce_of(const EspJob& job, ByteView salt) {
  std::array<std::uint8_t, 12> nonce{};
  std::copy_n(salt.begin(), 4, nonce.begin());
  std::copy_n(job.packet.begin() + kEspHeaderSize, 8, nonce.begin() + 4);
  return nonce;
}

inline MutableByteView iv_of(const EspJob& job) {
  return job.packet.subspan(kEspHeaderSize, job.keys->suite().iv_size);
}
inline MutableByteView icv_of(const EspJob& job) { return job.packet.last(job.keys->suite().icv_size); }
// What a separate integrity algorithm covers, without the high half of the sequence number.
inline ByteView authenticated_part(const EspJob& job) {
  return ByteView(job.packet).first(job.packet.size() - job.keys->suite().icv_size);
}

}  // namespace ipsec::driver

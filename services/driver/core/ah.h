#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/common/bytes.h"
#include "services/driver/core/arena.h"
#include "services/driver/core/ip.h"
#include "services/driver/crypto/ah_keys.h"

// The authentication header (RFC 4302):
//
//   next header 1 | payload length 1 | reserved 2 | SPI 4 | sequence 4 | ICV, padded
namespace ipsec::driver {

inline constexpr std::size_t kAhFixedSize = 12;

// Of a whole header: a multiple of four octets in IPv4, of eight in IPv6.
inline std::size_t ah_header_size(std::size_t icv_size, bool v4) {
  const std::size_t unit = v4 ? 4 : 8;
  return (kAhFixedSize + icv_size + unit - 1) / unit * unit;
}

// What a header says.
struct AhHeader {
  std::uint8_t next_header = 0;
  std::size_t size = 0;  // octets, ICV and padding included
  std::uint32_t spi = 0;
  std::uint32_t sequence = 0;
};
// nullopt: longer than `bytes`, or too short for a header.
std::optional<AhHeader> read_ah(ByteView bytes);

// Writes the header with zeros for the ICV into all of `out`.
void write_ah(MutableByteView out, std::uint8_t next_header, std::uint32_t spi, std::uint32_t sequence);

// One packet under AH: all of it, its lengths and checksums written, and where its AH header of `ah_size` octets
// begins. `sequence_high` is the unsent half of a 64-bit sequence number; nullopt: numbers of 32 bits. Scratch memory
// comes from `arena`.
struct AhJob {
  const AhKeys& keys;
  unsigned engine_index;
  MutableByteView packet;
  std::size_t ah_offset;
  std::size_t ah_size;
  std::optional<std::uint32_t> sequence_high;
  Arena& arena;
  std::uint64_t iv_start = 0;  // of GMAC, see Sa::iv_start(); signing only
};
// Whether the IP headers before AH can be read; `headers` is scratch and is changed.
bool ah_can_cover(MutableByteView headers);
// False: options or extension headers before AH whose lengths contradict each other; nothing is written.
bool ah_sign(const AhJob& job);
// Requires ah_size == ah_header_size(keys.icv_size()).
bool ah_verify(const AhJob& job);

}  // namespace ipsec::driver

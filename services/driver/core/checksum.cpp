#include "services/driver/core/checksum.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace ipsec::driver {
namespace {

std::uint64_t load_word(const std::uint8_t* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The last octets that do not fill a word, padded with zeros.
std::uint64_t load_tail(const std::uint8_t* at, std::size_t count) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, count);
  return word;
}

}  // namespace

std::uint64_t checksum_add(ByteView bytes) {
  // Four sums of 32-bit words in 64-bit registers: independent chains, and no carry is lost below 16 GiB.
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    a += load_word(at);
    b += load_word(at + 4);
    c += load_word(at + 8);
    d += load_word(at + 12);
  }
  for (; left >= 4; left -= 4, at += 4) a += load_word(at);
  if (left > 0) b += load_tail(at, left);
  return a + b + c + d;
}

std::uint64_t checksum_copy(MutableByteView destination, ByteView source) {
  assert(destination.size() >= source.size());
  if (source.empty()) return 0;
  std::memcpy(destination.data(), source.data(), source.size());
  return checksum_add(destination.first(source.size()));
}

std::uint64_t checksum_pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                     std::size_t transport_length) {
  std::uint8_t rest[8];
  store_u32(rest, static_cast<std::uint32_t>(transport_length));
  store_u32(rest + 4, protocol);
  return checksum_add(source.bytes()) + checksum_add(destination.bytes()) + checksum_add(rest);
}

std::uint16_t checksum_fold(std::uint64_t sum) {
  while ((sum >> 16) != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  const auto folded = static_cast<std::uint16_t>(sum);
  if constexpr (std::endian::native == std::endian::little) {
    return static_cast<std::uint16_t>((folded << 8) | (folded >> 8));
  }
  return folded;
}

void set_ipv4_checksum(MutableByteView header) {
  store_u16(header.data() + 10, 0);
  store_u16(header.data() + 10, checksum_finish(checksum_add(header)));
}

bool ipv4_checksum_is_good(ByteView header) { return checksum_fold(checksum_add(header)) == 0xFFFF; }

}  // namespace ipsec::driver

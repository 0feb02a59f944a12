#pragma once

#include <memory>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>

#include "services/driver/crypto/esp_engine.h"
#include "tests/support/seeded_random.h"

namespace ipsec::driver {

inline void PrintTo(EspBackend backend, std::ostream* out) { *out << name_of(backend); }

// Every suite that EspSuite::of accepts and the backend has.
inline std::vector<EspSuite> all_suites(EspBackend backend) {
  std::vector<EspSuite> suites;
  if (backend == EspBackend::kOpenssl) suites.push_back(*EspSuite::of(Cipher::kChacha20Poly1305, Integrity::kNone));
  for (const CipherInfo& cipher : all_ciphers()) {
    for (const IntegrityInfo& integrity : all_integrities()) {
      if (auto suite = EspSuite::of(cipher.id, integrity.id); suite.ok()) suites.push_back(*suite);
    }
  }
  return suites;
}

inline std::string name_of(const EspSuite& suite) {
  return std::string(info(suite.cipher).name) + "+" + std::string(info(suite.integrity).name);
}

inline std::shared_ptr<const EspKeys> keys_of(const EspSuite& suite, ByteView cipher_key, ByteView integrity_key,
                                              bool extended_sequence, EspBackend backend) {
  auto keys = make_esp_keys(suite.cipher, suite.integrity, SecretBytes(cipher_key), SecretBytes(integrity_key),
                            extended_sequence, backend);
  EXPECT_TRUE(keys.ok()) << keys.status().message();
  return *keys;
}

// A packet with room for IV and ICV and random content in its encrypted part.
inline Bytes clear_packet(const EspSuite& suite, std::size_t payload_size, tests::SeededRandom& random) {
  Bytes packet(suite.packet_size(suite.encrypted_size(payload_size)));
  random.fill(MutableByteView(packet).first(kEspHeaderSize));
  random.fill(suite.encrypted_part(packet));
  return packet;
}

// Skips where this machine does not have the backend.
class EachBackend : public testing::TestWithParam<EspBackend> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << name_of(GetParam()) << " is not available";
  }
};

}  // namespace ipsec::driver

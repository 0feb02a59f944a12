#include <map>
#include <optional>

#include "tests/driver/crypto/esp_test_support.h"
#include "tests/support/published_data.h"

namespace ipsec::driver {
namespace {

using tests::hex_field;

class EspVectors : public EachBackend {
 protected:
  // Opens `packet` and expects `clear`; then expects a refusal for a changed octet of the ICV, if there is one.
  void expect_opens(const EspSuite& suite, ByteView cipher_key, ByteView integrity_key, ByteView packet, ByteView clear,
                    std::optional<std::uint32_t> sequence_high = std::nullopt) {
    const auto keys = keys_of(suite, cipher_key, integrity_key, sequence_high.has_value(), GetParam());
    Bytes copy(packet.begin(), packet.end());
    EspJob job{keys.get(), copy, sequence_high.value_or(0)};
    engine_.open({&job, 1});
    ASSERT_EQ(job.verdict, EspVerdict::kOk) << name_of(suite);
    EXPECT_EQ(to_hex(job.clear_part()), to_hex(clear)) << name_of(suite);
    if (suite.icv_size == 0) return;
    copy.assign(packet.begin(), packet.end());
    copy.back() ^= 1;
    engine_.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kBadIcv) << name_of(suite);
  }

  tests::SeededRandom random_{1};
  EspEngine engine_{0, random_};
};

// What follows the IPv4 header, and the UDP header where said.
ByteView esp_of(const Bytes& ip_packet, bool udp_encapsulated = false) {
  const std::size_t header = (ip_packet[0] & 15U) * 4U + (udp_encapsulated ? 8U : 0U);
  return ByteView(ip_packet).subspan(header);
}

Bytes concatenated(Bytes first, ByteView second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// RFC 4303 section 2.4.
Bytes with_trailer(Bytes payload, std::uint8_t pad_length, std::uint8_t next_header) {
  for (std::uint8_t i = 1; i <= pad_length; ++i) payload.push_back(i);
  payload.push_back(pad_length);
  payload.push_back(next_header);
  return payload;
}

Integrity integrity_named(const std::string& name) {
  if (name == "HMAC-MD5-96") return Integrity::kMd5;
  if (name == "HMAC-SHA1-96") return Integrity::kSha1;
  if (name == "HMAC-SHA-256-128") return Integrity::kSha256;
  if (name == "HMAC-SHA-384-192") return Integrity::kSha384;
  if (name == "HMAC-SHA-512-256") return Integrity::kSha512;
  return Integrity::kNone;
}

// nullopt for the suites that ESP has not here (GMAC), or not by this backend (ChaCha20).
std::optional<Cipher> cipher_named(const std::string& name, EspBackend backend) {
  if (name == "CHACHA20-POLY1305" && backend == EspBackend::kOpenssl) return Cipher::kChacha20Poly1305;
  static const std::map<std::string, Cipher> names = {
      {"NULL", Cipher::kNull},
      {"DES-CBC", Cipher::kDes},
      {"3DES-CBC", Cipher::kTripleDes},
      {"AES-CBC-128", Cipher::kAes128Cbc},
      {"AES-CBC-192", Cipher::kAes192Cbc},
      {"AES-CBC-256", Cipher::kAes256Cbc},
      {"AES-GCM-16 128", Cipher::kAes128Gcm},
      {"AES-GCM-16 192", Cipher::kAes192Gcm},
      {"AES-GCM-16 256", Cipher::kAes256Gcm},
  };
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

Bytes optional_field(const nlohmann::json& vector, const char* name) {
  return vector.contains(name) && !vector.at(name).is_null() ? hex_field(vector, name) : Bytes();
}

TEST_P(EspVectors, aes_gcm_mcgrew) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/aes-gcm-esp-mcgrew.json");
  for (const auto& vector : file.at("cases")) {
    const Bytes key = hex_field(vector, "key");
    const auto cipher = *esp_cipher(20, static_cast<std::uint16_t>(key.size() * 8));
    std::optional<std::uint32_t> high;
    if (vector.at("esn").get<bool>()) high = load_u32(hex_field(vector, "seq_hi").data());
    expect_opens(*EspSuite::of(cipher, Integrity::kNone), concatenated(key, hex_field(vector, "salt")), {},
                 hex_field(vector, "esp_packet"), hex_field(vector, "plaintext_with_trailer"), high);
  }
}

TEST_P(EspVectors, chacha20_poly1305_rfc_7634) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/chacha20-poly1305-esp-rfc7634.json");
  if (GetParam() != EspBackend::kOpenssl) GTEST_SKIP() << "OpenSSL does ChaCha20-Poly1305 for every SA";
  const auto& vector = file.at("cases").at(0);  // the other one is of IKEv2
  expect_opens(*EspSuite::of(Cipher::kChacha20Poly1305, Integrity::kNone),
               concatenated(hex_field(vector, "key"), hex_field(vector, "salt")), {}, hex_field(vector, "esp_packet"),
               hex_field(vector, "plaintext"));
}

TEST_P(EspVectors, aes_cbc_rfc_3602) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/aes-cbc-esp-rfc3602.json");
  int used = 0;
  for (const auto& vector : file.at("cases")) {
    if (!vector.contains("packet")) continue;
    ++used;
    expect_opens(*EspSuite::of(Cipher::kAes128Cbc, Integrity::kNone), hex_field(vector, "key"), {},
                 esp_of(hex_field(vector, "packet")), hex_field(vector, "plaintext"));
  }
  EXPECT_EQ(used, 4);
}

TEST_P(EspVectors, constructed_suites) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/esp-constructed-suites.json");
  int used = 0;
  for (const auto& vector : file.at("cases")) {
    const auto cipher = cipher_named(vector.at("cipher"), GetParam());
    if (!cipher) continue;
    ++used;
    const auto suite = *EspSuite::of(*cipher, integrity_named(vector.at("integrity")));
    std::optional<std::uint32_t> high;
    if (vector.at("esn").get<bool>()) high = vector.at("seq_hi").get<std::uint32_t>();
    const Bytes clear = with_trailer(hex_field(vector, "clear"), vector.at("pad_length"), vector.at("next_header"));
    expect_opens(suite, concatenated(optional_field(vector, "enc_key"), optional_field(vector, "salt")),
                 optional_field(vector, "integ_key"), esp_of(hex_field(vector, "packet")), clear, high);
  }
  EXPECT_EQ(used, GetParam() == EspBackend::kOpenssl ? 48 : 46);
}

TEST_P(EspVectors, tcpdump_captures) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/esp-captures-tcpdump.json");
  for (const auto& vector : file.at("cases")) {
    const Bytes ip_packet = hex_field(vector, "ip_packet");
    ByteView packet = esp_of(ip_packet, vector.at("udp_encapsulated").get<bool>());
    const Bytes integrity_key = optional_field(vector, "integrity_key");
    Integrity integrity = Integrity::kMd5;
    if (integrity_key.empty()) {
      // The key of that ICV was never published: only the encryption can be checked.
      integrity = Integrity::kNone;
      packet = packet.first(packet.size() - vector.at("icv_length").get<std::size_t>());
    }
    expect_opens(*EspSuite::of(Cipher::kTripleDes, integrity), hex_field(vector, "key"), integrity_key, packet,
                 hex_field(vector, "plaintext"));
  }
}

INSTANTIATE_TEST_SUITE_P(, EspVectors, testing::Values(EspBackend::kOpenssl, EspBackend::kMultiBuffer));

}  // namespace
}  // namespace ipsec::driver

// Published and captured ESP packets through the whole way in.
#include <map>

#include <gtest/gtest.h>

#include "tests/driver/core/test_host.h"
#include "tests/support/published_data.h"

namespace ipsec::driver::tests {
namespace {

using ipsec::tests::hex_field;
using nlohmann::json;

struct SuiteName {
  const char* cipher;
  Cipher id;
};
constexpr SuiteName kCiphers[] = {{"NULL", Cipher::kNull},
                                  {"DES-CBC", Cipher::kDes},
                                  {"3DES-CBC", Cipher::kTripleDes},
                                  {"AES-CBC-128", Cipher::kAes128Cbc},
                                  {"AES-CBC-192", Cipher::kAes192Cbc},
                                  {"AES-CBC-256", Cipher::kAes256Cbc},
                                  {"AES-GCM-16 128", Cipher::kAes128Gcm},
                                  {"AES-GCM-16 192", Cipher::kAes192Gcm},
                                  {"AES-GCM-16 256", Cipher::kAes256Gcm}};
const std::map<std::string, Integrity> kIntegrities = {
    {"combined", Integrity::kNone},           {"HMAC-MD5-96", Integrity::kMd5},
    {"HMAC-SHA1-96", Integrity::kSha1},       {"HMAC-SHA-256-128", Integrity::kSha256},
    {"HMAC-SHA-384-192", Integrity::kSha384}, {"HMAC-SHA-512-256", Integrity::kSha512}};

std::optional<Cipher> cipher_of(const std::string& name) {
  for (const SuiteName& suite : kCiphers) {
    if (suite.cipher == name) return suite.id;
  }
  return std::nullopt;
}

// A host at the packet's destination with an SA for it and no filters that would matter.
struct Receiver {
  Receiver(const Bytes& packet, std::uint32_t spi, bool tunnel, Cipher cipher, Integrity integrity, const Bytes& key,
           const Bytes& integrity_key)
      : host(IpAddress::from_bytes(ByteView(packet).subspan(16, 4)).to_string()) {
    host.set_filters({});
    SaParameters sa;
    sa.spi = spi;
    sa.direction = Direction::kInbound;
    sa.encapsulation = tunnel ? Encapsulation::kTunnel : Encapsulation::kTransport;
    sa.source = IpAddress::from_bytes(ByteView(packet).subspan(12, 4));
    sa.destination = host.own();
    sa.cipher = cipher;
    sa.integrity = integrity;
    sa.encryption_key = SecretBytes(ByteView(key));
    sa.integrity_key = SecretBytes(ByteView(integrity_key));
    host.random().next_u32(spi);
    EXPECT_TRUE(host.control().reserve_spi(SecurityProtocol::kEsp, sa.destination, sa.source, host.now).ok());
    const Status status = host.control().install_sa(std::move(sa), host.now);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  TestHost host;
};

// The packet that transport mode gives back: the outer header with protocol and length of the payload.
Bytes without_esp(const Bytes& packet, const Bytes& clear, std::uint8_t protocol) {
  Bytes expected(packet.begin(), packet.begin() + 20);
  expected[9] = protocol;
  expected.insert(expected.end(), clear.begin(), clear.end());
  set_ip_length(expected, 20);
  return expected;
}

TEST(EspVectors, HDR_08_HDR_11_HDR_15_constructed_packet_of_every_suite) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(vectors, "data/vectors/esp-constructed-suites.json");
  std::size_t opened = 0;
  for (const json& vector : vectors.at("cases")) {
    const auto cipher = cipher_of(vector.at("cipher"));
    if (!cipher || vector.at("esn").get<bool>()) continue;  // suites and sequence numbers that are not offered
    SCOPED_TRACE(vector.at("cipher").get<std::string>() + " " + vector.at("mode").get<std::string>());
    const Bytes packet = hex_field(vector, "packet");
    Bytes key = hex_field(vector, "enc_key");
    const bool aead = vector.at("integrity") == "combined";
    if (aead) {
      const Bytes salt = hex_field(vector, "salt");
      key.insert(key.end(), salt.begin(), salt.end());
    }
    const bool tunnel = vector.at("mode") == "tunnel";
    Receiver receiver(packet, load_u32(hex_field(vector, "spi").data()), tunnel, *cipher,
                      kIntegrities.at(vector.at("integrity")), key, aead ? Bytes{} : hex_field(vector, "integ_key"));
    const auto result = receiver.host.receive(packet);
    ASSERT_EQ(result.to_host.size(), 1U);
    const Bytes clear = hex_field(vector, "clear");
    EXPECT_EQ(result.to_host[0].bytes,
              tunnel ? clear : without_esp(packet, clear, vector.at("next_header").get<std::uint8_t>()));
    ++opened;
  }
  EXPECT_EQ(opened, 23U);
}

TEST(EspVectors, captured_packets_of_another_implementation) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(vectors, "data/vectors/esp-captures-tcpdump.json");
  std::size_t opened = 0;
  for (const json& vector : vectors.at("cases")) {
    // ESP in UDP and packets whose integrity key was not published are for others.
    if (vector.at("udp_encapsulated").get<bool>() || vector.at("integrity_key").is_null()) continue;
    // A packet that was inside another one stands there as "plaintext" of its carrier.
    const Bytes packet = hex_field(vector, "ip_packet");
    if (packet.size() < 28 || packet[9] != kProtocolEsp ||
        load_u32(&packet[20]) != load_u32(hex_field(vector, "spi").data()))
      continue;
    SCOPED_TRACE(vector.at("file").get<std::string>() + " " + std::to_string(vector.at("packet").get<int>()));
    Receiver receiver(packet, load_u32(hex_field(vector, "spi").data()), true, Cipher::kTripleDes, Integrity::kMd5,
                      hex_field(vector, "key"), hex_field(vector, "integrity_key"));
    const auto result = receiver.host.receive(packet);
    ASSERT_EQ(result.to_host.size(), 1U);
    Bytes plaintext = hex_field(vector, "plaintext");  // with its trailer
    plaintext.resize(plaintext.size() - vector.at("pad_length").get<std::size_t>() - 2);
    EXPECT_EQ(result.to_host[0].bytes, plaintext);
    ++opened;
  }
  EXPECT_GE(opened, 8U);
}

}  // namespace
}  // namespace ipsec::driver::tests

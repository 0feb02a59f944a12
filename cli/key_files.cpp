#include "cli/key_files.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "services/common/rpc/convert.h"

namespace ipsec::cli {

namespace {

struct CipherName {
  Cipher cipher;
  std::string_view name;
};
// packet-ipsec.c of Wireshark: the values of "Encryption".
constexpr CipherName kCipherNames[] = {
    {Cipher::kNull, "NULL"},
    {Cipher::kDes, "DES-CBC [RFC2405]"},
    {Cipher::kTripleDes, "TripleDES-CBC [RFC2451]"},
    {Cipher::kAes128Cbc, "AES-CBC [RFC3602]"},
    {Cipher::kAes192Cbc, "AES-CBC [RFC3602]"},
    {Cipher::kAes256Cbc, "AES-CBC [RFC3602]"},
    {Cipher::kAes128Gcm, "AES-GCM with 16 octet ICV [RFC4106]"},
    {Cipher::kAes192Gcm, "AES-GCM with 16 octet ICV [RFC4106]"},
    {Cipher::kAes256Gcm, "AES-GCM with 16 octet ICV [RFC4106]"},
    {Cipher::kChacha20Poly1305, "ChaCha20 with Poly1305 [RFC7634]"},
};
struct HashName {
  Integrity integrity;
  std::string_view name;
};
constexpr HashName kHashNames[] = {
    {Integrity::kNone, "NULL"},
    {Integrity::kMd5, "HMAC-MD5-96 [RFC2403]"},
    {Integrity::kSha1, "HMAC-SHA-1-96 [RFC2404]"},
    {Integrity::kSha256, "HMAC-SHA-256-128 [RFC4868]"},
    {Integrity::kSha384, "HMAC-SHA-384-192 [RFC4868]"},
    {Integrity::kSha512, "HMAC-SHA-512-256 [RFC4868]"},
};

void add(SecretBytes& text, std::string_view part) { text.append(as_bytes(part)); }

void add_hex(SecretBytes& text, std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : key) {
    const auto octet = static_cast<unsigned char>(c);
    add(text, kDigits.substr(octet >> 4U, 1));
    add(text, kDigits.substr(octet & 15U, 1));
  }
}

template <typename List, typename Value>
std::optional<std::string_view> name_in(const List& list, Value value) {
  for (const auto& [key, name] : list) {
    if (key == value) return name;
  }
  return std::nullopt;
}

void add_key(SecretBytes& text, std::string_view key) {
  add(text, key.empty() ? "\"" : "\"0x");
  add_hex(text, key);
  add(text, "\"");
}

// False where the dissector has no name for it.
bool add_line(const proto::EspKeys& keys, SecretBytes& text) {
  const auto cipher = rpc::from_proto(keys.cipher(), "cipher");
  const auto integrity = rpc::from_proto(keys.integrity(), "integrity");
  const auto source = rpc::from_proto(keys.source(), "source");
  const auto destination = rpc::from_proto(keys.destination(), "destination");
  if (!cipher.ok() || !integrity.ok() || !source.ok() || !destination.ok()) return false;
  const auto cipher_name = name_in(kCipherNames, *cipher);
  const auto hash_name = name_in(kHashNames, *integrity);
  if (!cipher_name || !hash_name) return false;
  add(text, fmt::format("\"{}\",\"{}\",\"{}\",\"{:#010x}\",\"{}\",", source->is_v4() ? "IPv4" : "IPv6",
                        source->to_string(), destination->to_string(), keys.spi(), *cipher_name));
  add_key(text, keys.encryption_key());
  add(text, fmt::format(",\"{}\",", *hash_name));
  add_key(text, keys.integrity_key());
  add(text, "\n");
  return true;
}

}  // namespace

SecretBytes main_mode_key_lines(const std::vector<proto::KeyRecord>& records) {
  SecretBytes text;
  for (const proto::KeyRecord& record : records) {
    if (!record.has_main_mode()) continue;
    add(text, fmt::format("{:016x},", record.main_mode().initiator_cookie()));
    add_hex(text, record.main_mode().encryption_key());
    add(text, "\n");
  }
  return text;
}

SecretBytes esp_key_lines(const std::vector<proto::KeyRecord>& records, std::size_t& left_out) {
  SecretBytes text;
  for (const proto::KeyRecord& record : records) {
    if (record.has_esp() && !add_line(record.esp(), text)) ++left_out;
  }
  return text;
}

}  // namespace ipsec::cli

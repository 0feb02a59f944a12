#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

// The one table of algorithms: our names, the IANA numbers of IKEv1 phase 1, of ESP, and every size. No other file
// holds an algorithm number or a key length. Sources: RFC 2407 4.4, RFC 2409 appendix A, RFC 3526, 4106, 4868, 5903,
// 8031, 7634, 4543.
namespace ipsec {

enum class Cipher : std::uint8_t {
  kNull,
  kDes,
  kTripleDes,
  kAes128Cbc,
  kAes192Cbc,
  kAes256Cbc,
  kAes128Gcm,
  kAes192Gcm,
  kAes256Gcm,
  kChacha20Poly1305
};
enum class Integrity : std::uint8_t {
  kNone,
  kMd5,
  kSha1,
  kSha256,
  kSha384,
  kSha512,
  kAes128Gmac,
  kAes192Gmac,
  kAes256Gmac
};
enum class DhGroup : std::uint8_t {
  kNone = 0,
  kModp768 = 1,
  kModp1024 = 2,
  kModp1536 = 5,
  kModp2048 = 14,
  kModp3072 = 15,
  kModp4096 = 16,
  kModp6144 = 17,
  kModp8192 = 18,
  kEcp256 = 19,
  kEcp384 = 20,
  kEcp521 = 21,
  kCurve25519 = 31,
};

// Sizes are octets. An IKE number of 0 means: not usable there.
struct CipherInfo {
  Cipher id;
  std::string_view name;       // as policies and netsh write it: "3DES", "AES128", "AES128-GCM"
  std::uint16_t ike_number;    // phase 1 encryption algorithm (attribute 1)
  std::uint8_t esp_transform;  // ESP transform id
  std::uint16_t key_bits;      // key length attribute; 0 where the attribute must be absent
  std::size_t key_size;        // without salt
  std::size_t salt_size;       // taken from KEYMAT after the key (RFC 4106 8.1)
  std::size_t iv_size;         // on the wire in ESP
  std::size_t block_size;      // cipher block, 1 for NULL and AEAD
  std::size_t icv_size;        // AEAD tag; 0 otherwise
  bool weak;                   // every listing marks it; never in a default offer

  bool is_aead() const { return icv_size != 0; }
};

struct IntegrityInfo {
  Integrity id;
  std::string_view name;      // "SHA1", "SHA256"
  std::uint16_t ike_number;   // phase 1 hash (attribute 2)
  std::uint16_t esp_number;   // authentication algorithm (phase 2 attribute 5)
  std::uint8_t ah_transform;  // AH transform id
  std::size_t hash_size;
  std::size_t key_size;  // HMAC key of ESP and AH
  std::size_t
      icv_size;  // truncated (RFC 2403, 2404, 4868); GMAC: with its IV, which is a part of the field (RFC 4543 4)
  bool weak;

  // For AH only; the key has the salt appended.
  bool is_gmac() const { return id >= Integrity::kAes128Gmac; }
};

struct DhGroupInfo {
  DhGroup id;
  std::string_view name;  // "modp2048", "ecp256", "curve25519"
  std::uint16_t number;
  std::size_t public_size;  // KE payload body
  std::size_t shared_size;  // g^xy, left padded to this
  bool weak;
};

// Those that IKEv1 negotiates and policies may name. Others (ChaCha20-Poly1305, GMAC) have rows too, for SAs that are
// installed with them.
std::span<const CipherInfo> all_ciphers();
std::span<const IntegrityInfo> all_integrities();
std::span<const DhGroupInfo> all_dh_groups();

// Require a value of the enumeration.
const CipherInfo& info(Cipher cipher);
const IntegrityInfo& info(Integrity integrity);
const DhGroupInfo& info(DhGroup group);  // also for kNone, whose sizes are 0

// Names are compared without regard to case. nullopt where there is none.
std::optional<Cipher> cipher_by_name(std::string_view name);
std::optional<Integrity> integrity_by_name(std::string_view name);
// The same with those that IKEv1 does not negotiate.
std::optional<Cipher> manual_cipher_by_name(std::string_view name);
std::optional<Integrity> manual_integrity_by_name(std::string_view name);
std::optional<DhGroup> dh_group_by_name(std::string_view name);
std::optional<DhGroup> dh_group_by_number(std::uint16_t number);

// From the wire. `key_bits` is 0 where the attribute was absent; a cipher of fixed length must come without it (RFC
// 2407 4.5).
std::optional<Cipher> ike_cipher(std::uint16_t ike_number, std::uint16_t key_bits);
std::optional<Cipher> esp_cipher(std::uint8_t esp_transform, std::uint16_t key_bits);
std::optional<Integrity> ike_hash(std::uint16_t ike_number);
std::optional<Integrity> esp_integrity(std::uint16_t esp_number);

}  // namespace ipsec

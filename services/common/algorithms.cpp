#include "services/common/algorithms.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>

namespace ipsec {

namespace {

constexpr std::array kCiphers = {
    //          id                  name          ike esp bits key salt iv block icv weak
    CipherInfo{Cipher::kNull, "NONE", 0, 11, 0, 0, 0, 0, 1, 0, false},
    CipherInfo{Cipher::kDes, "DES", 1, 2, 0, 8, 0, 8, 8, 0, true},
    CipherInfo{Cipher::kTripleDes, "3DES", 5, 3, 0, 24, 0, 8, 8, 0, false},
    CipherInfo{Cipher::kAes128Cbc, "AES128", 7, 12, 128, 16, 0, 16, 16, 0, false},
    CipherInfo{Cipher::kAes192Cbc, "AES192", 7, 12, 192, 24, 0, 16, 16, 0, false},
    CipherInfo{Cipher::kAes256Cbc, "AES256", 7, 12, 256, 32, 0, 16, 16, 0, false},
    CipherInfo{Cipher::kAes128Gcm, "AES128-GCM", 0, 20, 128, 16, 4, 8, 1, 16, false},
    CipherInfo{Cipher::kAes192Gcm, "AES192-GCM", 0, 20, 192, 24, 4, 8, 1, 16, false},
    CipherInfo{Cipher::kAes256Gcm, "AES256-GCM", 0, 20, 256, 32, 4, 8, 1, 16, false},
    CipherInfo{Cipher::kChacha20Poly1305, "CHACHA20-POLY1305", 0, 0, 0, 32, 4, 8, 1, 16, false},
};

constexpr std::array kIntegrities = {
    //             id                   name     ike esp ah hash key icv weak
    IntegrityInfo{Integrity::kNone, "NONE", 0, 0, 0, 0, 0, 0, false},
    IntegrityInfo{Integrity::kMd5, "MD5", 1, 1, 2, 16, 16, 12, true},
    IntegrityInfo{Integrity::kSha1, "SHA1", 2, 2, 3, 20, 20, 12, false},
    IntegrityInfo{Integrity::kSha256, "SHA256", 4, 5, 5, 32, 32, 16, false},
    IntegrityInfo{Integrity::kSha384, "SHA384", 5, 6, 6, 48, 48, 24, false},
    IntegrityInfo{Integrity::kSha512, "SHA512", 6, 7, 7, 64, 64, 32, false},
    IntegrityInfo{Integrity::kAes128Gmac, "AES128-GMAC", 0, 11, 11, 24, 20, 24, false},
    IntegrityInfo{Integrity::kAes192Gmac, "AES192-GMAC", 0, 12, 12, 24, 28, 24, false},
    IntegrityInfo{Integrity::kAes256Gmac, "AES256-GMAC", 0, 13, 13, 24, 36, 24, false},
};

constexpr std::array kDhGroups = {
    DhGroupInfo{DhGroup::kNone, "none", 0, 0, 0, false},
    DhGroupInfo{DhGroup::kModp768, "modp768", 1, 96, 96, true},
    DhGroupInfo{DhGroup::kModp1024, "modp1024", 2, 128, 128, true},
    DhGroupInfo{DhGroup::kModp1536, "modp1536", 5, 192, 192, false},
    DhGroupInfo{DhGroup::kModp2048, "modp2048", 14, 256, 256, false},
    DhGroupInfo{DhGroup::kModp3072, "modp3072", 15, 384, 384, false},
    DhGroupInfo{DhGroup::kModp4096, "modp4096", 16, 512, 512, false},
    DhGroupInfo{DhGroup::kModp6144, "modp6144", 17, 768, 768, false},
    DhGroupInfo{DhGroup::kModp8192, "modp8192", 18, 1024, 1024, false},
    DhGroupInfo{DhGroup::kEcp256, "ecp256", 19, 64, 32, false},
    DhGroupInfo{DhGroup::kEcp384, "ecp384", 20, 96, 48, false},
    DhGroupInfo{DhGroup::kEcp521, "ecp521", 21, 132, 66, false},
    DhGroupInfo{DhGroup::kCurve25519, "curve25519", 31, 32, 32, false},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

template <typename Table, typename Predicate>
auto find_row(const Table& table, Predicate predicate) {
  auto row = std::find_if(table.begin(), table.end(), predicate);
  using Id = decltype(row->id);
  return row == table.end() ? std::optional<Id>() : std::optional<Id>(row->id);
}

template <typename Table, typename Id>
const auto& row_of(const Table& table, Id id) {
  auto row = std::find_if(table.begin(), table.end(), [id](const auto& entry) { return entry.id == id; });
  assert(row != table.end());
  return *row;
}

}  // namespace

std::span<const CipherInfo> all_ciphers() {
  return std::span(kCiphers).first(static_cast<std::size_t>(Cipher::kChacha20Poly1305));
}
std::span<const IntegrityInfo> all_integrities() {
  return std::span(kIntegrities).first(static_cast<std::size_t>(Integrity::kAes128Gmac));
}
std::span<const DhGroupInfo> all_dh_groups() { return kDhGroups; }

const CipherInfo& info(Cipher cipher) { return row_of(kCiphers, cipher); }
const IntegrityInfo& info(Integrity integrity) { return row_of(kIntegrities, integrity); }
const DhGroupInfo& info(DhGroup group) { return row_of(kDhGroups, group); }

std::optional<Cipher> cipher_by_name(std::string_view name) {
  return find_row(all_ciphers(), [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

std::optional<Integrity> integrity_by_name(std::string_view name) {
  return find_row(all_integrities(), [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

std::optional<Cipher> manual_cipher_by_name(std::string_view name) {
  return find_row(kCiphers, [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

std::optional<Integrity> manual_integrity_by_name(std::string_view name) {
  return find_row(kIntegrities, [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

std::optional<DhGroup> dh_group_by_name(std::string_view name) {
  return find_row(kDhGroups, [name](const auto& row) { return equal_ignoring_case(row.name, name); });
}

std::optional<DhGroup> dh_group_by_number(std::uint16_t number) {
  return find_row(kDhGroups, [number](const auto& row) { return row.number == number && number != 0; });
}

std::optional<Cipher> ike_cipher(std::uint16_t ike_number, std::uint16_t key_bits) {
  return find_row(all_ciphers(), [=](const auto& row) {
    return row.ike_number == ike_number && ike_number != 0 && row.key_bits == key_bits;
  });
}

std::optional<Cipher> esp_cipher(std::uint8_t esp_transform, std::uint16_t key_bits) {
  return find_row(all_ciphers(),
                  [=](const auto& row) { return row.esp_transform == esp_transform && row.key_bits == key_bits; });
}

std::optional<Integrity> ike_hash(std::uint16_t ike_number) {
  return find_row(all_integrities(), [=](const auto& row) { return row.ike_number == ike_number && ike_number != 0; });
}

std::optional<Integrity> esp_integrity(std::uint16_t esp_number) {
  return find_row(all_integrities(), [=](const auto& row) { return row.esp_number == esp_number; });
}

}  // namespace ipsec

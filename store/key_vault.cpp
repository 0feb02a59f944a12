#include "store/key_vault.h"

#include <cassert>

#include <fmt/format.h>

#include "services/common/crypto/aes_gcm.h"
#include "services/common/crypto/hash.h"

namespace ipsec::store {

namespace {

constexpr std::size_t kIdOctets = 8;
constexpr std::string_view kIdLabel = "policyagent preshared key sealing";

}  // namespace

KeyVault KeyVault::clear() { return {}; }

KeyVault KeyVault::with_key(SecretBytes key, std::string source) {
  assert(key.size() == kAesGcmKeySize);
  KeyVault vault;
  const Bytes digest = hash(Integrity::kSha256, {as_bytes(kIdLabel), key.view()});
  vault.id_ = to_hex(ByteView(digest).first(kIdOctets));
  vault.key_ = std::move(key);
  vault.source_ = std::move(source);
  return vault;
}

KeyVault KeyVault::without_key(std::string why) {
  KeyVault vault;
  vault.why_ = std::move(why);
  return vault;
}

Status KeyVault::ready() const { return why_.empty() ? Status() : refused(why_); }

Bytes KeyVault::seal(ByteView secret, std::string_view row, RandomSource& random) const {
  assert(seals());
  return aes_gcm_seal(key_.view(), secret, as_bytes(row), random);
}

std::optional<SecretBytes> KeyVault::open(ByteView sealed, std::string_view key_id, std::string_view row) const {
  if (!seals() || key_id != id_) return std::nullopt;
  return aes_gcm_open(key_.view(), sealed, as_bytes(row));
}

std::string KeyVault::cannot_open(std::string_view key_id) const {
  if (!why_.empty()) return why_;
  if (!seals()) return fmt::format("it is sealed with key {:.32}, and this store is read without a key", key_id);
  if (key_id == id_) return "the sealed octets, or the row they stand in, were changed; set the preshared key again";
  return fmt::format(
      "it is sealed with key {:.32}, but {} holds key {}; bring that key back, or set the preshared key again", key_id,
      source_, id_);
}

std::string sealed_row(std::string_view table, const Guid& owner, std::int64_t place) {
  return fmt::format("{}/{}/{}", table, owner.text, place);
}

}  // namespace ipsec::store

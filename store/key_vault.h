#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "store/model.h"

// How a store keeps its preshared keys: sealed by AES-256-GCM under one key, or, where a store is shared by hosts that
// have no key in common, in clear.
namespace ipsec::store {

class KeyVault {
 public:
  // Preshared keys are stored as they are.
  static KeyVault clear();
  // Sealed under `key` (32 octets). `source`, a file or a credential, is named in messages.
  static KeyVault with_key(SecretBytes key, std::string source);
  // There should be a key and there is none: what is sealed stays shut, and nothing can be stored. `why` names the file
  // and what would help.
  static KeyVault without_key(std::string why);

  bool seals() const { return !key_.empty(); }
  // Of the key: 16 hexadecimal digits, from which the key cannot be found. Empty without one.
  const std::string& id() const { return id_; }
  // Why nothing can be sealed.
  Status ready() const;

  // Requires seals(). `row` names the row that holds it: sealed octets moved to another row do not open.
  Bytes seal(ByteView secret, std::string_view row, RandomSource& random) const;
  // Nothing where this is not the key, or row or octets have changed.
  std::optional<SecretBytes> open(ByteView sealed, std::string_view key_id, std::string_view row) const;
  // Why open() gave nothing, for a message about the rule.
  std::string cannot_open(std::string_view key_id) const;

 private:
  KeyVault() = default;
  SecretBytes key_;
  std::string id_;
  std::string source_;
  std::string why_;
};

// The name of the row of a table of authentication methods, for KeyVault.
std::string sealed_row(std::string_view table, const Guid& owner, std::int64_t place);

}  // namespace ipsec::store

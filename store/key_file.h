#pragma once

#include <string>
#include <vector>

#include "services/common/crypto/random.h"
#include "store/key_vault.h"

// Where the key comes from that seals preshared keys.
namespace ipsec::store {

// The credential's name for systemd: LoadCredentialEncrypted=policyagent-key:FILE.
inline constexpr std::string_view kKeyCredential = "policyagent-key";

struct KeyPlace {
  std::string credentials_directory;  // $CREDENTIALS_DIRECTORY; empty: none. A credential there wins over the file.
  std::string file;                   // 32 random octets, mode 0600; made where no store needs an older one
};

struct KeyFound {
  KeyVault vault = KeyVault::clear();
  std::string source;                 // that is in use, or would be
  std::string problem;                // why there is no key; the vault then says the same to whoever needs it
  std::vector<std::string> repaired;  // what make_private() mended
  bool made = false;                  // the file is new
};

// Never fails: a lost key must not keep policies without preshared keys out of force. A key file is made only where
// `store_path` holds nothing sealed, so that a file that is merely away is not replaced.
KeyFound find_key(const KeyPlace& place, const std::string& store_path, RandomSource& random);

// The key in an existing file, for a central store's hosts: 32 octets, checked like the file above.
KeyFound read_key(const std::string& file);

}  // namespace ipsec::store

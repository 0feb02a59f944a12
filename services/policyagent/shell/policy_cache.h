#pragma once

#include <optional>
#include <string>

#include "services/common/crypto/random.h"
#include "store/key_vault.h"
#include "store/policy_store.h"

namespace ipsec::agent {

// The copy of the central policy on this computer (ST-08 to ST-12). Nothing but the agent writes it; a damaged one is
// made anew. The file is opened for each call: whoever removes it is noticed. Not for two threads at once.
class PolicyCache {
 public:
  struct Copy {
    store::PolicyTree tree;
    store::Origin origin;
  };

  PolicyCache(std::string path, store::KeyVault vault, RandomSource& random = system_random())
      : path_(std::move(path)), vault_(std::move(vault)), random_(random) {}

  const std::string& path() const { return path_; }
  const store::KeyVault& vault() const { return vault_; }

  // Nothing where there is no copy. kInvalid: damaged.
  Result<std::optional<Copy>> read();
  // In one transaction: afterwards the cache holds the new copy, or, with an error, the one it had.
  Status write(const store::PolicyTree& tree, const store::Origin& origin);
  Status clear();
  // What was mended of the file's rights since the last call.
  std::optional<std::string> take_repaired() { return std::exchange(repaired_, std::nullopt); }

 private:
  Result<store::PolicyStore> open();
  Status replace(const store::PolicyTree& tree, const std::optional<store::Origin>& origin);
  void remove_files() const;

  const std::string path_;
  const store::KeyVault vault_;
  RandomSource& random_;
  std::optional<std::string> repaired_;
};

}  // namespace ipsec::agent

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "store/edit.h"
#include "store/key_vault.h"
#include "store/lookup.h"
#include "store/model.h"
#include "store/problem.h"

// The stored policies: one SQLite file. The tree is kept in memory and loaded again when another process has written.
// Not for two threads at once. Several processes may have one file open; a writer waits up to five seconds for another.
namespace ipsec::store {

enum class ImportMode : std::uint8_t {
  kMerge,    // objects of the same GUID are replaced, others stay (netsh importpolicy)
  kReplace,  // the store then holds exactly what is imported
};

struct StoreOptions {
  bool read_only = false;   // the file must exist and be of the newest schema; every writing function is refused
  bool existing = false;    // the file must be a policy store already; an empty one is none
  bool write_ahead = true;  // false: a new file gets a rollback journal, which also works on a network file system
  KeyVault vault = KeyVault::clear();
  bool seal = true;  // false: keys that are stored in clear stay so, until they are set again
};

// Of which central store, and as of which version of it, a cache is a copy.
struct Origin {
  std::string location;
  std::string version;
  WallClock read_at = 0;
};

class PolicyStore {
 public:
  // Makes the file (mode 0600) where there is none, and brings an older schema up to date in one transaction. Errors,
  // each naming the file: kUnavailable (cannot be opened or made), kInvalid (not a policy store, or damaged: the file
  // is left as it is), kRefused (schema newer than this program).
  static Result<PolicyStore> open(const std::string& path, StoreOptions options = {},
                                  RandomSource& random = system_random());
  PolicyStore(PolicyStore&&) noexcept;
  PolicyStore& operator=(PolicyStore&&) noexcept;
  ~PolicyStore();

  const std::string& path() const;

  // Borrowed until the next call of a function that is not const.
  Result<const PolicyTree*> tree();
  // A copy that the caller keeps.
  Result<PolicyTree> load_tree();
  // Copies of single objects; kNotFound names what was asked for.
  Result<Policy> load_policy(const Reference& reference);
  Result<FilterList> load_filter_list(const Reference& reference);
  Result<FilterAction> load_filter_action(const Reference& reference);

  // Grows by one with every successful writing call of any process, and survives restarts: a policy version. Cheap: one
  // row, so that a poll may ask every second.
  Result<std::uint64_t> change_counter();

  // All changes or none, in order, each seeing the ones before it. An ok result with problems means: refused, nothing
  // stored (problems after the first may follow from it). A Status means that the disk or the file failed; nothing is
  // stored then either. `now` is UTC seconds since 1970.
  Result<Problems> apply(std::span<const Change> changes, WallClock now);

  // The JSON form (store/json/json.h). Same outcome rule as apply; Problem::field is a JSON pointer.
  Result<Problems> import_json(std::string_view json, ImportMode mode, WallClock now);
  // Secrets only when asked for. `policy`: this one and what its rules use; absent: everything. kNotFound.
  Result<std::string> export_json(bool with_secrets, std::optional<Reference> policy = std::nullopt);

  // Stores exactly this tree with the versions that its policies have, in one transaction: what a cache of a central
  // store does. Refused with problems unless validate() has none.
  Result<Problems> replace(const PolicyTree& tree, const std::optional<Origin>& origin = std::nullopt);
  // What replace() was told last; nothing where the store is no copy.
  Result<std::optional<Origin>> origin();

  // How its preshared keys are sealed. Safe from any thread.
  const KeyVault& vault() const;

 private:
  struct State;
  explicit PolicyStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ipsec::store

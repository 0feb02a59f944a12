#include "services/policyagent/shell/policy_cache.h"

#include <filesystem>

#include "store/private_file.h"

namespace ipsec::agent {

Result<std::optional<PolicyCache::Copy>> PolicyCache::read() {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return std::optional<Copy>();
  IPSEC_ASSIGN_OR_RETURN(store::PolicyStore store, open());
  IPSEC_ASSIGN_OR_RETURN(std::optional<store::Origin> origin, store.origin());
  if (!origin) return std::optional<Copy>();
  IPSEC_ASSIGN_OR_RETURN(store::PolicyTree tree, store.load_tree());
  if (!tree.assigned) return std::optional<Copy>();
  return std::optional(Copy{std::move(tree), *std::move(origin)});
}

Status PolicyCache::write(const store::PolicyTree& tree, const store::Origin& origin) { return replace(tree, origin); }

Status PolicyCache::clear() {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return {};
  return replace({}, std::nullopt);
}

Result<store::PolicyStore> PolicyCache::open() {
  IPSEC_ASSIGN_OR_RETURN(std::string repaired, store::make_private(path_));
  if (!repaired.empty()) repaired_ = std::move(repaired);
  store::StoreOptions options;
  options.vault = vault_;
  return store::PolicyStore::open(path_, std::move(options), random_);
}

Status PolicyCache::replace(const store::PolicyTree& tree, const std::optional<store::Origin>& origin) {
  auto store = open();
  // Of another program's making, or damaged: nothing in it is worth keeping. What the disk refuses is left alone.
  if (!store.ok() && store.status().code() != ErrorCode::kUnavailable) {
    remove_files();
    store = open();
  }
  if (!store.ok()) return store.status();
  auto problems = store->replace(tree, origin);
  if (!problems.ok() && problems.status().code() == ErrorCode::kInvalid) {
    store = unavailable("closed");
    remove_files();
    IPSEC_ASSIGN_OR_RETURN(store::PolicyStore fresh, open());
    problems = fresh.replace(tree, origin);
  }
  if (!problems.ok()) return problems.status();
  return problems->empty() ? Status() : invalid(store::to_string(problems->front()));
}

void PolicyCache::remove_files() const {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path_ + suffix, ignored);
}

}  // namespace ipsec::agent

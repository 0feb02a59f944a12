#pragma once

#include <optional>
#include <string>
#include <utility>

#include "services/common/result.h"
#include "store/policy_store.h"

namespace ipsec::agent {

// The local store, also while its file cannot be opened: then it is left exactly as it is, and nothing of it is read or
// changed. Each use tries it again, so that a mended file counts at once; a file that is gone meanwhile is not made
// anew, because an empty store says that no policy is assigned. One thread at a time.
class LocalStore {
 public:
  LocalStore(store::PolicyStore store) : path_(store.path()), store_(std::move(store)) {}
  // `options` are for the next attempts.
  LocalStore(std::string path, store::StoreOptions options);

  const std::string& path() const { return path_; }
  bool is_open() const { return store_.has_value(); }
  // The reason names the file and what to do. Borrowed.
  Result<store::PolicyStore*> get();

 private:
  std::string path_;
  store::StoreOptions options_;
  std::optional<store::PolicyStore> store_;
};

}  // namespace ipsec::agent

#include "services/policyagent/shell/local_store.h"

#include "store/private_file.h"

namespace ipsec::agent {

namespace {

constexpr std::string_view kRemedy =
    "The file is left as it is and no local policy can be changed. Put a sound copy in its place and run `netsh ipsec "
    "dynamic refresh`; or move it away and start the agent anew, which begins with an empty store: no local policy";

}  // namespace

LocalStore::LocalStore(std::string path, store::StoreOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  options_.existing = true;
}

Result<store::PolicyStore*> LocalStore::get() {
  if (store_) return &*store_;
  // A file that another user could change back is not read (see open_stores.cpp).
  const auto rights = store::make_private(path_);
  auto opened = rights.ok() ? store::PolicyStore::open(path_, options_) : Result<store::PolicyStore>(rights.status());
  if (!opened.ok()) return refused(fmt::format("{}. {}", opened.status().message(), kRemedy));
  store_ = std::move(opened).value();
  return &*store_;
}

}  // namespace ipsec::agent

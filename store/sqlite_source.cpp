#include <chrono>

#include <fmt/format.h>

#include "store/file_snapshot.h"
#include "store/json/json.h"
#include "store/lookup.h"
#include "store/policy_source.h"
#include "store/policy_store.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

constexpr std::string_view kScheme = "sqlite:";
// Coarser than the time stamps of any file system in use: what was written longer ago than this when it was read would
// have another stamp had it been written since.
constexpr std::chrono::seconds kStampsSettle{3};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class SqliteSource : public PolicySource {
 public:
  SqliteSource(std::string uri, std::string path, SourceOptions options, RandomSource& random)
      : uri_(std::move(uri)), path_(std::move(path)), options_(std::move(options)), random_(random) {}

  const std::string& location() const override { return uri_; }

  Result<std::optional<SourcePolicy>> load_newer(const std::string& known) override {
    const std::int64_t start = now_ns();
    FileStamp stamp = file_stamp(path_);
    if (!known.empty() && known == read_version_ && stamp.text == settled_stamp_) return std::optional<SourcePolicy>();
    IPSEC_ASSIGN_OR_RETURN(const FileSnapshot snapshot, in_context(take_snapshot(path_)));
    const bool settled = stamp.newest_ns < start - std::chrono::nanoseconds(kStampsSettle).count();
    std::optional<SourcePolicy> policy;
    if (snapshot.digest != known) {
      IPSEC_ASSIGN_OR_RETURN(policy, in_context(read(snapshot)));
    }
    read_version_ = snapshot.digest;
    settled_stamp_ = settled ? std::move(stamp.text) : std::string();
    return policy;
  }

  Result<PolicyTree> load_everything() override {
    IPSEC_ASSIGN_OR_RETURN(const FileSnapshot snapshot, in_context(take_snapshot(path_)));
    return in_context(open_copy(snapshot));
  }

 private:
  template <typename T>
  Result<T> in_context(Result<T> result) const {
    if (result.ok()) return result;
    return with_context(result.status(), fmt::format("central store {}", uri_));
  }

  // SQLite undoes or completes in the copy what a writer has left unfinished.
  Result<PolicyTree> open_copy(const FileSnapshot& snapshot) {
    IPSEC_ASSIGN_OR_RETURN(const SnapshotCopy copy, SnapshotCopy::write(snapshot, options_.scratch_directory));
    StoreOptions options;
    options.existing = true;
    options.write_ahead = false;
    options.seal = false;
    options.vault = options_.vault;
    IPSEC_ASSIGN_OR_RETURN(PolicyStore store, PolicyStore::open(copy.database(), std::move(options), random_));
    return store.load_tree();
  }

  Result<std::optional<SourcePolicy>> read(const FileSnapshot& snapshot) {
    IPSEC_ASSIGN_OR_RETURN(const PolicyTree tree, open_copy(snapshot));
    SourcePolicy policy;
    policy.version = snapshot.digest;
    if (const Policy* assigned = assigned_policy(tree)) policy.tree = tree_of_policy(tree, *assigned);
    const Problems problems = validate(policy.tree);
    if (!problems.empty()) return invalid(fmt::format("its policy is not valid: {}", to_string(problems.front())));
    return std::optional(std::move(policy));
  }

  const std::string uri_;
  const std::string path_;
  const SourceOptions options_;
  RandomSource& random_;
  std::string read_version_;   // of the last reading
  std::string settled_stamp_;  // of the file then; empty where it was too fresh to be trusted
};

}  // namespace

Result<std::string> sqlite_path(const std::string& uri) {
  if (uri.starts_with(kScheme)) {
    std::string path = uri.substr(kScheme.size());
    if (path.starts_with("///")) path = path.substr(2);
    if (path.starts_with("/") && !path.starts_with("//") && path.size() > 1) return path;
  }
  return invalid(
      fmt::format("accepted is sqlite:PATH with an absolute path, such as sqlite:/mnt/policies/central.db; "
                  "found '{:.200}'",
                  uri));
}

Result<std::unique_ptr<PolicySource>> make_source(const std::string& uri, SourceOptions options, RandomSource& random) {
  IPSEC_ASSIGN_OR_RETURN(std::string path, sqlite_path(uri));
  return std::unique_ptr<PolicySource>(
      std::make_unique<SqliteSource>(uri, std::move(path), std::move(options), random));
}

}  // namespace ipsec::store

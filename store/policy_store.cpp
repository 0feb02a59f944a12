#include "store/policy_store.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "store/json/json.h"
#include "store/schema_version.h"
#include "store/sqlite.h"
#include "store/tree_reader.h"
#include "store/tree_writer.h"
#include "store/validate.h"

namespace ipsec::store {

namespace {

constexpr std::string_view kReadCounter = "SELECT change_counter FROM store_state";

// SQLite would make the file with the umask's rights; it holds preshared keys.
Status make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0 && errno == EEXIST) return {};
  if (file < 0) return unavailable(fmt::format("policy store {} cannot be made: {}", path, std::strerror(errno)));
  ::close(file);
  return {};
}

// WAL: readers go on while a change is written. FULL: a change that was answered survives a power failure.
// secure_delete: a deleted preshared key is overwritten in the file.
Status configure(Connection& connection, const StoreOptions& options) {
  if (!options.read_only) {
    if (options.write_ahead) IPSEC_RETURN_IF_ERROR(connection.execute("PRAGMA journal_mode = WAL"));
    IPSEC_RETURN_IF_ERROR(connection.execute("PRAGMA synchronous = FULL"));
    IPSEC_RETURN_IF_ERROR(connection.execute("PRAGMA secure_delete = ON"));
  }
  IPSEC_RETURN_IF_ERROR(connection.execute("PRAGMA foreign_keys = ON"));
  return connection.execute("PRAGMA trusted_schema = OFF");
}

Status not_found_status(std::string_view kind, const Reference& reference) {
  const auto* guid = std::get_if<Guid>(&reference);
  return not_found(fmt::format("there is no {} '{}'", kind, guid ? guid->text : std::get<std::string>(reference)));
}

// Of the policies that an import changed, directly or by what their rules use. What it left as it was keeps its
// version.
void raise_versions(PolicyTree& tree, const PolicyTree& before) {
  for (Policy& policy : tree.policies) {
    const Policy* old = find_policy(before, policy.guid);
    policy.version = old == nullptr ? 1 : old->version;
    if (old == nullptr) continue;
    const auto text = [](const PolicyTree& all, const Policy& one) {
      return SecretBytes(export_json(tree_of_policy(all, one), {.with_secrets = true}));
    };
    if (!constant_time_equal(text(tree, policy).view(), text(before, *old).view())) ++policy.version;
  }
}

template <typename T>
Result<T> copy_of(const T* object, std::string_view kind, const Reference& reference) {
  if (!object) return not_found_status(kind, reference);
  return *object;
}

}  // namespace

struct PolicyStore::State {
  std::unique_ptr<Connection> connection;
  StoreOptions options;
  RandomSource* random = nullptr;
  // The tree as of change counter `loaded_at`; empty: has to be loaded.
  std::optional<Workspace> workspace;
  std::uint64_t loaded_at = 0;

  Result<std::uint64_t> counter() {
    IPSEC_ASSIGN_OR_RETURN(const std::int64_t value, connection->integer(kReadCounter));
    return static_cast<std::uint64_t>(value);
  }

  // Loads the tree unless it is the one the open transaction sees.
  Status refresh() {
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t now, counter());
    if (workspace && loaded_at == now) return {};
    workspace.reset();
    IPSEC_ASSIGN_OR_RETURN(PolicyTree tree, read_tree(*connection, options.vault));
    workspace.emplace(std::move(tree));
    loaded_at = now;
    return {};
  }

  Status check_writable() const {
    if (!options.read_only) return {};
    return refused(fmt::format("policy store {} is open read-only", connection->path()));
  }

  // Counts the change and makes it last.
  Status commit(Transaction& transaction) {
    IPSEC_RETURN_IF_ERROR(connection->execute("UPDATE store_state SET change_counter = change_counter + 1"));
    IPSEC_ASSIGN_OR_RETURN(const std::uint64_t now, counter());
    IPSEC_RETURN_IF_ERROR(transaction.commit());
    loaded_at = now;
    return {};
  }

  SqlTreeWriter make_writer() { return {*connection, options.vault, *random}; }

  // Within an open write transaction.
  Status store_origin(const std::optional<Origin>& origin) {
    IPSEC_RETURN_IF_ERROR(connection->execute("DELETE FROM origin"));
    if (!origin) return {};
    IPSEC_ASSIGN_OR_RETURN(SqlStatement* const row, connection->cached("INSERT INTO origin VALUES (1, ?1, ?2, ?3)"));
    row->bind(1, std::string_view(origin->location))
        .bind(2, std::string_view(origin->version))
        .bind(3, origin->read_at);
    return row->run();
  }

  // Within an open write transaction: exactly this tree.
  Status store_whole(Transaction& transaction, PolicyTree tree) {
    SqlTreeWriter writer = make_writer();
    writer.clear();
    writer.put_tree(tree);
    workspace.reset();
    IPSEC_RETURN_IF_ERROR(writer.status());
    IPSEC_RETURN_IF_ERROR(commit(transaction));
    workspace.emplace(std::move(tree));
    return {};
  }
};

PolicyStore::PolicyStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
PolicyStore::PolicyStore(PolicyStore&&) noexcept = default;
PolicyStore& PolicyStore::operator=(PolicyStore&&) noexcept = default;
PolicyStore::~PolicyStore() = default;

Result<PolicyStore> PolicyStore::open(const std::string& path, StoreOptions options, RandomSource& random) {
  const auto mode = options.read_only ? Connection::Mode::kReadOnly : Connection::Mode::kReadWrite;
  if (!options.read_only && !options.existing) IPSEC_RETURN_IF_ERROR(make_private_file(path));
  auto state = std::make_unique<State>();
  IPSEC_ASSIGN_OR_RETURN(state->connection, Connection::open(path, mode));
  state->options = std::move(options);
  state->random = &random;
  Connection& connection = *state->connection;
  IPSEC_RETURN_IF_ERROR(check_identity(connection, mode));
  if (state->options.existing) IPSEC_RETURN_IF_ERROR(check_not_empty(connection));
  IPSEC_RETURN_IF_ERROR(configure(connection, state->options));
  IPSEC_RETURN_IF_ERROR(check_integrity(connection));
  if (mode == Connection::Mode::kReadWrite) {
    const KeyVault sealer = state->options.seal ? state->options.vault : KeyVault::clear();
    IPSEC_ASSIGN_OR_RETURN(const bool migrated, migrate(connection, sealer, random));
    IPSEC_ASSIGN_OR_RETURN(const bool sealed, seal_clear_keys(connection, sealer, random));
    // The write-ahead log still holds pages with what was in clear.
    if (migrated || sealed) static_cast<void>(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  return PolicyStore(std::move(state));
}

const std::string& PolicyStore::path() const { return state_->connection->path(); }

Result<const PolicyTree*> PolicyStore::tree() {
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*state_->connection, Transaction::Kind::kRead));
  IPSEC_RETURN_IF_ERROR(state_->refresh());
  return &state_->workspace->tree();
}

Result<PolicyTree> PolicyStore::load_tree() {
  IPSEC_ASSIGN_OR_RETURN(const PolicyTree* const current, tree());
  return *current;
}

Result<Policy> PolicyStore::load_policy(const Reference& reference) {
  IPSEC_RETURN_IF_ERROR(tree().status());
  return copy_of(state_->workspace->policy(reference), "policy", reference);
}

Result<FilterList> PolicyStore::load_filter_list(const Reference& reference) {
  IPSEC_RETURN_IF_ERROR(tree().status());
  return copy_of(state_->workspace->filter_list(reference), "filter list", reference);
}

Result<FilterAction> PolicyStore::load_filter_action(const Reference& reference) {
  IPSEC_RETURN_IF_ERROR(tree().status());
  return copy_of(state_->workspace->filter_action(reference), "filter action", reference);
}

Result<std::uint64_t> PolicyStore::change_counter() { return state_->counter(); }

Result<Problems> PolicyStore::apply(std::span<const Change> changes, WallClock now) {
  IPSEC_RETURN_IF_ERROR(state_->check_writable());
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*state_->connection, Transaction::Kind::kWrite));
  IPSEC_RETURN_IF_ERROR(state_->refresh());
  Workspace& workspace = *state_->workspace;
  SqlTreeWriter writer = state_->make_writer();
  workspace.set_writer(&writer);
  workspace.begin_change();
  const std::size_t before = workspace.mutations();
  Problems problems;
  for (std::size_t i = 0; i < changes.size() && writer.status().ok(); ++i) {
    for (Problem& problem : edit(workspace, changes[i], *state_->random, now)) {
      problem.change_index = i;
      problems.push_back(std::move(problem));
    }
  }
  workspace.set_writer(nullptr);
  const bool changed = workspace.mutations() != before;
  Status status = writer.status();
  if (status.ok() && problems.empty() && changed) status = state_->commit(transaction);
  // The tree in memory is ahead of the file, unless everything arrived there.
  if (changed && (!status.ok() || !problems.empty())) state_->workspace.reset();
  IPSEC_RETURN_IF_ERROR(status);
  return problems;
}

Result<Problems> PolicyStore::import_json(std::string_view json, ImportMode mode, WallClock now) {
  IPSEC_RETURN_IF_ERROR(state_->check_writable());
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*state_->connection, Transaction::Kind::kWrite));
  IPSEC_RETURN_IF_ERROR(state_->refresh());
  ImportOutcome outcome = mode == ImportMode::kReplace
                              ? store::import_json(json, *state_->random, now)
                              : store::merge_json(json, state_->workspace->tree(), *state_->random, now);
  if (outcome.problems.empty()) {
    raise_versions(outcome.tree, state_->workspace->tree());
    IPSEC_RETURN_IF_ERROR(state_->store_whole(transaction, std::move(outcome.tree)));
  }
  return std::move(outcome.problems);
}

Result<std::string> PolicyStore::export_json(bool with_secrets, std::optional<Reference> policy) {
  IPSEC_ASSIGN_OR_RETURN(const PolicyTree* const whole, tree());
  if (!policy) return store::export_json(*whole, {with_secrets});
  const Policy* const one = state_->workspace->policy(*policy);
  if (!one) return not_found_status("policy", *policy);
  return store::export_json(tree_of_policy(*whole, *one), {with_secrets});
}

Result<Problems> PolicyStore::replace(const PolicyTree& tree, const std::optional<Origin>& origin) {
  IPSEC_RETURN_IF_ERROR(state_->check_writable());
  Problems problems = validate(tree);
  if (!problems.empty()) return problems;
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*state_->connection, Transaction::Kind::kWrite));
  IPSEC_RETURN_IF_ERROR(state_->store_origin(origin));
  IPSEC_RETURN_IF_ERROR(state_->store_whole(transaction, tree));
  return problems;
}

Result<std::optional<Origin>> PolicyStore::origin() {
  IPSEC_ASSIGN_OR_RETURN(SqlStatement* const select,
                         state_->connection->cached("SELECT location, version, read_at FROM origin"));
  IPSEC_ASSIGN_OR_RETURN(const bool row, select->step());
  std::optional<Origin> origin;
  if (row) origin = Origin{std::string(select->text(0)), std::string(select->text(1)), select->integer(2)};
  select->reset();
  return origin;
}

const KeyVault& PolicyStore::vault() const { return state_->options.vault; }

}  // namespace ipsec::store

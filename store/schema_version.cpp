#include "store/schema_version.h"

#include <set>
#include <vector>

#include <fmt/format.h>

#include "store/migrations.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

Status take_step(Connection& connection, const Migration& migration) {
  IPSEC_RETURN_IF_ERROR(with_context(connection.execute(migration.sql), migration.name));
  IPSEC_RETURN_IF_ERROR(connection.execute(fmt::format("PRAGMA user_version = {}", migration.version)));
  return connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
}

// ---- names ----------------------------------------------------------------------------------------------------------

struct NamedRow {
  std::int64_t number;
  std::int64_t scope;  // names are unique within it
  std::string name;
};

Result<std::vector<NamedRow>> named_rows(Connection& connection, std::string_view table, std::string_view scope) {
  IPSEC_ASSIGN_OR_RETURN(
      SqlStatement* const select,
      connection.cached(fmt::format("SELECT number, {}, name FROM {} ORDER BY number", scope, table)));
  std::vector<NamedRow> rows;
  for (;;) {
    IPSEC_ASSIGN_OR_RETURN(const bool row, select->step());
    if (!row) break;
    rows.push_back({select->integer(0), select->integer(1), std::string(select->text(2))});
  }
  select->reset();
  return rows;
}

Status fold_names(Connection& connection, std::string_view table, std::string_view scope) {
  IPSEC_ASSIGN_OR_RETURN(const std::vector<NamedRow> rows, named_rows(connection, table, scope));
  // Out of the way first: the new form of one name may be the old form of another.
  IPSEC_RETURN_IF_ERROR(connection.execute(fmt::format("UPDATE {} SET folded_name = char(1) || number", table)));
  IPSEC_ASSIGN_OR_RETURN(
      SqlStatement* const update,
      connection.cached(fmt::format("UPDATE {} SET name = ?2, folded_name = ?3 WHERE number = ?1", table)));
  std::set<std::pair<std::int64_t, std::string>> taken;
  for (const NamedRow& row : rows) {
    std::string name = row.name;
    for (int next = 2; !taken.emplace(row.scope, fold_name(name)).second; ++next) {
      name = fmt::format("{} ({})", row.name, next);
    }
    update->bind(1, row.number).bind(2, std::string_view(name)).bind(3, std::string_view(fold_name(name)));
    IPSEC_RETURN_IF_ERROR(update->run());
  }
  return {};
}

Status fold_all_names(Connection& connection) {
  for (std::string_view table : {"policy", "filter_list", "filter_action"}) {
    IPSEC_RETURN_IF_ERROR(fold_names(connection, table, "0"));
  }
  return fold_names(connection, "rule", "policy");
}

// ---- preshared keys -------------------------------------------------------------------------------------------------

struct ClearKey {
  std::int64_t owner;
  std::int64_t place;
  Guid guid;
  SecretBytes key;
};

// The guid of a row's owner: rules have one, default response rules are columns of their policy.
struct KeyTable {
  std::string_view name;
  std::string_view owner_table;
  std::string_view owner_guid;
};
constexpr KeyTable kKeyTables[] = {
    {"rule_authentication", "rule", "guid"},
    {"default_rule_authentication", "policy", "default_rule_guid"},
};

Result<std::vector<ClearKey>> clear_keys(Connection& connection, const KeyTable& table) {
  IPSEC_ASSIGN_OR_RETURN(SqlStatement* const select,
                         connection.cached(fmt::format(
                             "SELECT owner, place, {}, psk FROM {} JOIN {} ON number = owner WHERE method = 'psk' "
                             "AND psk_key IS NULL",
                             table.owner_guid, table.name, table.owner_table)));
  std::vector<ClearKey> keys;
  for (;;) {
    IPSEC_ASSIGN_OR_RETURN(const bool row, select->step());
    if (!row) break;
    keys.push_back(
        {select->integer(0), select->integer(1), Guid{std::string(select->text(2))}, SecretBytes(select->blob(3))});
  }
  select->reset();
  return keys;
}

// Within a transaction. Whether there was anything to seal.
Result<bool> seal(Connection& connection, const KeyVault& vault, RandomSource& random) {
  bool any = false;
  for (const KeyTable& table : kKeyTables) {
    IPSEC_ASSIGN_OR_RETURN(const std::vector<ClearKey> keys, clear_keys(connection, table));
    IPSEC_ASSIGN_OR_RETURN(SqlStatement* const update,
                           connection.cached(fmt::format(
                               "UPDATE {} SET psk = ?3, psk_key = ?4 WHERE owner = ?1 AND place = ?2", table.name)));
    for (const ClearKey& one : keys) {
      const Bytes sealed = vault.seal(one.key.view(), sealed_row(table.name, one.guid, one.place), random);
      update->bind(1, one.owner).bind(2, one.place).bind_blob(3, sealed).bind(4, std::string_view(vault.id()));
      IPSEC_RETURN_IF_ERROR(update->run());
      any = true;
    }
  }
  return any;
}

}  // namespace

std::uint32_t newest_schema() { return all_migrations().back().version; }

Status check_identity(Connection& connection, Connection::Mode mode) {
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t application, connection.integer("PRAGMA application_id"));
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t version, connection.integer("PRAGMA user_version"));
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t objects, connection.integer("SELECT count(*) FROM sqlite_schema"));
  if (application != kApplicationId && (application != 0 || version != 0 || objects != 0)) {
    return invalid(
        fmt::format("{} is a database of something else, not a policy store; it is left as it is", connection.path()));
  }
  if (version > newest_schema()) {
    return refused(
        fmt::format("policy store {} has schema version {}; this program knows versions up to {}; it is left "
                    "as it is, use a newer program",
                    connection.path(), version, newest_schema()));
  }
  if (version < newest_schema() && mode == Connection::Mode::kReadOnly) {
    return refused(fmt::format("policy store {} has schema version {} and is opened read-only; version {} is needed",
                               connection.path(), version, newest_schema()));
  }
  return {};
}

Status check_not_empty(Connection& connection) {
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t application, connection.integer("PRAGMA application_id"));
  if (application == kApplicationId) return {};
  return invalid(fmt::format("policy store {} is empty: not a policy store, or not yet written", connection.path()));
}

Result<bool> migrate(Connection& connection, const KeyVault& vault, RandomSource& random) {
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t seen, connection.integer("PRAGMA user_version"));
  if (seen >= newest_schema()) return false;
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(connection, Transaction::Kind::kWrite));
  // Another process may have been faster.
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t version, connection.integer("PRAGMA user_version"));
  for (const Migration& migration : all_migrations()) {
    if (migration.version > version) IPSEC_RETURN_IF_ERROR(take_step(connection, migration));
  }
  IPSEC_RETURN_IF_ERROR(fold_all_names(connection));
  if (vault.seals()) IPSEC_RETURN_IF_ERROR(seal(connection, vault, random).status());
  IPSEC_RETURN_IF_ERROR(transaction.commit());
  return true;
}

Result<bool> seal_clear_keys(Connection& connection, const KeyVault& vault, RandomSource& random) {
  if (!vault.seals()) return false;
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(connection, Transaction::Kind::kWrite));
  IPSEC_ASSIGN_OR_RETURN(const bool any, seal(connection, vault, random));
  if (any) IPSEC_RETURN_IF_ERROR(transaction.commit());
  return any;
}

Status check_integrity(Connection& connection) {
  IPSEC_ASSIGN_OR_RETURN(const std::string finding, connection.text("PRAGMA integrity_check(1)"));
  if (finding != "ok") {
    return invalid(
        fmt::format("policy store {} is damaged: {}; it is left as it is, restore it from an export or a "
                    "backup",
                    connection.path(), finding));
  }
  IPSEC_ASSIGN_OR_RETURN(SqlStatement* const links, connection.cached("PRAGMA foreign_key_check"));
  IPSEC_ASSIGN_OR_RETURN(const bool row, links->step());
  if (!row) return {};
  Status broken = invalid(
      fmt::format("policy store {} is damaged: row {} of table {} points at a row of table {} that is not there",
                  connection.path(), links->integer(1), links->text(0), links->text(2)));
  links->reset();
  return broken;
}

}  // namespace ipsec::store

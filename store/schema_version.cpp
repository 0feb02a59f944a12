#include "store/schema_version.h"

#include <fmt/format.h>

#include "store/migrations.h"

namespace ipsec::store {

namespace {

Status take_step(Connection& connection, const Migration& migration) {
  IPSEC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(connection, Transaction::Kind::kWrite));
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t version, connection.integer("PRAGMA user_version"));
  if (version >= migration.version) return {};  // another process was faster
  IPSEC_RETURN_IF_ERROR(with_context(connection.execute(migration.sql), migration.name));
  IPSEC_RETURN_IF_ERROR(connection.execute(fmt::format("PRAGMA user_version = {}", migration.version)));
  IPSEC_RETURN_IF_ERROR(connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
  return transaction.commit();
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

Status migrate(Connection& connection) {
  IPSEC_ASSIGN_OR_RETURN(const std::int64_t version, connection.integer("PRAGMA user_version"));
  for (const Migration& migration : all_migrations()) {
    if (migration.version > version) IPSEC_RETURN_IF_ERROR(take_step(connection, migration));
  }
  return {};
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
  const Status broken = invalid(
      fmt::format("policy store {} is damaged: row {} of table {} points at a row of table {} that is not there",
                  connection.path(), links->integer(1), links->text(0), links->text(2)));
  links->reset();
  return broken;
}

}  // namespace ipsec::store

#include "store/sqlite.h"

#include <cassert>

#include <fmt/format.h>
#include <sqlite3.h>

namespace ipsec::store {

namespace {

constexpr int kBusyTimeoutMilliseconds = 5000;

// Which of our errors a result code of SQLite is; a damaged file will not heal, a full disk may.
ErrorCode error_code(int result) {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return ErrorCode::kInvalid;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kRefused;
    default:
      return ErrorCode::kUnavailable;
  }
}

Status sqlite_status(sqlite3* database, const std::string& path) {
  const int result = sqlite3_extended_errcode(database);
  return {error_code(result),
          fmt::format("policy store {}: {} (SQLite code {})", path, sqlite3_errmsg(database), result)};
}

}  // namespace

// ---- SqlStatement
// -----------------------------------------------------------------------------------------------------

SqlStatement::SqlStatement(sqlite3_stmt* statement, sqlite3* database, const std::string* path)
    : statement_(statement), database_(database), path_(path) {}

void SqlStatement::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqlStatement& SqlStatement::bind(int parameter, std::int64_t value) {
  [[maybe_unused]] const int result = sqlite3_bind_int64(statement_.get(), parameter, value);
  assert(result == SQLITE_OK);
  return *this;
}

SqlStatement& SqlStatement::bind(int parameter, std::string_view text) {
  [[maybe_unused]] const int result = sqlite3_bind_text64(statement_.get(), parameter, text.data() ? text.data() : "",
                                                          text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  assert(result == SQLITE_OK);
  return *this;
}

SqlStatement& SqlStatement::bind_blob(int parameter, ByteView bytes) {
  [[maybe_unused]] const int result =
      sqlite3_bind_blob64(statement_.get(), parameter, bytes.empty() ? static_cast<const void*>("") : bytes.data(),
                          bytes.size(), SQLITE_TRANSIENT);
  assert(result == SQLITE_OK);
  return *this;
}

SqlStatement& SqlStatement::bind_null(int parameter) {
  [[maybe_unused]] const int result = sqlite3_bind_null(statement_.get(), parameter);
  assert(result == SQLITE_OK);
  return *this;
}

SqlStatement& SqlStatement::bind(int parameter, const std::optional<std::string>& text) {
  return text ? bind(parameter, std::string_view(*text)) : bind_null(parameter);
}

Result<bool> SqlStatement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  Status status = sqlite_status(database_, *path_);
  sqlite3_reset(statement_.get());
  return status;
}

Status SqlStatement::run() {
  for (;;) {
    IPSEC_ASSIGN_OR_RETURN(const bool row, step());
    if (!row) break;
  }
  reset();
  return {};
}

void SqlStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

bool SqlStatement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t SqlStatement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view SqlStatement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data ? std::string_view(data, size) : std::string_view();
}

ByteView SqlStatement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data ? ByteView(data, size) : ByteView();
}

// ---- Connection
// -------------------------------------------------------------------------------------------------------

void Connection::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode) {
  std::unique_ptr<Connection> connection(new Connection(path));
  const int flags = (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  connection->database_.reset(database);
  if (result != SQLITE_OK) {
    return unavailable(fmt::format("policy store {} cannot be opened: {}", path,
                                   database ? sqlite3_errmsg(database) : sqlite3_errstr(result)));
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMilliseconds);
  return connection;
}

Status Connection::execute(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(database_.get(), text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return sqlite_status(database_.get(), path_);
}

Result<SqlStatement*> Connection::cached(std::string_view sql) {
  auto found = statements_.find(std::string(sql));
  if (found == statements_.end()) {
    sqlite3_stmt* prepared = nullptr;
    const int result = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (result != SQLITE_OK) return sqlite_status(database_.get(), path_);
    std::unique_ptr<SqlStatement> statement(new SqlStatement(prepared, database_.get(), &path_));
    found = statements_.emplace(std::string(sql), std::move(statement)).first;
  }
  found->second->reset();
  return found->second.get();
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  IPSEC_ASSIGN_OR_RETURN(SqlStatement* const statement, cached(sql));
  IPSEC_ASSIGN_OR_RETURN(const bool row, statement->step());
  if (!row) return invalid(fmt::format("policy store {}: no row for '{}'", path_, sql));
  const std::int64_t value = statement->integer(0);
  statement->reset();
  return value;
}

Result<std::string> Connection::text(std::string_view sql) {
  IPSEC_ASSIGN_OR_RETURN(SqlStatement* const statement, cached(sql));
  IPSEC_ASSIGN_OR_RETURN(const bool row, statement->step());
  if (!row) return invalid(fmt::format("policy store {}: no row for '{}'", path_, sql));
  std::string value(statement->text(0));
  statement->reset();
  return value;
}

std::int64_t Connection::last_number() const { return sqlite3_last_insert_rowid(database_.get()); }

// ---- Transaction
// ------------------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  IPSEC_RETURN_IF_ERROR(connection.execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(connection);
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (a full disk); the error then says that there is no transaction.
  if (connection_) static_cast<void>(connection_->execute("ROLLBACK"));
}

Status Transaction::commit() {
  assert(connection_);
  IPSEC_RETURN_IF_ERROR(connection_->execute("COMMIT"));
  connection_ = nullptr;
  return {};
}

}  // namespace ipsec::store

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "services/common/bytes.h"
#include "services/common/result.h"

struct sqlite3;
struct sqlite3_stmt;

// RAII over SQLite. Errors are Status values that name the file. Not for two threads at once.
namespace ipsec::store {

// One prepared statement. Parameters count from 1, columns from 0, as in SQLite. Must not outlive its connection.
class SqlStatement {
 public:
  // Binding cannot fail for a parameter that the statement has; another number is a bug.
  SqlStatement& bind(int parameter, std::int64_t value);
  SqlStatement& bind(int parameter, std::string_view text);
  SqlStatement& bind_blob(int parameter, ByteView bytes);
  SqlStatement& bind_null(int parameter);
  SqlStatement& bind(int parameter, const std::optional<std::string>& text);

  // The next row: true, or false after the last one.
  Result<bool> step();
  // For statements without rows: steps to the end and resets.
  Status run();
  // Ready for another run; parameters are forgotten.
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // borrowed until the next step or reset
  ByteView blob(int column) const;          // likewise

 private:
  friend class Connection;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqlStatement(sqlite3_stmt* statement, sqlite3* database, const std::string* path);

  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  sqlite3* database_;
  const std::string* path_;
};

class Connection {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };  // neither makes a file

  // kUnavailable where the file cannot be opened.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::string& path() const { return path_; }
  // Any number of statements without parameters; rows are dropped.
  Status execute(std::string_view sql);
  // The one statement of `sql`, reset, kept for the next call with the same text. Borrowed from the connection.
  Result<SqlStatement*> cached(std::string_view sql);
  // First column of the first row; kInvalid without one.
  Result<std::int64_t> integer(std::string_view sql);
  Result<std::string> text(std::string_view sql);
  // Of the last insert.
  std::int64_t last_number() const;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit Connection(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
  std::unordered_map<std::string, std::unique_ptr<SqlStatement>> statements_;  // finalized before the database closes
};

// Rolls back when it goes out of scope, unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite };  // kWrite takes the write lock at once
  static Result<Transaction> begin(Connection& connection, Kind kind);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // On an error everything is rolled back.
  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace ipsec::store

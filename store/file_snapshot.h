#pragma once

#include <optional>
#include <string>

#include "services/common/bytes.h"
#include "services/common/result.h"

// Copies of a database file that others may write, replace or remove at any moment. No lock is taken: a reader on a
// share must never hold up a writer, nor wait for one that died.
namespace ipsec::store {

// A database with the files that belong to it, all of one moment.
struct FileSnapshot {
  Bytes database;
  std::optional<Bytes> journal;    // of an unfinished change, which has to be undone
  std::optional<Bytes> write_log;  // of finished changes that are not in the database yet
  std::string digest;              // of all three: "sha256:" and 16 hexadecimal digits
};

// Reads everything twice until both readings agree; after a second of changes it gives up. kUnavailable: no such file,
// no permission, still changing, or larger than kMaxSourceBytes.
Result<FileSnapshot> take_snapshot(const std::string& path);

// What tells that a file is still the same without reading it. Two equal ones mean that nothing was written in between,
// if the first was taken well after the last writing.
struct FileStamp {
  std::string text;            // of the file and those that belong to it
  std::int64_t newest_ns = 0;  // last writing to any of them, UTC
};
FileStamp file_stamp(const std::string& path);

// A directory with the snapshot as files, removed with the object.
class SnapshotCopy {
 public:
  // kUnavailable: the directory cannot be made or written.
  static Result<SnapshotCopy> write(const FileSnapshot& snapshot, const std::string& scratch_directory);
  SnapshotCopy(SnapshotCopy&& other) noexcept;
  SnapshotCopy& operator=(SnapshotCopy&&) = delete;
  ~SnapshotCopy();
  std::string database() const { return directory_ + "/store.db"; }

 private:
  explicit SnapshotCopy(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;  // empty: moved away
};

}  // namespace ipsec::store

#include "store/file_snapshot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/crypto/hash.h"
#include "store/limits.h"

namespace ipsec::store {

namespace {

constexpr int kAttempts = 20;
constexpr std::chrono::milliseconds kBetweenAttempts{50};
constexpr std::size_t kDigestOctets = 8;
constexpr std::string_view kJournal = "-journal";
constexpr std::string_view kWriteLog = "-wal";

std::string beside(const std::string& path, std::string_view suffix) { return path + std::string(suffix); }

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

Status failed(const std::string& path, std::string_view what) {
  return unavailable(fmt::format("{} cannot be {}: {}", path, what, std::strerror(errno)));
}

// Nothing where there is no such file. Not blocking: a FIFO in its place would wait for a writer for ever.
Result<std::optional<Bytes>> read_whole(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0 && errno == ENOENT) return std::optional<Bytes>();
  if (file.get() < 0) return failed(path, "opened");
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return failed(path, "read");
  if (!S_ISREG(found.st_mode)) return unavailable(fmt::format("{} is not a regular file", path));
  Bytes content;
  content.reserve(static_cast<std::size_t>(found.st_size) + 1);
  constexpr std::size_t kChunk = std::size_t{256} * 1024;
  for (;;) {
    const std::size_t size = content.size();
    if (size > kMaxSourceBytes) {
      return unavailable(fmt::format("{} is larger than {} octets; that is the limit", path, kMaxSourceBytes));
    }
    content.resize(size + kChunk);
    const ssize_t got = ::read(file.get(), content.data() + size, kChunk);
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR) return failed(path, "read");
    if (got == 0) return std::optional(std::move(content));
  }
}

Result<FileSnapshot> read_once(const std::string& path) {
  FileSnapshot snapshot;
  IPSEC_ASSIGN_OR_RETURN(snapshot.journal, read_whole(beside(path, kJournal)));
  IPSEC_ASSIGN_OR_RETURN(std::optional<Bytes> database, read_whole(path));
  if (!database) return unavailable(fmt::format("{} is not there", path));
  snapshot.database = *std::move(database);
  IPSEC_ASSIGN_OR_RETURN(snapshot.write_log, read_whole(beside(path, kWriteLog)));
  return snapshot;
}

bool agree(const FileSnapshot& a, const FileSnapshot& b) {
  return a.database == b.database && a.journal == b.journal && a.write_log == b.write_log;
}

std::string digest(const FileSnapshot& snapshot) {
  const Bytes nothing;
  std::array<std::uint8_t, 16> sizes{};
  store_u64(sizes.data(), snapshot.database.size());
  store_u64(sizes.data() + 8, snapshot.journal ? snapshot.journal->size() : 0);
  const Bytes all = hash(Integrity::kSha256, {sizes, snapshot.database, snapshot.journal.value_or(nothing),
                                              snapshot.write_log.value_or(nothing)});
  return "sha256:" + to_hex(ByteView(all).first(kDigestOctets));
}

Status write_file(const std::string& path, ByteView content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return failed(path, "made");
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed(path, "written");
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<FileSnapshot> take_snapshot(const std::string& path) {
  IPSEC_ASSIGN_OR_RETURN(FileSnapshot before, read_once(path));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    IPSEC_ASSIGN_OR_RETURN(FileSnapshot now, read_once(path));
    if (agree(before, now)) {
      now.digest = digest(now);
      return now;
    }
    before = std::move(now);
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  return unavailable(fmt::format("{} does not stop changing", path));
}

FileStamp file_stamp(const std::string& path) {
  FileStamp stamp;
  for (const std::string& name : {path, beside(path, kJournal), beside(path, kWriteLog)}) {
    struct stat found {};
    if (::stat(name.c_str(), &found) != 0) {
      stamp.text += "-;";
      continue;
    }
    const std::int64_t written = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
    const std::int64_t changed = found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec;
    stamp.newest_ns = std::max({stamp.newest_ns, written, changed});
    stamp.text += fmt::format("{}.{}.{}.{}.{};", found.st_dev, found.st_ino, found.st_size, written, changed);
  }
  return stamp;
}

Result<SnapshotCopy> SnapshotCopy::write(const FileSnapshot& snapshot, const std::string& scratch_directory) {
  std::string pattern = scratch_directory + "/central-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return failed(pattern, "made");
  SnapshotCopy copy(std::move(pattern));
  IPSEC_RETURN_IF_ERROR(write_file(copy.database(), snapshot.database));
  if (snapshot.journal) IPSEC_RETURN_IF_ERROR(write_file(beside(copy.database(), kJournal), *snapshot.journal));
  if (snapshot.write_log) IPSEC_RETURN_IF_ERROR(write_file(beside(copy.database(), kWriteLog), *snapshot.write_log));
  return copy;
}

SnapshotCopy::SnapshotCopy(SnapshotCopy&& other) noexcept : directory_(std::exchange(other.directory_, {})) {}

SnapshotCopy::~SnapshotCopy() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

}  // namespace ipsec::store

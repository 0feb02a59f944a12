#include "services/common/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipsec {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Status failed(std::string_view what, const std::string& path, int error) {
  return unavailable(fmt::format("{} '{}': {}", what, path, std::strerror(error)));
}

Status write_all(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(descriptor) != 0) return failed("cannot write", path, errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return failed("cannot read", path, errno);
  std::string content;
  std::vector<char> buffer(std::size_t{64} * 1024);
  while (true) {
    const ssize_t count = read(file.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot read", path, errno);
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > most) return exhausted(fmt::format("'{}' has more than {} bytes", path, most));
  }
}

FileDraft::FileDraft(std::string path, std::string draft) : path_(std::move(path)), draft_(std::move(draft)) {}
FileDraft::FileDraft(FileDraft&& other) noexcept
    : path_(std::move(other.path_)), draft_(std::exchange(other.draft_, {})) {}

FileDraft::~FileDraft() {
  if (!draft_.empty()) unlink(draft_.c_str());
}

Result<FileDraft> FileDraft::write(const std::string& path, std::string_view content) {
  struct stat present {};
  if (stat(path.c_str(), &present) == 0 && S_ISDIR(present.st_mode)) return failed("cannot write", path, EISDIR);
  std::string name = path + ".XXXXXX";
  const Descriptor file(mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (file.number() < 0) return failed("cannot write", path, errno);
  FileDraft draft(path, std::move(name));
  IPSEC_RETURN_IF_ERROR(write_all(file.number(), content, path));
  return draft;
}

Status FileDraft::commit() {
  if (rename(draft_.c_str(), path_.c_str()) != 0) return failed("cannot write", path_, errno);
  draft_.clear();
  return {};
}

Status write_private_file(const std::string& path, std::string_view content) {
  IPSEC_ASSIGN_OR_RETURN(FileDraft draft, FileDraft::write(path, content));
  return draft.commit();
}

}  // namespace ipsec

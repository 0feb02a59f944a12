#include "services/common/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
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

Status write_private_file(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (file.number() < 0) return failed("cannot write", path, errno);
  Status status = write_all(file.number(), content, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = failed("cannot write", path, errno);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace ipsec

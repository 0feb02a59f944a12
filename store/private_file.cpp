#include "store/private_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipsec::store {

namespace {

Status failed(const std::string& path) {
  return unavailable(fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
}

Result<std::string> make_private(int file, const std::string& path) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return failed(path);
  if (!S_ISREG(found.st_mode)) return refused(fmt::format("{} is not a regular file", path));
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    return refused(fmt::format("{} belongs to user {}; accepted are root and the user of this process ({}): chown it",
                               path, found.st_uid, ::geteuid()));
  }
  const unsigned others = found.st_mode & (S_IRWXG | S_IRWXO);
  if (others == 0) return std::string();
  if (::fchmod(file, found.st_mode & S_IRWXU) != 0) {
    return refused(fmt::format("{} has mode {:04o} and that cannot be changed: {}", path, found.st_mode & 07777,
                               std::strerror(errno)));
  }
  const bool writable = (others & (S_IWGRP | S_IWOTH)) != 0;
  return fmt::format("{} could be {} by others (mode {:04o}), now it is private again; {}", path,
                     writable ? "written" : "read", found.st_mode & 07777,
                     writable ? "look whether its content is what you stored" : "keys in it may be known to others");
}

}  // namespace

Result<std::string> make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0 && errno == ENOENT) return std::string();
  if (file < 0) return failed(path);
  auto result = make_private(file, path);
  ::close(file);
  return result;
}

}  // namespace ipsec::store

#include "services/ike/shell/secret_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/ike/shell/file_descriptor.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

Result<FileContent> read_regular(const std::string& path, std::size_t most) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) return unavailable(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat found {};
  if (::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) return refused("not a regular file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    return refused(fmt::format("belongs to user {}; a file of root or of this process (user {}) is accepted",
                               found.st_uid, ::geteuid()));
  }
  if (static_cast<std::size_t>(found.st_size) > most)
    return invalid(fmt::format("has {} octets; at most {} are accepted", found.st_size, most));
  FileContent content{SecretBytes(static_cast<std::size_t>(found.st_size)), found.st_mode};
  std::size_t at = 0;
  while (at < content.octets.size()) {
    const ssize_t got = ::read(file.number(), content.octets.data() + at, content.octets.size() - at);
    if (got <= 0) break;
    at += static_cast<std::size_t>(got);
  }
  content.octets.resize(at);
  return content;
}

Status check_private(mode_t mode) {
  if ((mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return refused(fmt::format(
      "has mode {:04o} and holds a private key or its password; 0600 or 0400 is accepted (chmod 600): it is not used",
      mode & 07777));
}

Result<SecretBytes> read_secret_file(const std::string& path) {
  IPSEC_ASSIGN_OR_RETURN(FileContent content, read_regular(path, kMaxPasswordSize));
  IPSEC_RETURN_IF_ERROR(check_private(content.mode));
  SecretBytes secret = std::move(content.octets);
  while (!secret.empty() && (secret.view().back() == '\n' || secret.view().back() == '\r'))
    secret.resize(secret.size() - 1);
  return secret;
}

}  // namespace ipsec::ike

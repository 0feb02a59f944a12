#include "services/ike/shell/secret_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/account.h"
#include "services/ike/shell/file_descriptor.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

Result<FileContent> read_regular(const std::string& path, std::size_t most) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0 && errno == EACCES) {
    return unavailable(
        fmt::format("may not be read by this process (user {}, group {}); owner root, group {} and mode "
                    "0640 are accepted",
                    ::geteuid(), ::getegid(), kIkeAccount));
  }
  if (file.number() < 0) return unavailable(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat found {};
  if (::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) return refused("not a regular file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    return refused(fmt::format("belongs to user {}; a file of root or of this process (user {}) is accepted",
                               found.st_uid, ::geteuid()));
  }
  if (static_cast<std::size_t>(found.st_size) > most)
    return invalid(fmt::format("has {} octets; at most {} are accepted", found.st_size, most));
  FileContent content{SecretBytes(static_cast<std::size_t>(found.st_size)), found.st_mode, found.st_gid};
  std::size_t at = 0;
  while (at < content.octets.size()) {
    const ssize_t got = ::read(file.number(), content.octets.data() + at, content.octets.size() - at);
    if (got <= 0) break;
    at += static_cast<std::size_t>(got);
  }
  content.octets.resize(at);
  return content;
}

Status check_private(const FileContent& file) {
  const bool group_is_own = file.group == ::getegid() && file.group != 0;
  const mode_t others = S_IRWXO | S_IWGRP | S_IXGRP | (group_is_own ? 0 : S_IRGRP);
  if ((file.mode & others) == 0) return {};
  return refused(fmt::format(
      "has mode {:04o} and holds a private key or its password; 0600, or 0640 with the group {}, is accepted: it is "
      "not used",
      file.mode & 07777, kIkeAccount));
}

Result<SecretBytes> read_secret_file(const std::string& path) {
  IPSEC_ASSIGN_OR_RETURN(FileContent content, read_regular(path, kMaxPasswordSize));
  IPSEC_RETURN_IF_ERROR(check_private(content));
  SecretBytes secret = std::move(content.octets);
  while (!secret.empty() && (secret.view().back() == '\n' || secret.view().back() == '\r'))
    secret.resize(secret.size() - 1);
  return secret;
}

}  // namespace ipsec::ike

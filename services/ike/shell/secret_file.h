#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

#include "services/common/result.h"
#include "services/common/secret.h"

// Files that may hold secrets, and who else may read them. Errors say what is wrong and what is accepted, not which
// file: the caller knows its name.
namespace ipsec::ike {

struct FileContent {
  SecretBytes octets;
  mode_t mode = 0;
  gid_t group = 0;
};

// Refuses what is no regular file of root or of this process's user, and more than `most` octets.
Result<FileContent> read_regular(const std::string& path, std::size_t most);

// Refuses what others than root and the account of IKE may read: the group may where it is this process's own.
Status check_private(const FileContent& file);

// A password or PIN: a private file of kMaxPasswordSize octets at most, without the line ends behind it.
Result<SecretBytes> read_secret_file(const std::string& path);

}  // namespace ipsec::ike

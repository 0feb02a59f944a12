#pragma once

#include <string>

#include "services/common/result.h"

// Files that hold policies or keys: regular, owned by this process's user or root, and nobody else's business.
namespace ipsec::store {

// Takes away the rights of group and others. What was wrong, in words for an event; empty where nothing was, also where
// there is no such file. kRefused: the file is none of the kind, or belongs to another user, who could undo the repair;
// kUnavailable: the file system refuses.
Result<std::string> make_private(const std::string& path);

}  // namespace ipsec::store

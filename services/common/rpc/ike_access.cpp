#include "services/common/rpc/ike_access.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/rpc/paths.h"

namespace ipsec::rpc {

namespace {

constexpr mode_t kIkeDirectoryMode = 0710;
constexpr mode_t kSocketMode = 0660;

Status give(const Account& account, const std::string& path, mode_t mode) {
  if (lchown(path.c_str(), static_cast<uid_t>(-1), account.group) == 0 && chmod(path.c_str(), mode) == 0) return {};
  return unavailable(
      fmt::format("cannot open '{}' to the group of '{}': {}", path, account.name, std::strerror(errno)));
}

}  // namespace

Status open_directory_to(const Account& account, const std::string& directory) {
  return give(account, directory, kIkeDirectoryMode);
}

Status open_socket_to(const Account& account, const std::string& socket_path) {
  return give(account, socket_path, kSocketMode);
}

Result<std::string> reach_driver(const std::string& runtime_directory, const Account* account) {
  const std::string directory = ike_directory(runtime_directory);
  std::error_code error;
  std::filesystem::create_directories(runtime_directory, error);
  if (mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return unavailable(fmt::format("cannot make the directory '{}': {}", directory, std::strerror(errno)));
  }
  if (account != nullptr) {
    IPSEC_RETURN_IF_ERROR(open_directory_to(*account, directory));
    // Of a driver that was there before the account.
    const std::string socket = driver_socket_for_ike(runtime_directory);
    if (access(socket.c_str(), F_OK) == 0) IPSEC_RETURN_IF_ERROR(open_socket_to(*account, socket));
  }
  // Kept open until the process ends.
  const int handle = open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (handle < 0) return unavailable(fmt::format("cannot open '{}': {}", directory, std::strerror(errno)));
  return fmt::format("/proc/self/fd/{}/{}", handle, kDriverSocketForIke);
}

}  // namespace ipsec::rpc

#include "services/ike/shell/ike_places.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipsec::ike {
namespace {

constexpr mode_t kStateMode = 0700;
constexpr mode_t kGivenMode = 0770;

// Kept open until the process ends.
Place hold(const std::string& directory) {
  const int handle = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return {directory, handle < 0 ? directory : fmt::format("/proc/self/fd/{}", handle)};
}

// Root stays the owner: that needs no right to change owners, and the account may fill the directory, not give it away.
Status give(const std::string& path, const Account& account) {
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), account.group) == 0 && ::chmod(path.c_str(), kGivenMode) == 0) {
    return {};
  }
  return unavailable(
      fmt::format("cannot open '{}' to the group of '{}': {}", path, account.name, std::strerror(errno)));
}

}  // namespace

Result<IkePlaces> reach_places(const std::string& certificates, const std::string& state_directory,
                               const Account* account) {
  const std::string own = state_directory + "/ike";
  std::error_code error;
  std::filesystem::create_directories(state_directory, error);
  if (::mkdir(own.c_str(), kStateMode) != 0 && errno != EEXIST) {
    return unavailable(fmt::format("cannot make the directory '{}': {}", own, std::strerror(errno)));
  }
  if (account != nullptr) IPSEC_RETURN_IF_ERROR(give(own, *account));
  return IkePlaces{hold(certificates), hold(own)};
}

}  // namespace ipsec::ike

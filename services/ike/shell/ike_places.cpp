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

// Kept open until the process ends.
Place hold(const std::string& directory) {
  const int handle = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return {directory, handle < 0 ? directory : fmt::format("/proc/self/fd/{}", handle)};
}

Status give(const std::string& path, const Account& account) {
  if (::lchown(path.c_str(), account.user, account.group) == 0) return {};
  return unavailable(fmt::format("cannot give '{}' to '{}': {}", path, account.name, std::strerror(errno)));
}

// What was kept under another account could be neither read nor replaced.
Status give_all(const std::string& directory, const Account& account) {
  IPSEC_RETURN_IF_ERROR(give(directory, account));
  std::error_code error;
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory, error)) {
    IPSEC_RETURN_IF_ERROR(give(each.path().string(), account));
  }
  return {};
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
  if (account != nullptr) IPSEC_RETURN_IF_ERROR(give_all(own, *account));
  return IkePlaces{hold(certificates), hold(own)};
}

}  // namespace ipsec::ike

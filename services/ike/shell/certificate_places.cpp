#include "services/ike/shell/certificate_places.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipsec::ike {
namespace {

constexpr mode_t kCacheMode = 0700;

// Kept open until the process ends.
Place hold(const std::string& directory) {
  const int handle = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return {directory, handle < 0 ? directory : fmt::format("/proc/self/fd/{}", handle)};
}

Status give(const std::string& path, const Account& account) {
  if (::lchown(path.c_str(), account.user, account.group) == 0) return {};
  return unavailable(fmt::format("cannot give '{}' to '{}': {}", path, account.name, std::strerror(errno)));
}

// Lists that were kept under another account would be neither readable nor replaced.
Status give_all(const std::string& directory, const Account& account) {
  IPSEC_RETURN_IF_ERROR(give(directory, account));
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(directory, error)) {
    if (each.is_regular_file(error)) IPSEC_RETURN_IF_ERROR(give(each.path().string(), account));
  }
  return {};
}

}  // namespace

Result<CertificatePlaces> reach_certificates(const std::string& certificates, const std::string& crl_cache,
                                             const Account* account) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(crl_cache).parent_path(), error);
  if (::mkdir(crl_cache.c_str(), kCacheMode) != 0 && errno != EEXIST) {
    return unavailable(fmt::format("cannot make the directory '{}': {}", crl_cache, std::strerror(errno)));
  }
  if (account != nullptr) IPSEC_RETURN_IF_ERROR(give_all(crl_cache, *account));
  return CertificatePlaces{hold(certificates), hold(crl_cache)};
}

}  // namespace ipsec::ike

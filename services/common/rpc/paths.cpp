#include "services/common/rpc/paths.h"

#include <cstdlib>

#include <fmt/format.h>

namespace ipsec::rpc {

std::string runtime_directory(std::string_view option) {
  if (!option.empty()) return std::string(option);
  const char* variable = std::getenv(kRuntimeDirectoryVariable);
  if (variable != nullptr && *variable != '\0') return variable;
  return std::string(kDefaultRuntimeDirectory);
}

std::string policy_agent_socket(std::string_view directory) { return fmt::format("{}/policyagent.sock", directory); }
std::string driver_socket(std::string_view directory) { return fmt::format("{}/driver.sock", directory); }
std::string ike_socket(std::string_view directory) { return fmt::format("{}/ike.sock", directory); }
std::string ike_directory(std::string_view directory) { return fmt::format("{}/ike", directory); }
std::string driver_socket_for_ike(std::string_view directory) {
  return fmt::format("{}/{}", ike_directory(directory), kDriverSocketForIke);
}

}  // namespace ipsec::rpc

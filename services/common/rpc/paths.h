#pragma once

#include <string>
#include <string_view>

// Names of the directories and sockets that the daemons and their clients share.
namespace ipsec::rpc {

inline constexpr std::string_view kDefaultRuntimeDirectory = "/run/policyagent";
inline constexpr const char* kRuntimeDirectoryVariable = "POLICYAGENT_RUNTIME_DIR";

// `option` where it is not empty, else POLICYAGENT_RUNTIME_DIR, else /run/policyagent.
std::string runtime_directory(std::string_view option);

std::string policy_agent_socket(std::string_view runtime_directory);
std::string driver_socket(std::string_view runtime_directory);
std::string ike_socket(std::string_view runtime_directory);
// What the account of IKE may reach: the driver's socket for it, and nothing else (ike_access.h).
std::string ike_directory(std::string_view runtime_directory);
inline constexpr std::string_view kDriverSocketForIke = "driver.sock";
std::string driver_socket_for_ike(std::string_view runtime_directory);

}  // namespace ipsec::rpc

#include "services/policyagent/shell/policy_marker.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "services/common/files.h"

namespace ipsec::agent {

namespace {

constexpr std::string_view kContent =
    "A policy was in force on this computer when the Policy Agent ran last. Until it has loaded one again, the driver\n"
    "works in the boot mode (netsh ipsec dynamic set config bootmode).\n";

}  // namespace

PolicyMarker::PolicyMarker(std::string path)
    : path_(std::move(path)), is_set_(!path_.empty() && access(path_.c_str(), F_OK) == 0) {}

Status PolicyMarker::set(bool in_force) {
  if (path_.empty() || in_force == is_set_) return {};
  if (in_force) {
    IPSEC_RETURN_IF_ERROR(write_private_file(path_, kContent));
  } else if (unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return unavailable(fmt::format("cannot remove '{}': {}", path_, std::strerror(errno)));
  }
  is_set_ = in_force;
  return {};
}

}  // namespace ipsec::agent

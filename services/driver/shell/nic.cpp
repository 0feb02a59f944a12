#include "services/driver/shell/nic.h"

#include <algorithm>

namespace ipsec::driver {
namespace {

constexpr const char* kVrf = "vrf";

bool is_port(const Nic& nic, const std::vector<Nic>& present) {
  return nic.controller != 0 && std::none_of(present.begin(), present.end(), [&nic](const Nic& other) {
           return other.index == nic.controller && other.kind == kVrf;
         });
}

bool taken_by_default(const Nic& nic, const std::vector<Nic>& present) {
  return nic.ethernet && !nic.loopback && nic.kind != kVrf && !is_port(nic, present);
}

}  // namespace

std::vector<Nic> choose_nics(const std::vector<Nic>& present, const std::vector<std::string>& wanted) {
  std::vector<Nic> chosen;
  for (const Nic& nic : present) {
    if (nic.name.starts_with(kTunNamePrefix)) continue;
    const bool named = std::find(wanted.begin(), wanted.end(), nic.name) != wanted.end();
    if (wanted.empty() ? taken_by_default(nic, present) : named) chosen.push_back(nic);
  }
  return chosen;
}

}  // namespace ipsec::driver

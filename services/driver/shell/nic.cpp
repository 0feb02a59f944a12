#include "services/driver/shell/nic.h"

#include <algorithm>

namespace ipsec::driver {
namespace {

bool taken_by_default(const Nic& nic) { return nic.ethernet && !nic.loopback && nic.controller == 0; }

}  // namespace

std::vector<Nic> choose_nics(const std::vector<Nic>& present, const std::vector<std::string>& wanted) {
  std::vector<Nic> chosen;
  for (const Nic& nic : present) {
    if (nic.name.starts_with(kTunNamePrefix)) continue;
    const bool named = std::find(wanted.begin(), wanted.end(), nic.name) != wanted.end();
    if (wanted.empty() ? taken_by_default(nic) : named) chosen.push_back(nic);
  }
  return chosen;
}

}  // namespace ipsec::driver

#pragma once

#include <algorithm>
#include <string>

namespace ipsec::agent {

// `name`, or NAME (dynamic) where one of `taken` has it: what is laid over the assigned policy takes no name from it.
template <typename Named>
std::string free_name(const Named& taken, const std::string& name) {
  const bool is_taken = std::any_of(taken.begin(), taken.end(), [&](const auto& one) { return one.name == name; });
  return is_taken ? free_name(taken, name + " (dynamic)") : name;
}

}  // namespace ipsec::agent

#pragma once

#include <algorithm>
#include <vector>

namespace ipsec {

// Sorts the values and keeps one of each.
template <typename T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace ipsec

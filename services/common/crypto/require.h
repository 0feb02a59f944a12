#pragma once

#include <cstdlib>

// For calls into the crypto library that fail only without memory or without an algorithm of its own default provider:
// there is nothing safe to go on with.
namespace ipsec {

inline void require(bool done) {
  if (!done) std::abort();
}

}  // namespace ipsec

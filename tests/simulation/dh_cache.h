#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "services/ike/core/actions.h"
#include "tests/support/seeded_random.h"

namespace ipsec::ike::tests {

// Diffie-Hellman from a small stock of key pairs, so that thousands of runs can use every group. The mathematics is
// real, only the pairs come again.
class DhCache {
 public:
  DhComputed compute(const ComputeDh& request, RandomSource& random);

 private:
  static constexpr std::size_t kPairsPerGroup = 4;
  std::shared_ptr<const DhKeyPair> take(DhGroup group, RandomSource& random);

  ipsec::tests::SeededRandom stock_random_{4242};
  std::map<DhGroup, std::vector<std::shared_ptr<const DhKeyPair>>> stock_;
  std::map<std::pair<const DhKeyPair*, Bytes>, Result<SecretBytes>> secrets_;
};

}  // namespace ipsec::ike::tests

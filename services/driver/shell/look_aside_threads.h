#pragma once

#include <thread>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/driver/core/look_aside.h"

namespace ipsec::driver {

// Threads that do nothing but cryptography, for any worker. They end with this object, which ends before the workers.
class LookAsideThreads {
 public:
  // Requires 1 <= count <= kMaxEspHelpers. Both references must outlive this object; `random` is safe from any thread.
  LookAsideThreads(LookAside& aside, unsigned count, RandomSource& random);
  ~LookAsideThreads();
  LookAsideThreads(const LookAsideThreads&) = delete;
  LookAsideThreads& operator=(const LookAsideThreads&) = delete;

 private:
  static void run(LookAside& aside, unsigned engine_index, RandomSource& random);

  LookAside& aside_;
  std::vector<std::thread> threads_;
};

}  // namespace ipsec::driver

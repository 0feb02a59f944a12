#include "services/driver/shell/look_aside_threads.h"

#include "services/driver/shell/limits.h"

namespace ipsec::driver {

LookAsideThreads::LookAsideThreads(LookAside& aside, unsigned count, RandomSource& random) : aside_(aside) {
  for (unsigned i = 0; i < count; ++i) {
    threads_.emplace_back([&aside, &random, i] { run(aside, kMaxEspWorkers + i, random); });
  }
}

LookAsideThreads::~LookAsideThreads() {
  aside_.stop();
  for (std::thread& thread : threads_) thread.join();
}

void LookAsideThreads::run(LookAside& aside, unsigned engine_index, RandomSource& random) {
  EspEngine engine(engine_index, random);
  unsigned idle = 0;
  while (!aside.is_stopped()) {
    const std::uint32_t ticket = aside.ticket();
    if (aside.help(engine)) {
      idle = 0;
    } else if (++idle < limits::kHelperLooks) {
      std::this_thread::yield();
    } else {
      aside.wait(ticket);
      idle = 0;
    }
  }
}

}  // namespace ipsec::driver

#include "services/driver/core/trace.h"

#include <array>

namespace ipsec::driver {

const StepInfo& info(Step step) {
  static constexpr auto kSteps = std::to_array<StepInfo>({
#define IPSEC_DRIVER_STEP_ROW(id, row, text) {row, text},
      IPSEC_DRIVER_STEPS(IPSEC_DRIVER_STEP_ROW)
#undef IPSEC_DRIVER_STEP_ROW
  });
  return kSteps[static_cast<std::size_t>(step)];
}

}  // namespace ipsec::driver

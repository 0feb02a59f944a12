#include "services/driver/core/statistics.h"

namespace ipsec::driver {

std::vector<NamedCounter> named_counters(const Statistics& statistics) {
  return {
#define IPSEC_DRIVER_STATISTIC_ROW(field, name, text) {name, text, statistics.field},
      IPSEC_DRIVER_STATISTICS(IPSEC_DRIVER_STATISTIC_ROW)
#undef IPSEC_DRIVER_STATISTIC_ROW
  };
}

std::vector<NamedCounter> verdict_counters(const Statistics& statistics) {
  std::vector<NamedCounter> counters;
  counters.reserve(kVerdictCount);
  for (std::size_t i = 0; i < kVerdictCount; ++i)
    counters.push_back({kVerdicts[i].name, kVerdicts[i].text, statistics.verdicts[i], to_string(kVerdicts[i].kind)});
  return counters;
}

}  // namespace ipsec::driver

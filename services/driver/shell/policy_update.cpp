#include "services/driver/shell/policy_update.h"

#include "services/driver/core/limits.h"
#include "services/driver/shell/convert.h"

namespace ipsec::driver {

Status PolicyUpdateCollector::take(const proto::DriverPolicyUpdate& message) {
  if (complete_) return invalid("commit: another message came after the last one");
  if (message.has_settings() == begun_) {
    return invalid(begun_ ? "settings: only the first message has them" : "settings: missing in the first message");
  }
  if (!begun_) {
    if (message.settings().filters_size() != 0) return invalid("settings.filters: not here, but in `change`");
    IPSEC_ASSIGN_OR_RETURN(update_.settings, from_proto(message.settings()));
    update_.base_version = message.base_version();
    begun_ = true;
  }
  const proto::PolicyChange& change = message.change();
  update_.removed.insert(update_.removed.end(), change.removed().begin(), change.removed().end());
  for (const proto::Filter& filter : change.inserted()) {
    const std::size_t place = update_.inserted.size();
    IPSEC_ASSIGN_OR_RETURN(Filter converted, from_proto(filter, fmt::format("change.inserted[{}]", place)));
    if (place != 0 && converted.index <= update_.inserted.back().index) {
      return invalid(fmt::format("change.inserted[{}].index: {} after {}; they must ascend", place, converted.index,
                                 update_.inserted.back().index));
    }
    update_.inserted.push_back(std::move(converted));
  }
  if (update_.removed.size() > limits::kMaxFilters || update_.inserted.size() > limits::kMaxFilters) {
    return invalid(fmt::format("change: more than {} filters", limits::kMaxFilters));
  }
  complete_ = message.commit();
  if (!complete_) return {};
  update_.count = change.count();
  if (update_.settings.boot.mode != BootMode::kNone && update_.count != 0) {
    return invalid("policy.boot_mode: judges packets until there is a policy, so there are no filters beside it");
  }
  return {};
}

}  // namespace ipsec::driver

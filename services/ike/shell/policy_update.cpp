#include "services/ike/shell/policy_update.h"

#include "services/ike/shell/convert.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

Status PolicyUpdateCollector::take(const proto::IkePolicyUpdate& message) {
  if (complete_) return invalid("commit: another message came after the last one");
  if (message.has_settings() == begun_) {
    return invalid(begun_ ? "settings: only the first message has them" : "settings: missing in the first message");
  }
  if (!begun_) {
    if (message.settings().filters_size() != 0 || message.settings().main_mode_filters_size() != 0) {
      return invalid("settings: filters belong into `change` and `main_mode_change`");
    }
    IPSEC_ASSIGN_OR_RETURN(change_.settings, from_proto(message.settings()));
    change_.base_version = message.base_version();
    begun_ = true;
  }
  auto& filters = change_.filters;
  filters.removed.insert(filters.removed.end(), message.change().removed().begin(), message.change().removed().end());
  for (const proto::Filter& filter : message.change().inserted()) {
    IPSEC_ASSIGN_OR_RETURN(Filter converted,
                           from_proto(filter, fmt::format("change.inserted[{}]", filters.inserted.size())));
    filters.inserted.push_back({converted.index, std::move(converted)});
  }
  auto& main_mode = change_.main_mode_filters;
  const proto::MainModeFilterChange& main_mode_change = message.main_mode_change();
  main_mode.removed.insert(main_mode.removed.end(), main_mode_change.removed().begin(),
                           main_mode_change.removed().end());
  for (const proto::InsertedMainModeFilter& inserted : main_mode_change.inserted()) {
    const std::string field = fmt::format("main_mode_change.inserted[{}].filter", main_mode.inserted.size());
    IPSEC_ASSIGN_OR_RETURN(MainModeFilter converted, from_proto(inserted.filter(), field));
    main_mode.inserted.push_back({inserted.index(), std::move(converted)});
  }
  for (const std::size_t size :
       {filters.removed.size(), filters.inserted.size(), main_mode.removed.size(), main_mode.inserted.size()}) {
    if (size > kMaxFilters) return invalid(fmt::format("change: more than {} filters", kMaxFilters));
  }
  complete_ = message.commit();
  if (!complete_) return {};
  filters.count = message.change().count();
  main_mode.count = main_mode_change.count();
  return {};
}

}  // namespace ipsec::ike

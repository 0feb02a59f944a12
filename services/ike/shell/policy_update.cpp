#include "services/ike/shell/policy_update.h"

#include "services/ike/shell/convert.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {
namespace {

Status take_removed(const google::protobuf::RepeatedField<std::uint64_t>& ids, std::vector<std::uint64_t>& removed) {
  removed.insert(removed.end(), ids.begin(), ids.end());
  if (removed.size() <= kMaxFilters) return {};
  return invalid(fmt::format("change.removed: more than {} filters", kMaxFilters));
}

template <typename T>
Status take_inserted(std::size_t place, T element, ListChange<T>& change) {
  change.inserted.push_back({place, std::move(element)});
  if (change.inserted.size() <= kMaxFilters) return {};
  return invalid(fmt::format("change.inserted: more than {} filters", kMaxFilters));
}

}  // namespace

Status PolicyUpdateCollector::take(const proto::IkePolicyUpdate& message) {
  if (complete_) return invalid("commit: another message came after the last one");
  IPSEC_RETURN_IF_ERROR(take_settings(message));
  IPSEC_RETURN_IF_ERROR(take(message.change()));
  IPSEC_RETURN_IF_ERROR(take(message.main_mode_change()));
  complete_ = message.commit();
  if (!complete_) return {};
  change_.filters.count = message.change().count();
  change_.main_mode_filters.count = message.main_mode_change().count();
  return {};
}

Status PolicyUpdateCollector::take_settings(const proto::IkePolicyUpdate& message) {
  if (message.has_settings() == begun_) {
    return invalid(begun_ ? "settings: only the first message has them" : "settings: missing in the first message");
  }
  if (begun_) return {};
  if (message.settings().filters_size() != 0 || message.settings().main_mode_filters_size() != 0) {
    return invalid("settings: filters belong into `change` and `main_mode_change`");
  }
  IPSEC_ASSIGN_OR_RETURN(change_.settings, from_proto(message.settings()));
  change_.base_version = message.base_version();
  change_.keeps_quick_mode_policies = message.keeps_quick_mode_policies();
  begun_ = true;
  return {};
}

Status PolicyUpdateCollector::take(const proto::PolicyChange& message) {
  ListChange<Filter>& filters = change_.filters;
  IPSEC_RETURN_IF_ERROR(take_removed(message.removed(), filters.removed));
  for (const proto::Filter& inserted : message.inserted()) {
    const std::string field = fmt::format("change.inserted[{}]", filters.inserted.size());
    IPSEC_ASSIGN_OR_RETURN(Filter filter, from_proto(inserted, field));
    IPSEC_RETURN_IF_ERROR(take_inserted(inserted.index(), std::move(filter), filters));
  }
  return {};
}

Status PolicyUpdateCollector::take(const proto::MainModeFilterChange& message) {
  ListChange<MainModeFilter>& filters = change_.main_mode_filters;
  IPSEC_RETURN_IF_ERROR(take_removed(message.removed(), filters.removed));
  for (const proto::InsertedMainModeFilter& inserted : message.inserted()) {
    const std::string field = fmt::format("main_mode_change.inserted[{}].filter", filters.inserted.size());
    IPSEC_ASSIGN_OR_RETURN(MainModeFilter filter, from_proto(inserted.filter(), field));
    IPSEC_RETURN_IF_ERROR(take_inserted(inserted.index(), std::move(filter), filters));
  }
  return {};
}

}  // namespace ipsec::ike

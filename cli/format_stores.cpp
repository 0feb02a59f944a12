#include "cli/format.h"
#include "cli/text.h"

// Where policies come from.
namespace ipsec::cli {

namespace {

std::string poll_text(std::int64_t seconds) {
  if (seconds < 0) return "never (polling is off)";
  return "in " + duration(static_cast<std::uint64_t>(seconds));
}

// What `show status` says about a store in one line.
std::string summary(const proto::StoreStatus& store) {
  std::string text = store.state();
  if (!store.policy_name().empty()) text += fmt::format(", policy '{}'", harmless(store.policy_name()));
  text += fmt::format(", {}", harmless(store.location()));
  if (!store.problem().empty()) text += fmt::format(": {}", harmless(store.problem()));
  return text;
}

}  // namespace

std::string format_retrieval(const proto::AgentStatus& status) {
  std::string text =
      field("Policy State", status.state_name()) + field("Next Poll", poll_text(status.next_poll_seconds())) +
      field("Loads", std::to_string(status.loads())) + field("Last Load At", utc_time(status.last_load_at()));
  for (const auto& store : status.stores()) text += field(fmt::format("Store {}", store.name()), summary(store));
  return text;
}

std::string format_stores(const proto::StoreListing& listing) {
  std::string text = field("Store", store_text(listing.store()));
  for (const auto& store : listing.stores()) {
    text += "\n" + field("Location", store_text(store.name())) + field("Path", store.location()) +
            field("Registry Name", store.registry_name()) + field("State", store.state()) +
            field("Assigned Policy", store.policy_name()) + field("Version", store.version()) +
            field("Last Read", utc_time(store.read_at())) + field("Problem", store.problem());
  }
  return text;
}

}  // namespace ipsec::cli

#include "services/ike/core/main_mode_sa.h"

#include <algorithm>

#include "services/ike/core/limits.h"

namespace ipsec::ike {

bool MainModeSa::has_room() const {
  const bool limit_reached = quick_mode_limit() != 0 && quick_modes >= quick_mode_limit();
  return established() != nullptr && !limit_reached && used_message_ids.size() < kMaxMessageIds;
}

HostBehindNat MainModeSa::host() const {
  const Established* known = proven();
  if (known == nullptr) return meant_for;
  return known->choice.nat.peer_behind ? HostBehindNat{peer.port, known->peer_identity} : HostBehindNat{};
}

std::size_t MainModeSa::exchanges_under_way() const {
  return static_cast<std::size_t>(
      std::count_if(exchanges.begin(), exchanges.end(), [](const auto& entry) { return !entry.second.finished(); }));
}

Timestamp MainModeSa::next_deadline() const {
  Timestamp next = std::min({resender.next(), give_up_at, replace_at, ends_at, keep_alive_at, probe_at});
  for (const auto& [id, exchange] : exchanges)
    next =
        std::min({next, exchange.resender.next(), exchange.forget_at, exchange.joined_until, exchange.connected_until});
  return next;
}

}  // namespace ipsec::ike

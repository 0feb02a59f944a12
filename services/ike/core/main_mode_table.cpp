#include "services/ike/core/main_mode_table.h"

#include <algorithm>
#include <cassert>

namespace ipsec::ike {

MainModeSa& MainModeTable::add(std::unique_ptr<MainModeSa> sa) {
  assert(!has_own_cookie(sa->own_cookie()));
  sa->handle = next_handle_++;
  by_own_cookie_[sa->own_cookie()] = sa->handle;
  by_peer_[sa->peer.address].insert(sa->handle);
  if (!sa->initiator) {
    sa->message1_from = sa->peer;
    by_message1_[{sa->message1_from, sa->facts.initiator_cookie}] = sa->handle;
    ++half_open_;
    ++half_open_by_peer_[sa->peer.address];
    unproven_.insert(sa->handle);
  }
  const std::uint64_t handle = sa->handle;
  return *touch((by_handle_[handle] = std::move(sa)).get());
}

void MainModeTable::remove(std::uint64_t handle) {
  const auto found = by_handle_.find(handle);
  if (found == by_handle_.end()) return;
  const MainModeSa& sa = *found->second;
  if (sa.half_open()) leave_half_open(sa);
  if (const Established* proven = sa.proven()) forget_established(sa, *proven);
  by_own_cookie_.erase(sa.own_cookie());
  if (!sa.initiator) by_message1_.erase({sa.message1_from, sa.facts.initiator_cookie});
  const auto peers = by_peer_.find(sa.peer.address);
  peers->second.erase(handle);
  if (peers->second.empty()) by_peer_.erase(peers);
  set_deadline(handle, kNever);
  by_handle_.erase(found);
}

MainModeSa* MainModeTable::find(std::uint64_t handle) {
  const auto found = by_handle_.find(handle);
  return found != by_handle_.end() ? touch(found->second.get()) : nullptr;
}

MainModeSa* MainModeTable::find_by_own_cookie(Cookie cookie) {
  const auto found = by_own_cookie_.find(cookie);
  return found != by_own_cookie_.end() ? find(found->second) : nullptr;
}

MainModeSa* MainModeTable::find_by_message1(const Endpoint& peer, Cookie initiator) {
  const auto found = by_message1_.find(Message1Key{peer, initiator});
  return found != by_message1_.end() ? find(found->second) : nullptr;
}

template <typename Wanted>
MainModeSa* MainModeTable::newest_established(const IpAddress& peer, Wanted wanted) {
  const auto found = established_by_peer_.find(peer);
  if (found == established_by_peer_.end()) return nullptr;
  const auto newest = std::find_if(found->second.rbegin(), found->second.rend(),
                                   [&](const auto& entry) { return wanted(at(entry.second)); });
  return newest != found->second.rend() ? find(newest->second) : nullptr;
}

MainModeSa* MainModeTable::find_usable(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host) {
  return newest_established(peer, [&](const MainModeSa& sa) {
    return sa.local.address == local && sa.has_room() && may_be_same(sa.host(), host);
  });
}

MainModeSa* MainModeTable::find_established(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host) {
  return newest_established(peer, [&](const MainModeSa& sa) {
    return sa.local.address == local && sa.established() != nullptr && may_be_same(sa.host(), host);
  });
}

MainModeSa* MainModeTable::find_confirmed(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host) {
  return newest_established(peer, [&](const MainModeSa& sa) {
    const bool is_established =
        sa.established() != nullptr && sa.local.address == local && may_be_same(sa.host(), host);
    return is_established && (sa.initiator || sa.last_proof > sa.established_at);
  });
}

MainModeSa* MainModeTable::find_negotiating(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return nullptr;
  const auto newest = std::find_if(found->second.rbegin(), found->second.rend(), [&](std::uint64_t handle) {
    const MainModeSa& sa = at(handle);
    return sa.local.address == local && sa.initiator && sa.half_open() && may_be_same(sa.host(), host);
  });
  return newest != found->second.rend() ? find(*newest) : nullptr;
}

std::vector<std::uint64_t> MainModeTable::with_peer(const IpAddress& peer) const {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<std::uint64_t> MainModeTable::all() const {
  std::vector<std::uint64_t> handles;
  handles.reserve(by_handle_.size());
  for (const auto& [handle, sa] : by_handle_) handles.push_back(handle);
  std::sort(handles.begin(), handles.end());
  return handles;
}

std::size_t MainModeTable::half_open(const IpAddress& peer) const {
  const auto found = half_open_by_peer_.find(peer);
  return found != half_open_by_peer_.end() ? found->second : 0;
}

std::vector<std::uint64_t> MainModeTable::with_identity(const IpAddress& peer, const std::string& identity) const {
  const auto found = by_identity_.find(IdentityKey(peer, identity));
  return found != by_identity_.end() ? found->second : std::vector<std::uint64_t>();
}

bool MainModeTable::has_other_established(const MainModeSa& sa) const {
  const auto found = established_by_peer_.find(sa.peer.address);
  return found != established_by_peer_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const auto& entry) {
           return entry.second != sa.handle && at(entry.second).established() != nullptr;
         });
}

void MainModeTable::count_established(const MainModeSa& sa) {
  leave_half_open(sa);
  established_by_peer_[sa.peer.address].insert({sa.established_at, sa.handle});
  by_identity_[{sa.peer.address, sa.proven()->peer_identity}].push_back(sa.handle);
}

void MainModeTable::forget_established(const MainModeSa& sa, const Established& proven) {
  const auto peer = established_by_peer_.find(sa.peer.address);
  peer->second.erase({sa.established_at, sa.handle});
  if (peer->second.empty()) established_by_peer_.erase(peer);
  const auto found = by_identity_.find(IdentityKey(sa.peer.address, proven.peer_identity));
  std::erase(found->second, sa.handle);
  if (found->second.empty()) by_identity_.erase(found);
}

void MainModeTable::count_proven(const MainModeSa& sa) { unproven_.erase(sa.handle); }

MainModeSa* MainModeTable::oldest_unproven() { return unproven_.empty() ? nullptr : find(*unproven_.begin()); }

MainModeSa* MainModeTable::oldest_unproven(const IpAddress& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return nullptr;
  const auto oldest = std::find_if(found->second.begin(), found->second.end(),
                                   [this](std::uint64_t handle) { return unproven_.contains(handle); });
  return oldest != found->second.end() ? find(*oldest) : nullptr;
}

void MainModeTable::leave_half_open(const MainModeSa& sa) {
  if (sa.initiator) return;
  unproven_.erase(sa.handle);
  --half_open_;
  const auto found = half_open_by_peer_.find(sa.peer.address);
  if (--found->second == 0) half_open_by_peer_.erase(found);
}

MainModeSa* MainModeTable::touch(MainModeSa* sa) {
  touched_.push_back(sa->handle);
  return sa;
}

void MainModeTable::set_deadline(std::uint64_t handle, Timestamp at) {
  const auto found = deadline_of_.find(handle);
  if (found != deadline_of_.end()) {
    if (found->second == at) return;
    deadlines_.erase({found->second, handle});
    deadline_of_.erase(found);
  }
  if (at == kNever) return;
  deadline_of_[handle] = at;
  deadlines_.insert({at, handle});
}

void MainModeTable::settle() {
  for (const std::uint64_t handle : touched_) {
    const auto found = by_handle_.find(handle);
    if (found != by_handle_.end()) set_deadline(handle, found->second->next_deadline());
  }
  touched_.clear();
}

MainModeSa* MainModeTable::due(Timestamp now) {
  if (next_deadline() > now) return nullptr;
  return find(deadlines_.begin()->second);
}

}  // namespace ipsec::ike

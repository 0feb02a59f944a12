#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/address.h"
#include "services/common/time.h"
#include "services/ike/core/main_mode_sa.h"

// All main mode SAs, found by handle, by cookie and by peer, and their deadlines.
namespace ipsec::ike {

class MainModeTable {
 public:
  // Gives the SA its handle. Requires a cookie of our own that no other SA has.
  MainModeSa& add(std::unique_ptr<MainModeSa> sa);
  void remove(std::uint64_t handle);

  // Every pointer handed out may be used to change the SA until settle(); a removed one is null from then on.
  MainModeSa* find(std::uint64_t handle);
  // By a cookie that we chose.
  MainModeSa* find_by_own_cookie(Cookie cookie);
  // As responder, by what message 1 shows.
  MainModeSa* find_by_message1(const Endpoint& peer, Cookie initiator);
  bool has_own_cookie(Cookie cookie) const { return by_own_cookie_.contains(cookie); }

  // `host` counts where several are behind the peer's address.
  // The newest established SA between the two that may carry another quick mode.
  MainModeSa* find_usable(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host = {});
  // The newest established SA between the two, in whatever condition.
  MainModeSa* find_established(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host = {});
  // The newest established SA that the peer is known to have, too: where it began the main mode, message 6 may not have
  // reached it.
  MainModeSa* find_confirmed(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host = {});
  // The main mode that we are making with this peer now.
  MainModeSa* find_negotiating(const IpAddress& local, const IpAddress& peer, const HostBehindNat& host = {});
  // Handles of all SAs with this peer; of all SAs. Oldest first.
  std::vector<std::uint64_t> with_peer(const IpAddress& peer) const;
  std::vector<std::uint64_t> all() const;
  // Handles of the SAs, ended ones too, in which the peer has proven this identity. Many hosts may share an address.
  std::vector<std::uint64_t> with_identity(const IpAddress& peer, const std::string& identity) const;
  // Whether there is an established SA with this peer besides that one.
  bool has_other_established(const MainModeSa& sa) const;
  const MainModeSa& at(std::uint64_t handle) const { return *by_handle_.at(handle); }

  std::size_t size() const { return by_handle_.size(); }
  // Half-open SAs in which we are responder.
  std::size_t half_open() const { return half_open_; }
  std::size_t half_open(const IpAddress& peer) const;
  // As responder: the peer has sent a message 3 with our cookie in it, so that its address is its own.
  void count_proven(const MainModeSa& sa);
  // The SA has become established, at its established_at.
  void count_established(const MainModeSa& sa);
  // The half-open SA that has waited longest for message 3; nullptr: none. Anybody can make such an SA in anybody's
  // name.
  MainModeSa* oldest_unproven();
  MainModeSa* oldest_unproven(const IpAddress& peer);

  // Recomputes the deadlines of all SAs handed out since the last call.
  void settle();
  Timestamp next_deadline() const { return deadlines_.empty() ? kNever : deadlines_.begin()->first; }
  // The SA whose deadline is the earliest, if that is due.
  MainModeSa* due(Timestamp now);

 private:
  using IdentityKey = std::pair<IpAddress, std::string>;
  using Message1Key = std::pair<Endpoint, Cookie>;
  MainModeSa* touch(MainModeSa* sa);
  template <typename Wanted>
  MainModeSa* newest_established(const IpAddress& peer, Wanted wanted);
  void set_deadline(std::uint64_t handle, Timestamp at);
  void leave_half_open(const MainModeSa& sa);
  void forget_established(const MainModeSa& sa, const Established& proven);

  std::uint64_t next_handle_ = 1;
  absl::flat_hash_map<std::uint64_t, std::unique_ptr<MainModeSa>> by_handle_;
  absl::flat_hash_map<Cookie, std::uint64_t> by_own_cookie_;
  absl::flat_hash_map<Message1Key, std::uint64_t> by_message1_;
  absl::flat_hash_map<IpAddress, std::set<std::uint64_t>> by_peer_;
  absl::flat_hash_map<IpAddress, std::set<std::pair<Timestamp, std::uint64_t>>>
      established_by_peer_;  // ended ones, too
  absl::flat_hash_map<IdentityKey, std::vector<std::uint64_t>> by_identity_;
  absl::flat_hash_map<IpAddress, std::size_t> half_open_by_peer_;
  std::size_t half_open_ = 0;
  std::set<std::uint64_t> unproven_;  // half-open SAs that wait for message 3; handles grow with age
  absl::flat_hash_map<std::uint64_t, Timestamp> deadline_of_;
  std::set<std::pair<Timestamp, std::uint64_t>> deadlines_;
  std::vector<std::uint64_t> touched_;
};

}  // namespace ipsec::ike

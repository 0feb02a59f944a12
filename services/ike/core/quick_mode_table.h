#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/address.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/policy_lookup.h"
#include "services/ike/core/sa_parameters.h"

// The pairs of quick mode SAs that this host and its peers have: enough to rekey them and to tell the peer of their
// end. The driver owns the SAs themselves, their keys and their lifetimes (KEY-16).
namespace ipsec::ike {

struct QuickModeSaPair {
  std::uint32_t inbound_spi = 0;
  std::uint32_t outbound_spi = 0;
  std::uint32_t inbound_ah_spi = 0;  // of AH around ESP; 0: none
  std::uint32_t outbound_ah_spi = 0;
  bool has_outbound = true;  // false once replaced or ended
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  IpAddress local;
  IpAddress peer;
  HostBehindNat host;  // which of those at the peer's address
  std::string peer_identity;
  std::uint64_t main_mode_handle = 0;
  QuickModeRule rule;
  Selector outbound;
  Timestamp established_at;

  SuiteSpis inbound_spis() const {
    if (protocol == SecurityProtocol::kAh) return {0, inbound_spi};
    return {inbound_spi, inbound_ah_spi};
  }
};

class QuickModeTable {
 public:
  // Requires an inbound SPI that no other pair has. A pair of the same traffic with this host loses its outbound SA to
  // the new one; the SPIs of those.
  std::vector<std::uint32_t> add(QuickModeSaPair pair);
  // nullptr where there is none. Borrowed until the next change.
  QuickModeSaPair* find_inbound(std::uint32_t spi);
  QuickModeSaPair* find_outbound(const IpAddress& peer, std::uint32_t spi);
  // By either SPI of AH around ESP.
  QuickModeSaPair* find_outbound(const IpAddress& peer, SecurityProtocol protocol, std::uint32_t spi);
  // The outbound SPI in use for this traffic with this host; 0: none.
  std::uint32_t outbound_in_use(const IpAddress& peer, const HostBehindNat& host, std::uint64_t filter_id,
                                const Selector& outbound) const;
  // Whether SAs for this traffic, still in use, were made at or after `since`.
  bool made_since(const IpAddress& peer, std::uint64_t filter_id, const Selector& outbound, Timestamp since) const;
  void remove(std::uint32_t inbound_spi);

  bool any_with(const IpAddress& peer) const { return by_peer_.contains(peer); }
  std::vector<QuickModeSaPair> with_peer(const IpAddress& peer) const;
  // Those made with the peer of this proven identity, and those of which it is not known (adopted ones).
  std::vector<QuickModeSaPair> with_identity(const IpAddress& peer, const std::string& identity) const;
  std::vector<QuickModeSaPair> all() const;
  std::size_t count_of_main_mode(std::uint64_t handle, const IpAddress& peer) const;
  std::size_t size() const { return by_inbound_.size(); }
  void clear();

 private:
  // The newest pair with an outbound SA for this traffic; nullptr: none.
  const QuickModeSaPair* in_use(const IpAddress& peer, const HostBehindNat& host, std::uint64_t filter_id,
                                const Selector& outbound) const;

  std::vector<QuickModeSaPair> pairs_of(const std::vector<std::uint32_t>& inbound_spis) const;

  absl::flat_hash_map<std::uint32_t, QuickModeSaPair> by_inbound_;
  absl::flat_hash_map<std::pair<IpAddress, std::uint32_t>, std::uint32_t> by_outbound_;  // value: inbound SPI
  absl::flat_hash_map<IpAddress, std::vector<std::uint32_t>> by_peer_;                   // inbound SPIs, oldest first
  // Inbound SPIs of every pair that has an outbound SA, oldest first; some that have it no more. Replaced pairs, of
  // which a busy peer leaves many, do not slow down what looks for the one in use.
  absl::flat_hash_map<IpAddress, std::vector<std::uint32_t>> sending_;
  absl::flat_hash_map<std::pair<IpAddress, std::string>, std::vector<std::uint32_t>> by_identity_;
};

}  // namespace ipsec::ike

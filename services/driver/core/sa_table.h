#pragma once

#include <cstdint>
#include <vector>

#include "services/driver/core/sa.h"
#include "services/driver/core/sharded_map.h"

namespace ipsec::driver {

// The security association database as workers read it. Copies are cheap. Only the control side changes its own copy.
class SaTable {
 public:
  // Null where there is none. Both SPIs of a bundle lead to it. Pointers are valid as long as this copy is unchanged.
  Sa* find_inbound(std::uint32_t spi) const;
  // The newest SA for the filter and peer whose selector matches the packet. Before those of the filter come manual SAs
  // with this peer, of tunnel or transport mode as `filter` asks for.
  Sa* find_outbound(const Filter& filter, const IpAddress& peer, const FiveTuple& packet) const;
  // By what is on the wire.
  SaPointer find_outbound(std::uint32_t spi, SecurityProtocol protocol, const IpAddress& peer) const;
  // The newest outbound SA for the filter and peer with exactly this selector; of peers behind one NAT the one of this
  // port.
  SaPointer find_same(const SaParameters& outbound) const;
  // Whether an outbound SA with keys, which IKE has made, serves this filter and peer.
  bool has_keyed(std::uint64_t filter_id, const IpAddress& peer) const;
  SaPointer inbound(std::uint32_t spi) const;
  // Whether any inbound SA is in UDP.
  bool has_udp() const { return udp_count_ != 0; }

  // Requires that no SA with one of its SPIs (inbound), or SPI, protocol and peer (outbound), is here.
  void add(const SaPointer& sa);
  void remove(const Sa& sa);

  template <typename Visit>
  void for_each(Visit visit) const {
    inbound_.for_each([&](std::uint32_t spi, const SaPointer& sa) {
      if (spi == sa->parameters().spi) visit(sa);
    });
    outbound_by_name_.for_each([&](const OutboundName& name, const SaPointer& sa) {
      if (name.protocol == sa->parameters().protocol) visit(sa);
    });
  }

 private:
  struct OutboundKey {
    std::uint64_t filter_id = 0;
    IpAddress peer;
    friend bool operator==(const OutboundKey&, const OutboundKey&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const OutboundKey& key) {
      return H::combine(std::move(state), key.filter_id, key.peer);
    }
  };
  struct OutboundName {
    std::uint32_t spi = 0;
    SecurityProtocol protocol{};
    IpAddress peer;
    friend bool operator==(const OutboundName&, const OutboundName&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const OutboundName& name) {
      return H::combine(std::move(state), name.spi, name.protocol, name.peer);
    }
  };

  ShardedMap<std::uint32_t, SaPointer> inbound_;
  std::size_t udp_count_ = 0;
  ShardedMap<OutboundName, SaPointer> outbound_by_name_;
  ShardedMap<OutboundKey, std::vector<SaPointer>> outbound_;  // newest first; manual ones under filter 0
  std::size_t manual_count_ = 0;                              // of the outbound ones
};

}  // namespace ipsec::driver

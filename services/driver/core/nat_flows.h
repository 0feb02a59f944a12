#pragma once

#include <cstdint>

#include <absl/container/flat_hash_map.h>

#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/limits.h"

namespace ipsec::driver {

// Which of several peers behind one public address a flow belongs to: the one whose SA its last packet came under. In
// transport mode all of them have that address as theirs, so addresses and filters cannot tell (RFC 3948 5.2). Bounded;
// one thread: both directions of two addresses come to one worker.
class NatFlows {
 public:
  // What makes a packet one of a flow: addresses, protocol, ports; of echo requests and answers, which have no ports,
  // the identifier.
  static FiveTuple flow_of(const PacketView& packet) {
    constexpr std::uint8_t kEchoAnswer = 0;
    constexpr std::uint8_t kEchoRequest = 8;
    FiveTuple flow = packet.tuple;
    const ByteView upper = packet.upper();
    const bool is_echo = flow.protocol == kProtocolIcmp && !packet.is_fragment && upper.size() >= 8 &&
                         (upper[0] == kEchoAnswer || upper[0] == kEchoRequest);
    if (is_echo) flow.source_port = flow.destination_port = load_u16(&upper[4]);
    return flow;
  }

  // `received` came under the inbound SA whose other half is `outbound_spi`.
  void learn(const FiveTuple& received, std::uint32_t outbound_spi, Timestamp now) {
    if (flows_.size() >= limits::kMaxNatFlows && !flows_.contains(received.reversed())) return;
    flows_[received.reversed()] = {outbound_spi, now};
  }
  // The SPI of the outbound SA for a packet of this flow; 0: not known.
  std::uint32_t find(const FiveTuple& sent) const {
    const auto found = flows_.find(sent);
    return found == flows_.end() ? 0 : found->second.outbound_spi;
  }
  void tick(Timestamp now) {
    absl::erase_if(flows_, [now](const auto& flow) { return now - flow.second.last >= limits::kNatFlowLifetime; });
  }

 private:
  struct Flow {
    std::uint32_t outbound_spi = 0;
    Timestamp last;
  };
  absl::flat_hash_map<FiveTuple, Flow> flows_;
};

}  // namespace ipsec::driver

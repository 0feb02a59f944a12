#include "services/driver/core/offload.h"

namespace ipsec::driver {

OffloadCapabilities in_common(const OffloadCapabilities& one, const OffloadCapabilities& other) {
  if (!one.any() || !other.any()) return {};
  OffloadCapabilities both;
  both.provider = one.provider == other.provider ? one.provider : one.provider + ", " + other.provider;
  both.ciphers = one.ciphers & other.ciphers;
  both.integrities = one.integrities & other.integrities;
  both.tunnel = one.tunnel && other.tunnel;
  both.udp_encapsulation = one.udp_encapsulation && other.udp_encapsulation;
  both.extended_sequence = one.extended_sequence && other.extended_sequence;
  both.ip_options = one.ip_options && other.ip_options;
  both.transport_over_tunnel = one.transport_over_tunnel && other.transport_over_tunnel;
  return both;
}

std::string_view why_not_offloaded(const OffloadCapabilities& capabilities, const Sa& sa) {
  if (!capabilities.any()) return "no interface offers it";
  if (sa.is_soft()) return "a soft SA is never offloaded";
  if (sa.has_ah()) return "AH is done in software";
  const EspSuite& suite = sa.suite();
  if ((capabilities.ciphers & OffloadCapabilities::bit_of(suite.cipher)) == 0) return "not with this cipher";
  if ((capabilities.integrities & OffloadCapabilities::bit_of(suite.integrity)) == 0) return "not with this integrity";
  if (sa.is_tunnel() && !capabilities.tunnel) return "not in tunnel mode";
  if (sa.parameters().udp && !capabilities.udp_encapsulation) return "not in UDP";
  if (sa.parameters().extended_sequence && !capabilities.extended_sequence) return "not with extended sequence numbers";
  return {};
}

std::string_view why_not_offloaded(const OffloadCapabilities& capabilities, const Sa& sa, const PacketView& packet) {
  if (const std::string_view reason = why_not_offloaded(capabilities, sa); !reason.empty()) return reason;
  const bool outbound = sa.parameters().direction == Direction::kOutbound;
  // In tunnel mode the packet's own header goes inside, and ours has no options.
  const bool header_is_seen = !outbound || !sa.is_tunnel();
  const std::size_t plain_header = packet.is_v4() ? kIpv4HeaderSize : kIpv6HeaderSize;
  const std::size_t header = outbound ? packet.protect_offset : packet.upper_offset;
  if (header_is_seen && header != plain_header && !capabilities.ip_options) return "not with IP options";
  const bool is_protected = packet.tuple.protocol == kProtocolEsp || packet.tuple.protocol == kProtocolAh;
  if (outbound && sa.is_tunnel() && is_protected && !capabilities.transport_over_tunnel) {
    return "not transport over tunnel";
  }
  return {};
}

void OffloadWork::begin(Direction towards) {
  direction = towards;
  forget();
  arena_.reset();
  octets_ = 0;
  state_.store(State::kFilling, std::memory_order_relaxed);
}

void OffloadWork::keep(const Sa& sa) {
  if (sas_.empty() || sas_.back().get() != &sa) sas_.push_back(const_cast<Sa&>(sa).shared_from_this());
}

void OffloadWork::run(EspEngine& engine) { direction == Direction::kOutbound ? engine.seal(jobs) : engine.open(jobs); }

void OffloadWork::finish() {
  // Once it is done the worker may use it anew.
  const std::shared_ptr<OffloadWake> wake = wake_;
  State expected = State::kTaken;
  if (!state_.compare_exchange_strong(expected, State::kDone, std::memory_order_seq_cst)) return;
  // The worker first says that it wants to be woken and then looks again, so one of the two sees the other.
  if (wake->wanted.exchange(false, std::memory_order_seq_cst) && wake->call) wake->call();
}

}  // namespace ipsec::driver

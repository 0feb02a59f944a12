#include "services/driver/core/boot_filter.h"

#include <algorithm>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

bool is_exempt(const FiveTuple& packet, Direction direction, const BootSettings& settings) {
  return std::ranges::any_of(settings.exemptions, [&](const BootExemption& exemption) {
    return exemption.direction == direction && exemption.protocol == packet.protocol &&
           (exemption.source_port == 0 || exemption.source_port == packet.source_port) &&
           (exemption.destination_port == 0 || exemption.destination_port == packet.destination_port);
  });
}

// The answer to a broadcast or multicast (DHCP) comes from another address.
FiveTuple without_peer(FiveTuple sent) {
  sent.destination = IpAddress::any(sent.destination.family());
  return sent;
}

FiveTuple key_of(const FiveTuple& sent) {
  const bool group = sent.destination.is_multicast() || sent.destination == IpAddress::last(AddressFamily::kIpv4);
  return group ? without_peer(sent) : sent;
}

}  // namespace

bool BootFilter::would_pass_outbound(const FiveTuple& packet, const BootSettings& settings) const {
  if (settings.mode == BootMode::kPermit || is_exempt(packet, Direction::kOutbound, settings)) return true;
  return settings.mode != BootMode::kBlock && (sent_.size() < limits::kMaxBootFlows || sent_.contains(key_of(packet)));
}

bool BootFilter::passes_outbound(const FiveTuple& packet, const BootSettings& settings, Timestamp now) {
  if (!would_pass_outbound(packet, settings)) return false;
  if (settings.mode == BootMode::kStateful && !is_exempt(packet, Direction::kOutbound, settings)) {
    sent_[key_of(packet)] = now;
  }
  return true;
}

bool BootFilter::passes_inbound(const FiveTuple& packet, const BootSettings& settings, Timestamp now) {
  if (settings.mode == BootMode::kPermit) return true;
  if (is_exempt(packet, Direction::kInbound, settings)) return true;
  if (settings.mode == BootMode::kBlock) return false;
  const FiveTuple answers = packet.reversed();
  for (const FiveTuple& key : {answers, without_peer(answers)}) {
    const auto found = sent_.find(key);
    if (found != sent_.end() && now - found->second < limits::kBootFlowLifetime) return true;
  }
  return false;
}

void BootFilter::tick(Timestamp now) {
  absl::erase_if(sent_, [now](const auto& flow) { return now - flow.second >= limits::kBootFlowLifetime; });
}

}  // namespace ipsec::driver

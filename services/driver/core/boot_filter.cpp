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

}  // namespace

bool BootFilter::passes_outbound(const FiveTuple& packet, const BootSettings& settings, Timestamp now) {
  if (settings.mode == BootMode::kPermit) return true;
  if (is_exempt(packet, Direction::kOutbound, settings)) return true;
  if (settings.mode == BootMode::kBlock) return false;
  const bool group = packet.destination.is_multicast() || packet.destination == IpAddress::last(AddressFamily::kIpv4);
  const FiveTuple key = group ? without_peer(packet) : packet;
  if (sent_.size() >= limits::kMaxBootFlows && !sent_.contains(key)) return false;
  sent_[key] = now;
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

#include "services/ike/core/policy.h"

#include <fmt/format.h>

namespace ipsec::ike {

std::string_view name(Direction direction) { return direction == Direction::kOutbound ? "outbound" : "inbound"; }
std::string_view name(Encapsulation encapsulation) {
  return encapsulation == Encapsulation::kTunnel ? "tunnel" : "transport";
}
std::string_view name(SecurityProtocol protocol) { return protocol == SecurityProtocol::kEsp ? "ESP" : "AH"; }

std::string to_string(const MainModeOffer& offer) {
  return fmt::format("{}-{}-{}", info(offer.cipher).name, info(offer.hash).name, info(offer.group).name);
}

std::string to_string(const EspOffer& offer) {
  if (info(offer.cipher).is_aead()) return fmt::format("ESP {}", info(offer.cipher).name);
  return fmt::format("ESP {}-{}", info(offer.cipher).name, info(offer.integrity).name);
}

std::string to_string(const ProtectionSuite& suite) {
  const std::string ah = suite.ah ? fmt::format("AH {}", info(*suite.ah).name) : "";
  const std::string esp = suite.esp ? to_string(*suite.esp) : "";
  return ah + (ah.empty() || esp.empty() ? "" : " + ") + esp;
}

}  // namespace ipsec::ike

#include "services/driver/core/describe.h"

#include <fmt/format.h>

namespace ipsec::driver {

std::string describe(const Sa& sa) {
  const SaParameters& parameters = sa.parameters();
  if (parameters.soft) return fmt::format("soft SA {:#010x}", parameters.spi);
  const std::string_view mode = sa.is_tunnel() ? "tunnel" : "transport";
  if (!sa.has_esp()) {
    return fmt::format("AH {:#010x} {}, {}", parameters.spi, info(parameters.integrity).name, mode);
  }
  std::string text = fmt::format("ESP {:#010x} {}", parameters.spi, info(parameters.cipher).name);
  if (parameters.integrity != Integrity::kNone) text += fmt::format("+{}", info(parameters.integrity).name);
  if (parameters.ah) text += fmt::format(" in AH {:#010x} {}", parameters.ah->spi, info(parameters.ah->integrity).name);
  if (parameters.udp) text += fmt::format(" in UDP {}", sa.udp_port());
  return text + fmt::format(", {}", mode);
}

std::string describe(const Filter& filter) {
  constexpr std::string_view kActions[] = {"permit", "block", "negotiate"};
  return fmt::format("{} (rule '{}'): {}", filter.selector.to_string(), filter.rule_name,
                     kActions[static_cast<std::size_t>(filter.action)]);
}

}  // namespace ipsec::driver

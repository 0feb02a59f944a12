#include "services/ike/core/alternatives.h"

#include <utility>
#include <vector>

#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_selector.h"
#include "services/ike/wire/message.h"

namespace ipsec::ike {

Bytes write_alternatives(SaPayload configured, std::size_t limit) {
  while (!configured.proposals.empty()) {
    Bytes octets = body_octets(configured);
    if (octets.size() <= limit) return octets;
    std::vector<Transform>& transforms = configured.proposals.back().transforms;
    if (!transforms.empty()) transforms.pop_back();
    if (transforms.empty()) configured.proposals.pop_back();
  }
  return {};
}

std::optional<SaPayload> read_alternatives(ByteView data) {
  if (data.empty() || data.size() > kMaxMessage1Size) return std::nullopt;
  auto sa = parse_sa(data);
  if (!sa.ok()) return std::nullopt;
  return std::move(sa).value();
}

Bytes write_traffic(const Selector& outbound) {
  auto identities = identities_of(outbound);
  if (!identities.ok()) return {};
  const std::vector<PayloadContent> payloads = {std::move(identities->initiator), std::move(identities->responder)};
  return write_payloads(payloads);
}

std::optional<Selector> read_traffic(ByteView data) {
  if (data.empty()) return std::nullopt;
  const auto chain = parse_payloads(PayloadType::kIdentification, data, 0);
  if (!chain.ok()) return std::nullopt;
  const auto identities = chain->all<IdentificationPayload>();
  if (identities.size() != 2 || chain->payloads.size() != 2) return std::nullopt;
  const auto outbound = selector_of({*identities[0], *identities[1]});
  if (!outbound.ok()) return std::nullopt;
  return outbound->mirrored();
}

}  // namespace ipsec::ike

#include "services/ike/core/nat_traversal.h"

#include <algorithm>
#include <array>

#include "services/common/crypto/hash.h"

namespace ipsec::ike {

namespace {

// In the drafts the payloads have private numbers.
constexpr auto kDraftDetection = static_cast<PayloadType>(130);
constexpr auto kDraftOriginalAddress = static_cast<PayloadType>(131);
constexpr std::uint16_t kDraftUdpTunnel = 61443;
constexpr std::uint16_t kRfcUdpTunnel = 3;

PayloadType detection_type(NatTraversal kind) {
  return kind == NatTraversal::kDraft ? kDraftDetection : PayloadType::kNatDetection;
}
PayloadType original_address_type(NatTraversal kind) {
  return kind == NatTraversal::kDraft ? kDraftOriginalAddress : PayloadType::kNatOriginalAddress;
}

// HASH(CKY-I | CKY-R | IP | Port)
Bytes hash_of(const NatDetection& detection, const Endpoint& endpoint) {
  const auto initiator = cookie_octets(detection.initiator);
  const auto responder = cookie_octets(detection.responder);
  const std::array<std::uint8_t, 2> port = {static_cast<std::uint8_t>(endpoint.port >> 8),
                                            static_cast<std::uint8_t>(endpoint.port)};
  return hash(detection.hash, {initiator, responder, endpoint.address.bytes(), port});
}

std::vector<const Bytes*> bodies(const PayloadChain& message, PayloadType type) {
  std::vector<const Bytes*> found;
  for (const OpaquePayload* payload : message.all<OpaquePayload>()) {
    if (payload->type == type) found.push_back(&payload->body);
  }
  return found;
}

OpaquePayload original_address(NatTraversal kind, const IpAddress& address) {
  ByteWriter out;
  const auto type = address.is_v4() ? IdentityType::kIpv4Address : IdentityType::kIpv6Address;
  out.u8(static_cast<std::uint8_t>(type)).u8(0).u16(0).bytes(address.bytes());
  return {original_address_type(kind), out.take()};
}

std::optional<IpAddress> read_original_address(const Bytes& body) {
  constexpr std::size_t kFixed = 4;
  if (body.size() < kFixed) return std::nullopt;
  const std::size_t size = body.size() - kFixed;
  const auto type = static_cast<IdentityType>(body[0]);
  const bool fits =
      (type == IdentityType::kIpv4Address && size == 4) || (type == IdentityType::kIpv6Address && size == 16);
  if (!fits) return std::nullopt;
  return IpAddress::from_bytes(ByteView(body).subspan(kFixed));
}

}  // namespace

std::string_view name(const NatFound& found) {
  if (found.local_behind && found.peer_behind) return "both hosts";
  if (found.local_behind) return "this host";
  return found.peer_behind ? "the peer" : "";
}

bool may_be_same(const HostBehindNat& a, const HostBehindNat& b) {
  if (a.is_any() || b.is_any()) return true;
  if (!a.identity.empty() && !b.identity.empty()) return a.identity == b.identity;
  return a.port == b.port;
}

std::vector<PayloadContent> nat_detection(const NatDetection& detection) {
  if (detection.kind == NatTraversal::kNone) return {};
  const PayloadType type = detection_type(detection.kind);
  return {OpaquePayload{type, hash_of(detection, detection.peer)},
          OpaquePayload{type, hash_of(detection, detection.local)}};
}

std::optional<NatFound> detect_nat(const PayloadChain& message, const NatDetection& detection) {
  if (detection.kind == NatTraversal::kNone) return std::nullopt;
  const auto hashes = bodies(message, detection_type(detection.kind));
  if (hashes.size() < 2) return std::nullopt;
  const Bytes of_peer = hash_of(detection, detection.peer);
  NatFound found;
  found.local_behind = *hashes.front() != hash_of(detection, detection.local);
  found.peer_behind = std::none_of(hashes.begin() + 1, hashes.end(), [&](const Bytes* one) { return *one == of_peer; });
  return found;
}

std::uint16_t WireEncapsulation::number() const {
  const auto plain = static_cast<std::uint16_t>(encapsulation);
  if (in_udp == NatTraversal::kNone) return plain;
  const std::uint16_t tunnel = in_udp == NatTraversal::kDraft ? kDraftUdpTunnel : kRfcUdpTunnel;
  return static_cast<std::uint16_t>(tunnel + plain - static_cast<std::uint16_t>(Encapsulation::kTunnel));
}

std::vector<PayloadContent> original_addresses(NatTraversal kind, const OriginalAddresses& addresses) {
  return {original_address(kind, addresses.initiator), original_address(kind, addresses.responder)};
}

std::optional<OriginalAddresses> read_original_addresses(const PayloadChain& message, NatTraversal kind) {
  const auto found = bodies(message, original_address_type(kind));
  if (found.size() != 2) return std::nullopt;
  const auto initiator = read_original_address(*found[0]);
  const auto responder = read_original_address(*found[1]);
  if (!initiator || !responder || initiator->family() != responder->family()) return std::nullopt;
  return OriginalAddresses{*initiator, *responder};
}

}  // namespace ipsec::ike

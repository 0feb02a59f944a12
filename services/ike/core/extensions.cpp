#include "services/ike/core/extensions.h"

#include <algorithm>
#include <array>

#include "services/common/crypto/hash.h"

namespace ipsec::ike {

namespace {

constexpr std::string_view kProduct = "PolicyAgent for Linux, IKEv1";

using VendorId = std::array<std::uint8_t, 16>;

struct NatRow {
  NatTraversal kind;
  VendorId id;
};
// Best first. All are MD5 of a name: "RFC 3947", "draft-ietf-ipsec-nat-t-ike-03", and -02 with a newline (as Windows
// sends it) and without.
constexpr std::array<NatRow, 4> kNatRows = {{
    {NatTraversal::kRfc3947,
     {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f}},
    {NatTraversal::kDraft,
     {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56}},
    {NatTraversal::kDraft,
     {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f}},
    {NatTraversal::kDraft,
     {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48}},
}};
// RFC 3706 section 5.1, version 1.0.
constexpr VendorId kDeadPeerDetection = {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
                                         0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};
// MD5("FRAGMENTATION"); some append four octets of capabilities.
constexpr VendorId kFragmentation = {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85,
                                     0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3};

// MD5("MS NT5 ISAKMPOAKLEY"); four octets of version follow.
constexpr VendorId kWindows = {0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d,
                               0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61};

VendorIdPayload payload(const VendorId& id) { return {Bytes(id.begin(), id.end())}; }

// The product as others announce themselves: MD5 of a fixed string.
VendorId product_id() {
  const Bytes digest = hash(Integrity::kMd5, {as_bytes(kProduct)});
  VendorId id{};
  std::copy(digest.begin(), digest.end(), id.begin());
  return id;
}

bool has(const PayloadChain& message, ByteView id) {
  const auto found = message.all<VendorIdPayload>();
  return std::any_of(found.begin(), found.end(), [&](const VendorIdPayload* one) {
    return one->value.size() >= id.size() && std::equal(id.begin(), id.end(), one->value.begin());
  });
}

}  // namespace

std::vector<PayloadContent> announcements(AddressFamily family) {
  std::vector<PayloadContent> ids = {payload(product_id())};
  if (family == AddressFamily::kIpv4) {
    for (const NatRow& row : kNatRows) ids.emplace_back(payload(row.id));
  }
  ids.emplace_back(payload(kDeadPeerDetection));
  ids.emplace_back(payload(kFragmentation));
  return ids;
}

std::vector<PayloadContent> confirmations(const Extensions& agreed) {
  std::vector<PayloadContent> ids = {payload(product_id())};
  for (const NatRow& row : kNatRows) {
    if (agreed.nat_traversal != NatTraversal::kNone && row.kind == agreed.nat_traversal)
      ids.emplace_back(payload(row.id));
  }
  if (agreed.dead_peer_detection) ids.emplace_back(payload(kDeadPeerDetection));
  if (agreed.fragmentation) ids.emplace_back(payload(kFragmentation));
  return ids;
}

Extensions extensions_of(const PayloadChain& message, AddressFamily family) {
  Extensions extensions;
  const auto row =
      std::find_if(kNatRows.begin(), kNatRows.end(), [&](const NatRow& one) { return has(message, one.id); });
  if (row != kNatRows.end() && family == AddressFamily::kIpv4) extensions.nat_traversal = row->kind;
  extensions.dead_peer_detection = has(message, kDeadPeerDetection);
  extensions.fragmentation = has(message, kFragmentation);
  // Others have been seen to take a fourth message for the first of another quick mode.
  extensions.connected_notify = has(message, kWindows) || has(message, product_id());
  extensions.explanations = has(message, product_id());
  return extensions;
}

}  // namespace ipsec::ike

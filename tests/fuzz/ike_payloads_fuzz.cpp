#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "services/ike/core/alternatives.h"
#include "services/ike/core/fragmentation.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/offer_table.h"
#include "services/ike/core/quick_mode_selector.h"
#include "services/ike/wire/message.h"

// Bodies of every payload type: octets as they are, and well-formed bodies with a few octets changed, so that what lies
// deep in them is reached, too. What is read is written and read again, and goes to those who understand it.
namespace {

using namespace ipsec;
using namespace ipsec::ike;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array kTypes = {PayloadType::kSa,
                               PayloadType::kKeyExchange,
                               PayloadType::kIdentification,
                               PayloadType::kCertificate,
                               PayloadType::kCertificateRequest,
                               PayloadType::kHash,
                               PayloadType::kSignature,
                               PayloadType::kNonce,
                               PayloadType::kNotify,
                               PayloadType::kDelete,
                               PayloadType::kVendorId,
                               PayloadType::kNatDetection,
                               PayloadType::kNatOriginalAddress};

SaPayload sample_sa(bool quick_mode) {
  SaPayload sa{kDoiIpsec, kSituationIdentityOnly, {}};
  for (std::uint8_t number = 1; number <= 2; ++number) {
    Proposal proposal{number,
                      static_cast<std::uint8_t>(quick_mode ? 1 + number : kProtocolIsakmp),
                      quick_mode ? Bytes{0, 0, 1, number} : Bytes(),
                      {}};
    for (std::uint8_t id = 1; id <= 3; ++id) {
      Transform transform{id, quick_mode ? id : kTransformKeyIke, {}};
      for (std::uint16_t type = 1; type <= 6; ++type) transform.attributes.push_back(Attribute::number(type, id));
      transform.attributes.push_back(Attribute::variable_number(phase1::kLifeType, kLifeSeconds));
      transform.attributes.push_back(Attribute::variable_number(phase1::kLifeDuration, 0x12345678));
      proposal.transforms.push_back(std::move(transform));
    }
    sa.proposals.push_back(std::move(proposal));
  }
  return sa;
}

std::vector<PayloadContent> samples() {
  const Selector selector{*AddressRange::parse("10.0.0.1-10.0.0.9"), *AddressRange::parse("10.1.0.0/16"), kProtocolTcp,
                          PortRange::any(), PortRange::single(445)};
  const auto identities = identities_of(selector);
  std::vector<PayloadContent> made = {
      sample_sa(false),
      sample_sa(true),
      KeyExchangePayload{Bytes(32, 1)},
      identities->initiator,
      identities->responder,
      HashPayload{Bytes(32, 2)},
      NoncePayload{Bytes(32, 3)},
      NotifyPayload{kDoiIpsec, 3, NotifyType::kResponderLifetime, Bytes(4, 4), Bytes(12, 5)},
      DeletePayload{kDoiIpsec, kProtocolIsakmp, {Bytes(16, 6), Bytes(16, 7)}},
      VendorIdPayload{Bytes(16, 8)},
  };
  for (PayloadContent& address :
       original_addresses(NatTraversal::kRfc3947, {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("fd00::1")}))
    made.push_back(std::move(address));
  return made;
}

void understand(const PayloadContent& content) {
  if (const auto* sa = std::get_if<SaPayload>(&content)) {
    for (const bool quick : {false, true}) {
      const Comparison found = quick ? compare_quick_mode(*sa, sample_sa(true), Side::kPeer)
                                     : compare_main_mode(*sa, sample_sa(false), Side::kThisHost);
      require(found.table.offered.size() <= kMaxTermsListed && found.table.configured.size() <= kMaxTermsListed);
      for (const OfferRow& row : found.table.offered) require(row.cells.size() == found.table.columns.size());
    }
    require(write_alternatives(*sa, 100).size() <= 100);
  }
  const auto* notify = std::get_if<NotifyPayload>(&content);
  if (notify == nullptr) return;
  (void)read_alternatives(notify->data);
  (void)read_traffic(notify->data);
}

void look_at(PayloadType type, ByteView body) {
  const auto content = parse_body(type, body);
  if (!content.ok()) return;
  require(type_of(*content) == type);
  const Bytes written = body_octets(*content);
  const auto again = parse_body(type, written);
  require(again.ok() && *again == *content);
  understand(*content);
}

void look_at_pieces(ByteView octets) {
  FragmentSet set;
  ByteReader in(octets);
  while (!in.empty()) {
    Fragment fragment;
    fragment.id = in.read_u8().value_or(0) % 3;
    fragment.number = static_cast<std::uint8_t>(1 + in.read_u8().value_or(0) % 70);
    fragment.last = in.read_u8().value_or(0) % 4 == 0;
    fragment.data = Bytes(1 + in.read_u8().value_or(0) * 8U, 0x5a);
    if (const auto whole = set.add(std::move(fragment), Timestamp())) require(whole->size() <= kMaxReassembledSize);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<PayloadContent> kSamples = samples();
  const ByteView octets(data, size);
  if (size == 0) return 0;
  for (const PayloadType type : kTypes) look_at(type, octets.subspan(1));
  (void)read_alternatives(octets);
  (void)read_traffic(octets);
  if (is_fragment(octets)) (void)parse_fragment(octets);
  look_at_pieces(octets);
  // A well-formed body with some octets changed or cut off.
  const PayloadContent& sample = kSamples[octets[0] % kSamples.size()];
  Bytes body = body_octets(sample);
  for (std::size_t i = 1; i + 1 < std::min<std::size_t>(size, 9); i += 2) body[octets[i] % body.size()] = octets[i + 1];
  if (size > 9 && octets[9] % 4 == 0) body.resize(octets[9] % body.size());
  look_at(type_of(sample), body);
  return 0;
}

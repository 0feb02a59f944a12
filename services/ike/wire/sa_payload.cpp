#include "services/ike/wire/sa_payload.h"

#include "services/ike/wire/limits.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

constexpr std::uint16_t kShortFormBit = 0x8000;
constexpr std::uint8_t kMore[2] = {static_cast<std::uint8_t>(PayloadType::kProposal),
                                   static_cast<std::uint8_t>(PayloadType::kTransform)};

struct Nested {
  bool last;
  ByteView body;  // after the generic header
};

// The next proposal or transform: a generic header whose "next payload" is its own type or, in the last one, 0.
Result<Nested> read_nested(ByteReader& in, std::uint8_t own_type, std::string_view what) {
  const auto next = in.read_u8();
  const auto reserved = in.read_u8();
  const auto length = in.read_u16();
  if (!next || !reserved || !length || *length < 4) return invalid(fmt::format("SA payload: cut off in a {}", what));
  if (*next != own_type && *next != 0) return invalid(fmt::format("SA payload: payload {} after a {}", *next, what));
  const auto body = in.read(*length - 4U);
  if (!body) return invalid(fmt::format("SA payload: a {} longer than the rest", what));
  return Nested{*next == 0, *body};
}

Result<Attribute> read_attribute(ByteReader& in) {
  const auto type = in.read_u16();
  const auto word = in.read_u16();
  if (!type || !word) return invalid("SA payload: cut off in an attribute");
  Attribute attribute;
  attribute.type = *type & static_cast<std::uint16_t>(~kShortFormBit);
  attribute.short_form = (*type & kShortFormBit) != 0;
  if (attribute.short_form) {
    attribute.value = {static_cast<std::uint8_t>(*word >> 8), static_cast<std::uint8_t>(*word)};
    return attribute;
  }
  const auto value = in.read(*word);
  if (!value) return invalid(fmt::format("SA payload: attribute {} longer than its transform", attribute.type));
  attribute.value.assign(value->begin(), value->end());
  return attribute;
}

Result<Transform> parse_transform(ByteView body) {
  ByteReader in(body);
  Transform transform;
  const auto number = in.read_u8();
  const auto id = in.read_u8();
  if (!number || !id || !in.skip(2)) return invalid("SA payload: cut off in a transform");
  transform.number = *number;
  transform.id = *id;
  IPSEC_ASSIGN_OR_RETURN(transform.attributes, parse_attributes(in.rest()));
  return transform;
}

Result<Proposal> parse_proposal(ByteView body) {
  ByteReader in(body);
  Proposal proposal;
  const auto number = in.read_u8();
  const auto protocol = in.read_u8();
  const auto spi_size = in.read_u8();
  const auto transforms = in.read_u8();
  if (!number || !protocol || !spi_size || !transforms) return invalid("SA payload: cut off in a proposal");
  const auto spi = in.read(*spi_size);
  if (!spi) return invalid("SA payload: an SPI longer than its proposal");
  proposal.number = *number;
  proposal.protocol = *protocol;
  proposal.spi.assign(spi->begin(), spi->end());
  for (bool last = false; !last;) {
    IPSEC_ASSIGN_OR_RETURN(const Nested nested, read_nested(in, kMore[1], "transform"));
    last = nested.last;
    if (proposal.transforms.size() == kMaxTransforms) return invalid("SA payload: too many transforms in a proposal");
    IPSEC_ASSIGN_OR_RETURN(auto transform, parse_transform(nested.body));
    proposal.transforms.push_back(std::move(transform));
  }
  if (proposal.transforms.size() != *transforms || !in.empty()) {
    return invalid(fmt::format("SA payload: proposal {} announces {} transforms and has {} and {} octets more", *number,
                               *transforms, proposal.transforms.size(), in.remaining()));
  }
  return proposal;
}

void write_attribute(ByteWriter& out, const Attribute& attribute) {
  if (attribute.short_form) {
    out.u16(attribute.type | kShortFormBit).bytes(attribute.value);
  } else {
    out.u16(attribute.type).u16(static_cast<std::uint16_t>(attribute.value.size())).bytes(attribute.value);
  }
}

// Writes the generic header, lets `write_body` append, and puts the length in.
template <typename WriteBody>
void write_nested(ByteWriter& out, bool last, std::uint8_t own_type, WriteBody write_body) {
  const std::size_t start = out.size();
  out.u8(last ? 0 : own_type).u8(0).u16(0);
  write_body();
  out.patch_u16(start + 2, static_cast<std::uint16_t>(out.size() - start));
}

void write_proposal_body(ByteWriter& out, const Proposal& proposal) {
  out.u8(proposal.number).u8(proposal.protocol);
  out.u8(static_cast<std::uint8_t>(proposal.spi.size())).u8(static_cast<std::uint8_t>(proposal.transforms.size()));
  out.bytes(proposal.spi);
  for (const Transform& transform : proposal.transforms) {
    write_nested(out, &transform == &proposal.transforms.back(), kMore[1], [&] {
      out.u8(transform.number).u8(transform.id).u16(0);
      write_attributes(out, transform.attributes);
    });
  }
}

}  // namespace

Attribute Attribute::number(std::uint16_t type, std::uint16_t value) {
  return {type, true, {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)}};
}

Attribute Attribute::variable_number(std::uint16_t type, std::uint32_t value) {
  if (value <= 0xffff) return number(type, static_cast<std::uint16_t>(value));
  Attribute attribute{type, false, Bytes(4)};
  store_u32(attribute.value.data(), value);
  return attribute;
}

std::optional<std::uint64_t> Attribute::as_number() const {
  if (value.empty() || value.size() > 8) return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t octet : value) number = (number << 8) | octet;
  return number;
}

Result<std::vector<Attribute>> parse_attributes(ByteView octets) {
  ByteReader in(octets);
  std::vector<Attribute> attributes;
  while (!in.empty()) {
    if (attributes.size() == kMaxAttributes) return invalid("SA payload: too many attributes in a list");
    IPSEC_ASSIGN_OR_RETURN(auto attribute, read_attribute(in));
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

void write_attributes(ByteWriter& out, std::span<const Attribute> attributes) {
  for (const Attribute& attribute : attributes) write_attribute(out, attribute);
}

Result<SaPayload> parse_sa(ByteView body) {
  ByteReader in(body);
  const auto doi = in.read_u32();
  const auto situation = in.read_u32();
  if (!doi || !situation) return invalid("SA payload: cut off before the proposals");
  if (*doi != kDoiIpsec) return invalid(fmt::format("SA payload: DOI {}, only 1 is known", *doi));
  if (*situation != kSituationIdentityOnly) return invalid(fmt::format("SA payload: situation {}", *situation));
  SaPayload sa{*doi, *situation, {}};
  for (bool last = false; !last;) {
    IPSEC_ASSIGN_OR_RETURN(const Nested nested, read_nested(in, kMore[0], "proposal"));
    last = nested.last;
    if (sa.proposals.size() == kMaxProposals) return invalid("SA payload: too many proposals");
    IPSEC_ASSIGN_OR_RETURN(auto proposal, parse_proposal(nested.body));
    sa.proposals.push_back(std::move(proposal));
  }
  if (!in.empty()) return invalid(fmt::format("SA payload: {} octets after the last proposal", in.remaining()));
  return sa;
}

void write_sa_body(ByteWriter& out, const SaPayload& sa) {
  out.u32(sa.doi).u32(sa.situation);
  for (const Proposal& proposal : sa.proposals) {
    write_nested(out, &proposal == &sa.proposals.back(), kMore[0], [&] { write_proposal_body(out, proposal); });
  }
}

}  // namespace ipsec::ike

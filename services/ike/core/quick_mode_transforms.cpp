#include "services/ike/core/quick_mode_transforms.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

// RFC 2407 section 4.5: "If unspecified, the default value shall be assumed to be 28800 seconds".
constexpr std::uint32_t kDefaultLifetimeSeconds = 28800;
// RFC 2406 section 2.1: SPIs up to 255 are reserved.
constexpr std::uint32_t kFirstSpi = 256;

// A transform of AH or ESP as far as it can be read.
struct ReadTransform {
  std::uint8_t id = 0;
  std::uint16_t key_bits = 0;
  std::uint16_t authentication = 0;
  std::uint16_t encapsulation = 0;
  std::uint16_t group = 0;
  bool extended_sequence = false;
  Lifetimes lifetimes;
  bool readable = true;

  std::optional<EspOffer> esp() const {
    const auto cipher = esp_cipher(id, key_bits);
    const auto integrity = authentication == 0 ? std::optional(Integrity::kNone) : esp_integrity(authentication);
    if (!readable || !cipher || !integrity) return std::nullopt;
    // An AEAD protects integrity itself (RFC 4106 section 8).
    if (info(*cipher).is_aead() && *integrity != Integrity::kNone) return std::nullopt;
    return EspOffer{*cipher, *integrity};
  }

  // RFC 2407 section 4.4.3: the attribute must agree with the transform.
  std::optional<Integrity> ah() const {
    const auto integrity = authentication == 0 ? std::nullopt : esp_integrity(authentication);
    if (!readable || key_bits != 0 || !integrity || info(*integrity).ah_transform != id) return std::nullopt;
    return integrity;
  }
};

ReadTransform read_transform(const Transform& transform) {
  ReadTransform read;
  read.id = transform.id;
  LifetimeReader lifetimes(phase2::kLifeType, phase2::kLifeDuration);
  for (const Attribute& attribute : transform.attributes) {
    if (lifetimes.take(attribute)) continue;
    const auto value = attribute.as_number();
    const auto number = static_cast<std::uint16_t>(value.value_or(0));
    if (!value || *value > 0xffff) {
      read.readable = false;
      continue;
    }
    if (attribute.type == phase2::kGroup) {
      read.group = number;
    } else if (attribute.type == phase2::kEncapsulation) {
      read.encapsulation = number;
    } else if (attribute.type == phase2::kAuthentication) {
      read.authentication = number;
    } else if (attribute.type == phase2::kKeyLength) {
      read.key_bits = number;
    } else if (attribute.type == phase2::kExtendedSequence && number == phase2::kSequence64Bit) {
      read.extended_sequence = true;
    } else {
      // Compression and the like change what the SA is.
      read.readable = false;
    }
  }
  read.lifetimes = lifetimes.result();
  if (!read.lifetimes.seconds && !read.lifetimes.kilobytes) read.lifetimes.seconds = kDefaultLifetimeSeconds;
  return read;
}

std::vector<ReadTransform> read_all(const Proposal* proposal) {
  std::vector<ReadTransform> read;
  if (proposal == nullptr) return read;
  for (const Transform& transform : proposal->transforms) read.push_back(read_transform(transform));
  return read;
}

std::optional<std::uint32_t> smaller(std::optional<std::uint32_t> a, std::optional<std::uint32_t> b) {
  if (!a || !b) return a ? a : b;
  return smaller_lifetime(*a, *b);
}

OfferedSuite single(const ReadTransform& read) {
  OfferedSuite offered;
  offered.encapsulation = read.encapsulation;
  offered.group = read.group;
  offered.extended_sequence = read.extended_sequence;
  offered.lifetimes = read.lifetimes;
  return offered;
}

// Either is nullptr where the suite is without that protocol.
OfferedSuite combine(const ReadTransform* ah, const ReadTransform* esp) {
  OfferedSuite offered = single(esp != nullptr ? *esp : *ah);
  ProtectionSuite suite;
  if (ah != nullptr) suite.ah = ah->ah();
  if (esp != nullptr) suite.esp = esp->esp();
  bool go_together = true;
  if (ah != nullptr && esp != nullptr) {
    go_together = ah->encapsulation == esp->encapsulation && ah->group == esp->group &&
                  ah->extended_sequence == esp->extended_sequence;
    offered.lifetimes = {smaller(ah->lifetimes.seconds, esp->lifetimes.seconds),
                         smaller(ah->lifetimes.kilobytes, esp->lifetimes.kilobytes)};
  }
  const bool known = suite.ah.has_value() == (ah != nullptr) && suite.esp.has_value() == (esp != nullptr);
  if (known && go_together) offered.suite = suite;
  return offered;
}

std::string raw_text(SecurityProtocol protocol, const Transform& transform) {
  const ReadTransform read = read_transform(transform);
  return fmt::format("{} transform {}/{} with authentication {}", name(protocol), read.id, read.key_bits,
                     read.authentication);
}

std::uint32_t spi_of(const Proposal* proposal) {
  return proposal != nullptr && proposal->spi.size() == 4 ? load_u32(proposal->spi.data()) : 0;
}

}  // namespace

Transform make_transform(SecurityProtocol protocol, const QuickModeOffer& offer, WireEncapsulation encapsulation,
                         DhGroup pfs_group, std::uint8_t number) {
  const bool is_esp = protocol == SecurityProtocol::kEsp;
  const Integrity integrity = is_esp ? offer.esp->integrity : *offer.ah;
  Transform transform{number, is_esp ? info(offer.esp->cipher).esp_transform : info(integrity).ah_transform, {}};
  const auto add = [&](Attribute attribute) { transform.attributes.push_back(std::move(attribute)); };
  if (offer.lifetime_seconds != 0) {
    add(Attribute::number(phase2::kLifeType, kLifeSeconds));
    add(Attribute::variable_number(phase2::kLifeDuration, offer.lifetime_seconds));
  }
  if (offer.lifetime_kilobytes != 0) {
    add(Attribute::number(phase2::kLifeType, kLifeKilobytes));
    add(Attribute::variable_number(phase2::kLifeDuration, offer.lifetime_kilobytes));
  }
  add(Attribute::number(phase2::kEncapsulation, encapsulation.number()));
  if (integrity != Integrity::kNone) add(Attribute::number(phase2::kAuthentication, info(integrity).esp_number));
  if (is_esp && info(offer.esp->cipher).key_bits != 0)
    add(Attribute::number(phase2::kKeyLength, info(offer.esp->cipher).key_bits));
  if (pfs_group != DhGroup::kNone) add(Attribute::number(phase2::kGroup, info(pfs_group).number));
  return transform;
}

const Proposal* ProposalGroup::of(SecurityProtocol protocol) const {
  const Proposal* found = nullptr;
  for (const Proposal* proposal : proposals) {
    if (proposal->protocol != static_cast<std::uint8_t>(protocol)) continue;
    if (found != nullptr) return nullptr;
    found = proposal;
  }
  return found;
}

bool ProposalGroup::is_suite() const {
  const Proposal* const ah = of(SecurityProtocol::kAh);
  const Proposal* const esp = of(SecurityProtocol::kEsp);
  const std::size_t known = (ah != nullptr ? 1U : 0U) + (esp != nullptr ? 1U : 0U);
  return known == proposals.size() && (ah == nullptr || spi_of(ah) >= kFirstSpi) &&
         (esp == nullptr || spi_of(esp) >= kFirstSpi);
}

SuiteSpis ProposalGroup::spis() const {
  return {spi_of(of(SecurityProtocol::kEsp)), spi_of(of(SecurityProtocol::kAh))};
}

std::string ProposalGroup::text() const {
  std::vector<std::string> protocols;
  for (const Proposal* proposal : proposals) {
    const bool known = proposal->protocol == 2 || proposal->protocol == 3;
    protocols.push_back(known ? std::string(name(static_cast<SecurityProtocol>(proposal->protocol)))
                              : fmt::format("protocol {}", proposal->protocol));
  }
  return fmt::format("{}", fmt::join(protocols, " + "));
}

std::vector<ProposalGroup> proposal_groups(const SaPayload& sa) {
  std::vector<ProposalGroup> groups;
  for (const Proposal& proposal : sa.proposals) {
    const bool same = !groups.empty() && groups.back().proposals.front()->number == proposal.number;
    if (!same) groups.emplace_back();
    groups.back().proposals.push_back(&proposal);
  }
  return groups;
}

std::vector<OfferedSuite> offered_suites(const ProposalGroup& group, std::size_t most) {
  const Proposal* const ah = group.of(SecurityProtocol::kAh);
  const Proposal* const esp = group.of(SecurityProtocol::kEsp);
  const auto of_ah = read_all(ah);
  const auto of_esp = read_all(esp);
  std::vector<OfferedSuite> suites;
  for (std::size_t i = 0; i < std::max<std::size_t>(of_ah.size(), 1); ++i) {
    for (std::size_t j = 0; j < std::max<std::size_t>(of_esp.size(), 1); ++j) {
      if (suites.size() == most) return suites;
      suites.push_back(combine(ah != nullptr ? &of_ah[i] : nullptr, esp != nullptr ? &of_esp[j] : nullptr));
      if (ah != nullptr) suites.back().ah = &ah->transforms[i];
      if (esp != nullptr) suites.back().esp = &esp->transforms[j];
    }
  }
  return suites;
}

std::string mode_text(std::uint16_t encapsulation) {
  for (const Encapsulation mode : {Encapsulation::kTunnel, Encapsulation::kTransport}) {
    if (encapsulation == WireEncapsulation(mode).number()) return std::string(name(mode));
    for (const NatTraversal kind : {NatTraversal::kRfc3947, NatTraversal::kDraft}) {
      if (encapsulation == WireEncapsulation(mode, kind).number()) return fmt::format("{} in UDP", name(mode));
    }
  }
  return fmt::format("mode {}", encapsulation);
}

std::string to_string(const OfferedSuite& offered) {
  std::string suite;
  if (offered.suite) {
    suite = to_string(*offered.suite);
  } else {
    if (offered.ah != nullptr) suite = raw_text(SecurityProtocol::kAh, *offered.ah);
    if (offered.ah != nullptr && offered.esp != nullptr) suite += " + ";
    if (offered.esp != nullptr) suite += raw_text(SecurityProtocol::kEsp, *offered.esp);
  }
  const auto group = dh_group_by_number(offered.group);
  const std::string pfs = offered.group == 0 ? ""
                          : group            ? fmt::format(" PFS {}", info(*group).name)
                                             : fmt::format(" PFS group {}", offered.group);
  return fmt::format("{} {}{}{}", suite, mode_text(offered.encapsulation), pfs,
                     offered.extended_sequence ? " with 64-bit sequence numbers" : "");
}

}  // namespace ipsec::ike

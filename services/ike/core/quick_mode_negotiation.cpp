#include "services/ike/core/quick_mode_negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/core/explain.h"
#include "services/ike/core/transform_attributes.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

// RFC 2407 section 4.5: "If unspecified, the default value shall be assumed to be 28800 seconds".
constexpr std::uint32_t kDefaultLifetimeSeconds = 28800;
// RFC 2406 section 2.1: SPIs up to 255 are reserved.
constexpr std::uint32_t kFirstSpi = 256;

// An ESP transform as far as it can be read.
struct ReadTransform {
  std::uint8_t id = 0;
  std::uint16_t key_bits = 0;
  std::uint16_t authentication = 0;
  std::uint16_t encapsulation = 0;
  std::uint16_t group = 0;
  Lifetimes lifetimes;
  bool readable = true;

  std::optional<EspOffer> offer() const {
    const auto cipher = esp_cipher(id, key_bits);
    const auto integrity = authentication == 0 ? std::optional(Integrity::kNone) : esp_integrity(authentication);
    if (!readable || !cipher || !integrity) return std::nullopt;
    // An AEAD protects integrity itself (RFC 4106 section 8).
    if (info(*cipher).is_aead() && *integrity != Integrity::kNone) return std::nullopt;
    return EspOffer{*cipher, *integrity};
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
    } else {
      // Extended sequence numbers, compression and the like change what the SA is.
      read.readable = false;
    }
  }
  read.lifetimes = lifetimes.result();
  if (!read.lifetimes.seconds && !read.lifetimes.kilobytes) read.lifetimes.seconds = kDefaultLifetimeSeconds;
  return read;
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

std::string to_string(const ReadTransform& read) {
  const auto offer = read.offer();
  const auto suite =
      offer ? to_string(*offer)
            : fmt::format("ESP transform {}/{} with authentication {}", read.id, read.key_bits, read.authentication);
  const auto group = dh_group_by_number(read.group);
  const std::string pfs = read.group == 0 ? ""
                          : group         ? fmt::format(" PFS {}", info(*group).name)
                                          : fmt::format(" PFS group {}", read.group);
  return fmt::format("{} {}{}", suite, mode_text(read.encapsulation), pfs);
}

// Proposals of one number (RFC 2408 section 4.2: they belong together).
using Group = std::vector<const Proposal*>;

std::vector<Group> groups_of(const SaPayload& sa) {
  std::vector<Group> groups;
  for (const Proposal& proposal : sa.proposals) {
    const bool same = !groups.empty() && groups.back().front()->number == proposal.number;
    if (!same) groups.emplace_back();
    groups.back().push_back(&proposal);
  }
  return groups;
}

std::uint32_t spi_of(const Proposal& proposal) { return proposal.spi.size() == 4 ? load_u32(proposal.spi.data()) : 0; }

bool is_single_esp(const Group& group) {
  return group.size() == 1 && group.front()->protocol == static_cast<std::uint8_t>(SecurityProtocol::kEsp) &&
         spi_of(*group.front()) >= kFirstSpi;
}

std::string group_text(const Group& group) {
  std::vector<std::string> protocols;
  for (const Proposal* proposal : group) {
    const bool known = proposal->protocol == 2 || proposal->protocol == 3;
    protocols.push_back(known ? std::string(name(static_cast<SecurityProtocol>(proposal->protocol)))
                              : fmt::format("protocol {}", proposal->protocol));
  }
  return fmt::format("{}", fmt::join(protocols, " + "));
}

const QuickModeOffer* find_offer(const QuickModePolicy& policy, const EspOffer& esp) {
  for (const QuickModeOffer& offer : policy.offers) {
    if (is_usable(offer) && *offer.esp == esp) return &offer;
  }
  return nullptr;
}

enum class Fit { kNo, kOnlyPfsDiffers, kYes };

Fit fits(const ReadTransform& read, bool with_key_exchange, const QuickModeTerms& terms) {
  const auto esp = read.offer();
  if (!esp || read.encapsulation != terms.encapsulation.number()) return Fit::kNo;
  if (find_offer(*terms.policy, *esp) == nullptr) return Fit::kNo;
  // RFC 2409 section 5.5: a KE payload and the group attribute belong together.
  if (with_key_exchange != (read.group != 0)) return Fit::kOnlyPfsDiffers;
  if (!with_key_exchange) return terms.pfs_required ? Fit::kOnlyPfsDiffers : Fit::kYes;
  const auto group = dh_group_by_number(read.group);
  const bool known = group && std::find(terms.groups.begin(), terms.groups.end(), *group) != terms.groups.end();
  return known ? Fit::kYes : Fit::kOnlyPfsDiffers;
}

QuickModeChoice choice_of(const ReadTransform& read, Encapsulation encapsulation, const QuickModeOffer& offer,
                          std::uint32_t peer_spi) {
  return {*offer.esp,
          encapsulation,
          read.group == 0 ? DhGroup::kNone : *dh_group_by_number(read.group),
          smaller_lifetime(read.lifetimes.seconds.value_or(0), offer.lifetime_seconds),
          smaller_lifetime(read.lifetimes.kilobytes.value_or(0), offer.lifetime_kilobytes),
          peer_spi};
}

QuickModeAnswer answer_of(const SaPayload& offered, const Proposal& proposal, const Transform& transform,
                          const ReadTransform& read, const QuickModeTerms& terms) {
  QuickModeAnswer answer;
  answer.choice =
      choice_of(read, terms.encapsulation.encapsulation, *find_offer(*terms.policy, *read.offer()), spi_of(proposal));
  answer.sa = {offered.doi, offered.situation, {proposal}};
  answer.sa.proposals.front().transforms = {transform};
  answer.lifetime_reduced = answer.choice.lifetime_seconds != read.lifetimes.seconds.value_or(0) ||
                            answer.choice.lifetime_kilobytes != read.lifetimes.kilobytes.value_or(0);
  return answer;
}

std::string terms_text(const QuickModeTerms& terms) {
  std::vector<std::string_view> groups;
  for (const DhGroup group : terms.groups) groups.push_back(info(group).name);
  return fmt::format("policy '{}' allows {} in {} mode, PFS {} with {}", terms.policy->name, offers_text(*terms.policy),
                     mode_text(terms.encapsulation.number()), terms.pfs_required ? "required" : "accepted",
                     fmt::join(groups, ", "));
}

// The PFS group of this side, in the light of what the peer offers.
DhGroup group_towards(const SaPayload& offered, const QuickModeTerms& terms) {
  if (terms.pfs_required) return terms.groups.empty() ? DhGroup::kNone : terms.groups.front();
  const ReadTransform first = read_transform(offered.proposals.front().transforms.front());
  const auto group = dh_group_by_number(first.group);
  const bool acceptable = group && std::find(terms.groups.begin(), terms.groups.end(), *group) != terms.groups.end();
  return acceptable ? *group : DhGroup::kNone;
}

// What this side would offer in the mode that the peer asks for, or in any where it asks for another.
SaPayload offers_towards(const SaPayload& offered, std::span<const QuickModeTerms> terms) {
  const std::uint16_t mode = read_transform(offered.proposals.front().transforms.front()).encapsulation;
  const bool knows_mode = std::any_of(terms.begin(), terms.end(),
                                      [&](const QuickModeTerms& one) { return one.encapsulation.number() == mode; });
  SaPayload all{kDoiIpsec, kSituationIdentityOnly, {}};
  for (const QuickModeTerms& one : terms) {
    if (knows_mode && one.encapsulation.number() != mode) continue;
    for (Proposal& proposal :
         quick_mode_offers(*one.policy, one.encapsulation, group_towards(offered, one), kFirstSpi).proposals) {
      proposal.number = static_cast<std::uint8_t>(all.proposals.size() + 1);
      if (!proposal.transforms.empty()) all.proposals.push_back(std::move(proposal));
    }
  }
  return all;
}

Failure explain(const SaPayload& offered, const std::vector<std::string>& seen, bool only_pfs, bool with_key_exchange,
                std::span<const QuickModeTerms> terms) {
  std::vector<std::string> allowed;
  for (const QuickModeTerms& one : terms) allowed.push_back(terms_text(one));
  return {
      only_pfs ? FailureReason::kPfsMismatch : FailureReason::kNoProposalChosen,
      fmt::format("no quick mode offer in common: the peer offers {} {} key exchange; {}",
                  fmt::join(shortened(seen), ", "), with_key_exchange ? "with" : "without", fmt::join(allowed, "; ")),
      {shortened(seen), allowed},
      explain_refused_quick_mode(offered, offers_towards(offered, terms))};
}

}  // namespace

bool is_usable(const QuickModeOffer& offer) { return offer.esp.has_value() && !offer.ah.has_value(); }

std::vector<std::string> offer_texts(const QuickModePolicy& policy) {
  std::vector<std::string> texts;
  for (const QuickModeOffer& offer : policy.offers) {
    texts.push_back(to_string(offer) + (is_usable(offer) ? "" : " (AH is not available)"));
  }
  return shortened(std::move(texts));
}

std::string offers_text(const QuickModePolicy& policy) {
  return fmt::format("{}", fmt::join(offer_texts(policy), ", "));
}

SaPayload quick_mode_offers(const QuickModePolicy& policy, WireEncapsulation encapsulation, DhGroup pfs_group,
                            std::uint32_t spi) {
  Proposal proposal{1, static_cast<std::uint8_t>(SecurityProtocol::kEsp), Bytes(4), {}};
  store_u32(proposal.spi.data(), spi);
  for (const QuickModeOffer& offer : policy.offers) {
    if (!is_usable(offer) || proposal.transforms.size() == 255) continue;
    const CipherInfo& cipher = info(offer.esp->cipher);
    Transform transform{static_cast<std::uint8_t>(proposal.transforms.size() + 1), cipher.esp_transform, {}};
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
    if (offer.esp->integrity != Integrity::kNone)
      add(Attribute::number(phase2::kAuthentication, info(offer.esp->integrity).esp_number));
    if (cipher.key_bits != 0) add(Attribute::number(phase2::kKeyLength, cipher.key_bits));
    if (pfs_group != DhGroup::kNone) add(Attribute::number(phase2::kGroup, info(pfs_group).number));
    proposal.transforms.push_back(std::move(transform));
  }
  return {kDoiIpsec, kSituationIdentityOnly, {std::move(proposal)}};
}

bool offers_only_ah(const SaPayload& offered) {
  constexpr auto kAh = static_cast<std::uint8_t>(SecurityProtocol::kAh);
  const auto groups = groups_of(offered);
  return std::all_of(groups.begin(), groups.end(), [](const Group& group) {
    return std::any_of(group.begin(), group.end(), [](const Proposal* one) { return one->protocol == kAh; });
  });
}

Choice<QuickModeAnswer> choose_quick_mode(const SaPayload& offered, bool with_key_exchange,
                                          std::span<const QuickModeTerms> terms) {
  std::vector<std::string> seen;
  bool only_pfs = false;
  for (const Group& group : groups_of(offered)) {
    if (!is_single_esp(group)) {
      seen.push_back(group_text(group));
      continue;
    }
    for (const Transform& transform : group.front()->transforms) {
      const ReadTransform read = read_transform(transform);
      for (const QuickModeTerms& one : terms) {
        const Fit fit = fits(read, with_key_exchange, one);
        if (fit == Fit::kYes) return answer_of(offered, *group.front(), transform, read, one);
        only_pfs = only_pfs || fit == Fit::kOnlyPfsDiffers;
      }
      seen.push_back(to_string(read));
    }
  }
  return explain(offered, seen, only_pfs, with_key_exchange, terms);
}

Choice<QuickModeChoice> verify_quick_mode(const SaPayload& answer, const QuickModePolicy& policy,
                                          WireEncapsulation encapsulation, DhGroup pfs_group) {
  const auto groups = groups_of(answer);
  if (groups.size() != 1 || !is_single_esp(groups.front()) || groups.front().front()->transforms.size() != 1) {
    return Failure{FailureReason::kModifiedProposal,
                   "the answer must be one ESP proposal with one transform and an SPI of 256 or above"};
  }
  const Proposal& proposal = *groups.front().front();
  const ReadTransform read = read_transform(proposal.transforms.front());
  const QuickModeTerms terms{encapsulation, &policy, pfs_group != DhGroup::kNone, {pfs_group}};
  if (fits(read, pfs_group != DhGroup::kNone, terms) != Fit::kYes) {
    return Failure{FailureReason::kModifiedProposal,
                   fmt::format("the peer chose {}, which was not offered; offered were {} in {} mode", to_string(read),
                               offers_text(policy), mode_text(encapsulation.number())),
                   {offer_texts(policy), {to_string(read)}},
                   explain_modified_quick_mode(quick_mode_offers(policy, encapsulation, pfs_group, kFirstSpi), answer)};
  }
  return choice_of(read, encapsulation.encapsulation, *find_offer(policy, *read.offer()), spi_of(proposal));
}

NotifyPayload responder_lifetime(const QuickModeChoice& choice, std::uint32_t spi) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::uint16_t unit, std::uint32_t value) {
    if (value == 0) return;
    attributes.push_back(Attribute::number(phase2::kLifeType, unit));
    attributes.push_back(Attribute::variable_number(phase2::kLifeDuration, value));
  };
  add(kLifeSeconds, choice.lifetime_seconds);
  add(kLifeKilobytes, choice.lifetime_kilobytes);
  ByteWriter data;
  write_attributes(data, attributes);
  NotifyPayload notify{kDoiIpsec, static_cast<std::uint8_t>(SecurityProtocol::kEsp), NotifyType::kResponderLifetime,
                       Bytes(4), data.take()};
  store_u32(notify.spi.data(), spi);
  return notify;
}

void apply_responder_lifetime(const NotifyPayload& notify, QuickModeChoice& choice) {
  const auto attributes = parse_attributes(notify.data);
  if (!attributes.ok()) return;
  LifetimeReader lifetimes(phase2::kLifeType, phase2::kLifeDuration);
  for (const Attribute& attribute : *attributes) lifetimes.take(attribute);
  choice.lifetime_seconds = smaller_lifetime(choice.lifetime_seconds, lifetimes.result().seconds.value_or(0));
  choice.lifetime_kilobytes = smaller_lifetime(choice.lifetime_kilobytes, lifetimes.result().kilobytes.value_or(0));
}

}  // namespace ipsec::ike

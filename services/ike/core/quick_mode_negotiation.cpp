#include "services/ike/core/quick_mode_negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/core/explain.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_transforms.h"
#include "services/ike/core/transform_attributes.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

// For offers that are only compared: every proposal names one.
constexpr SuiteSpis kAnySpis{256, 256};

const QuickModeOffer* find_offer(const QuickModePolicy& policy, const ProtectionSuite& suite) {
  for (const QuickModeOffer& offer : policy.offers) {
    if (offer.suite() == suite) return &offer;
  }
  return nullptr;
}

enum class Fit { kNo, kOnlyPfsDiffers, kYes };

Fit fits(const OfferedSuite& offered, bool with_key_exchange, const QuickModeTerms& terms) {
  if (!offered.suite || offered.encapsulation != terms.encapsulation.number()) return Fit::kNo;
  if (offered.extended_sequence && !terms.extended_sequence) return Fit::kNo;
  if (find_offer(*terms.policy, *offered.suite) == nullptr) return Fit::kNo;
  // RFC 2409 section 5.5: a KE payload and the group attribute belong together.
  if (with_key_exchange != (offered.group != 0)) return Fit::kOnlyPfsDiffers;
  if (!with_key_exchange) return terms.pfs_required ? Fit::kOnlyPfsDiffers : Fit::kYes;
  const auto group = dh_group_by_number(offered.group);
  const bool known = group && std::find(terms.groups.begin(), terms.groups.end(), *group) != terms.groups.end();
  return known ? Fit::kYes : Fit::kOnlyPfsDiffers;
}

// Requires that the suite fits.
QuickModeChoice choice_of(const OfferedSuite& offered, const QuickModeTerms& terms, const SuiteSpis& peer_spis) {
  const QuickModeOffer& offer = *find_offer(*terms.policy, *offered.suite);
  QuickModeChoice choice;
  choice.suite = *offered.suite;
  choice.encapsulation = terms.encapsulation.encapsulation;
  if (offered.group != 0) choice.pfs_group = *dh_group_by_number(offered.group);
  choice.lifetime_seconds = smaller_lifetime(offered.lifetimes.seconds.value_or(0), offer.lifetime_seconds);
  choice.lifetime_kilobytes = smaller_lifetime(offered.lifetimes.kilobytes.value_or(0), offer.lifetime_kilobytes);
  choice.peer_spis = peer_spis;
  choice.extended_sequence = offered.extended_sequence;
  return choice;
}

QuickModeAnswer answer_of(const SaPayload& sa, const ProposalGroup& group, const OfferedSuite& offered,
                          const QuickModeTerms& terms) {
  QuickModeAnswer answer;
  answer.choice = choice_of(offered, terms, group.spis());
  answer.sa = {sa.doi, sa.situation, {}};
  for (const Proposal* proposal : group.proposals) {
    const bool is_ah = proposal == group.of(SecurityProtocol::kAh);
    answer.sa.proposals.push_back(*proposal);
    answer.sa.proposals.back().transforms = {is_ah ? *offered.ah : *offered.esp};
  }
  answer.lifetime_reduced = answer.choice.lifetime_seconds != offered.lifetimes.seconds.value_or(0) ||
                            answer.choice.lifetime_kilobytes != offered.lifetimes.kilobytes.value_or(0);
  return answer;
}

// Where AH and ESP stand together each transform of one goes with each of the other.
bool is_bundle(const QuickModeOffer& offer) { return offer.ah && offer.esp; }

Proposal make_proposal(std::size_t number, SecurityProtocol protocol, const SuiteSpis& spis) {
  Proposal proposal{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(protocol), Bytes(4), {}};
  store_u32(proposal.spi.data(), spis.of(protocol));
  return proposal;
}

std::string terms_text(const QuickModeTerms& terms) {
  std::vector<std::string_view> groups;
  for (const DhGroup group : terms.groups) groups.push_back(info(group).name);
  return fmt::format("policy '{}' allows {} in {} mode, PFS {} with {}", terms.policy->name, offers_text(*terms.policy),
                     mode_text(terms.encapsulation.number()), terms.pfs_required ? "required" : "accepted",
                     fmt::join(groups, ", "));
}

// What the peer prefers, of what is understood here; nothing in it where nothing is.
OfferedSuite first_suite(const SaPayload& offered) {
  for (const ProposalGroup& group : proposal_groups(offered)) {
    if (!group.is_suite()) continue;
    const auto suites = offered_suites(group, 1);
    if (!suites.empty()) return suites.front();
  }
  return {};
}

// The PFS group of this side, in the light of what the peer offers.
DhGroup group_towards(const OfferedSuite& preferred, const QuickModeTerms& terms) {
  if (terms.pfs_required) return terms.groups.empty() ? DhGroup::kNone : terms.groups.front();
  const auto group = dh_group_by_number(preferred.group);
  const bool acceptable = group && std::find(terms.groups.begin(), terms.groups.end(), *group) != terms.groups.end();
  return acceptable ? *group : DhGroup::kNone;
}

// What this side would offer in the mode that the peer asks for, or in any where it asks for another.
SaPayload offers_towards(const SaPayload& offered, std::span<const QuickModeTerms> terms) {
  const OfferedSuite preferred = first_suite(offered);
  const std::uint16_t mode = preferred.encapsulation;
  const bool knows_mode = std::any_of(terms.begin(), terms.end(),
                                      [&](const QuickModeTerms& one) { return one.encapsulation.number() == mode; });
  SaPayload all{kDoiIpsec, kSituationIdentityOnly, {}};
  for (const QuickModeTerms& one : terms) {
    if (knows_mode && one.encapsulation.number() != mode) continue;
    const std::size_t before = all.proposals.empty() ? 0 : all.proposals.back().number;
    for (Proposal& proposal :
         quick_mode_offers(*one.policy, one.encapsulation, group_towards(preferred, one), kAnySpis).proposals) {
      proposal.number = static_cast<std::uint8_t>(proposal.number + before);
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

std::vector<std::string> offer_texts(const QuickModePolicy& policy) {
  std::vector<std::string> texts;
  for (const QuickModeOffer& offer : policy.offers) texts.push_back(to_string(offer.suite()));
  return shortened(std::move(texts));
}

std::string offers_text(const QuickModePolicy& policy) {
  return fmt::format("{}", fmt::join(offer_texts(policy), ", "));
}

std::vector<SecurityProtocol> protocols_of(const QuickModePolicy& policy) {
  std::vector<SecurityProtocol> protocols;
  const auto any = [&](auto has) { return std::any_of(policy.offers.begin(), policy.offers.end(), has); };
  if (any([](const QuickModeOffer& offer) { return offer.esp.has_value(); }))
    protocols.push_back(SecurityProtocol::kEsp);
  if (any([](const QuickModeOffer& offer) { return offer.ah.has_value(); })) protocols.push_back(SecurityProtocol::kAh);
  return protocols;
}

SaPayload quick_mode_offers(const QuickModePolicy& policy, WireEncapsulation encapsulation, DhGroup pfs_group,
                            const SuiteSpis& spis) {
  constexpr std::size_t kMostNumbers = 255;
  SaPayload sa{kDoiIpsec, kSituationIdentityOnly, {}};
  std::size_t number = 0;
  const QuickModeOffer* before = nullptr;
  for (const QuickModeOffer& offer : policy.offers) {
    const bool goes_on = before != nullptr && !is_bundle(offer) && !is_bundle(*before) &&
                         offer.esp.has_value() == before->esp.has_value() &&
                         sa.proposals.back().transforms.size() < kMostNumbers;
    if (!goes_on && number == kMostNumbers) break;
    number += goes_on ? 0 : 1;
    for (const SecurityProtocol protocol : {SecurityProtocol::kAh, SecurityProtocol::kEsp}) {
      if (!(protocol == SecurityProtocol::kAh ? offer.ah.has_value() : offer.esp.has_value())) continue;
      if (!goes_on) sa.proposals.push_back(make_proposal(number, protocol, spis));
      auto& transforms = sa.proposals.back().transforms;
      transforms.push_back(
          make_transform(protocol, offer, encapsulation, pfs_group, static_cast<std::uint8_t>(transforms.size() + 1)));
    }
    before = &offer;
  }
  return sa;
}

bool offers_only_ah(const SaPayload& offered) {
  constexpr auto kAh = static_cast<std::uint8_t>(SecurityProtocol::kAh);
  const auto groups = proposal_groups(offered);
  return std::all_of(groups.begin(), groups.end(), [](const ProposalGroup& group) {
    return std::any_of(group.proposals.begin(), group.proposals.end(),
                       [](const Proposal* one) { return one->protocol == kAh; });
  });
}

Choice<QuickModeAnswer> choose_quick_mode(const SaPayload& offered, bool with_key_exchange,
                                          std::span<const QuickModeTerms> terms) {
  std::vector<std::string> seen;
  bool only_pfs = false;
  std::size_t left = kMaxSuitesRead;
  for (const ProposalGroup& group : proposal_groups(offered)) {
    if (!group.is_suite()) {
      seen.push_back(group.text());
      continue;
    }
    for (const OfferedSuite& suite : offered_suites(group, left)) {
      --left;
      for (const QuickModeTerms& one : terms) {
        const Fit fit = fits(suite, with_key_exchange, one);
        if (fit == Fit::kYes) return answer_of(offered, group, suite, one);
        only_pfs = only_pfs || fit == Fit::kOnlyPfsDiffers;
      }
      seen.push_back(to_string(suite));
    }
  }
  return explain(offered, seen, only_pfs, with_key_exchange, terms);
}

Choice<QuickModeChoice> verify_quick_mode(const SaPayload& answer, const QuickModePolicy& policy,
                                          WireEncapsulation encapsulation, DhGroup pfs_group) {
  const auto groups = proposal_groups(answer);
  const auto suites =
      groups.size() == 1 && groups.front().is_suite() ? offered_suites(groups.front(), 2) : std::vector<OfferedSuite>();
  if (suites.size() != 1) {
    return Failure{FailureReason::kModifiedProposal,
                   "the answer must be one proposal of AH, ESP or both, with one transform and an SPI of 256 or above "
                   "for each"};
  }
  const QuickModeTerms terms{encapsulation, &policy, pfs_group != DhGroup::kNone, {pfs_group}};
  if (fits(suites.front(), pfs_group != DhGroup::kNone, terms) != Fit::kYes) {
    return Failure{FailureReason::kModifiedProposal,
                   fmt::format("the peer chose {}, which was not offered; offered were {} in {} mode",
                               to_string(suites.front()), offers_text(policy), mode_text(encapsulation.number())),
                   {offer_texts(policy), {to_string(suites.front())}},
                   explain_modified_quick_mode(quick_mode_offers(policy, encapsulation, pfs_group, kAnySpis), answer)};
  }
  return choice_of(suites.front(), terms, groups.front().spis());
}

std::vector<NotifyPayload> responder_lifetimes(const QuickModeChoice& choice, const SuiteSpis& spis) {
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
  const Bytes octets = data.take();
  std::vector<NotifyPayload> notifies;
  for (const SecurityProtocol protocol : {SecurityProtocol::kEsp, SecurityProtocol::kAh}) {
    if (spis.of(protocol) == 0) continue;
    notifies.push_back(
        {kDoiIpsec, static_cast<std::uint8_t>(protocol), NotifyType::kResponderLifetime, Bytes(4), octets});
    store_u32(notifies.back().spi.data(), spis.of(protocol));
  }
  return notifies;
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

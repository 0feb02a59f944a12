#include "services/ike/core/negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/ike/certificates/method.h"
#include "services/ike/core/explain.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/transform_attributes.h"
#include "services/ike/wire/limits.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

// A transform of phase 1 as far as it can be read.
struct ReadTransform {
  std::uint16_t encryption = 0;
  std::uint16_t key_bits = 0;
  std::uint16_t hash = 0;
  std::uint16_t method = 0;
  std::uint16_t group = 0;
  Lifetimes lifetimes;
  bool readable = true;  // no attribute of a form or class that changes the meaning

  // nullopt where an algorithm is unknown or one of the four mandatory parameters is missing (MM-12).
  std::optional<MainModeOffer> offer() const {
    const auto known_cipher = ike_cipher(encryption, key_bits);
    const auto known_hash = ike_hash(hash);
    const auto known_group = dh_group_by_number(group);
    if (!readable || !known_cipher || !known_hash || !known_group || *known_group == DhGroup::kNone)
      return std::nullopt;
    return MainModeOffer{*known_cipher, *known_hash, *known_group};
  }
};

ReadTransform read_transform(const Transform& transform) {
  ReadTransform read;
  read.readable = transform.id == kTransformKeyIke;
  LifetimeReader lifetimes(phase1::kLifeType, phase1::kLifeDuration);
  for (const Attribute& attribute : transform.attributes) {
    if (lifetimes.take(attribute)) continue;
    const auto value = attribute.as_number();
    if (!value || *value > 0xffff) {
      read.readable = false;
      continue;
    }
    const auto number = static_cast<std::uint16_t>(*value);
    switch (attribute.type) {
      case phase1::kEncryption:
        read.encryption = number;
        break;
      case phase1::kKeyLength:
        read.key_bits = number;
        break;
      case phase1::kHash:
        read.hash = number;
        break;
      case phase1::kAuthenticationMethod:
        read.method = number;
        break;
      case phase1::kGroup:
        read.group = number;
        break;
      default:
        // A group of one's own, another PRF: not negotiable here.
        read.readable = false;
    }
  }
  read.lifetimes = lifetimes.result();
  return read;
}

std::string to_string(const ReadTransform& read) {
  if (const auto offer = read.offer()) return fmt::format("{} ({})", ike::to_string(*offer), method_name(read.method));
  const std::string length = read.key_bits != 0 ? fmt::format("/{}", read.key_bits) : "";
  return fmt::format("encryption {}{}, hash {}, group {} ({}{})", read.encryption, length, read.hash, read.group,
                     method_name(read.method), read.readable ? "" : ", with attributes not known here");
}

bool has_method(const AuthenticationNumbers& methods, const ReadTransform& read) {
  return std::find(methods.begin(), methods.end(), read.method) != methods.end();
}

std::vector<std::string> differences(const ReadTransform& read, const MainModeOffer& wanted,
                                     const AuthenticationNumbers& methods) {
  std::vector<std::string> found;
  if (ike_cipher(read.encryption, read.key_bits) != wanted.cipher) found.emplace_back("encryption");
  if (ike_hash(read.hash) != wanted.hash) found.emplace_back("hash");
  if (dh_group_by_number(read.group) != wanted.group) found.emplace_back("group");
  if (!has_method(methods, read)) found.emplace_back("authentication method");
  return found;
}

std::string configured(const MainModePolicy& policy) { return fmt::format("{}", fmt::join(offer_texts(policy), ", ")); }

// Names what each side wants and, for the closest pair, the options in which it differs (MM-36).
Failure explain(const std::vector<ReadTransform>& offered, const SaPayload& message, const MainModePolicy& policy,
                const AuthenticationNumbers& methods) {
  std::vector<std::string> texts;
  std::vector<std::string> closest;
  std::string pair;
  for (const ReadTransform& read : offered) {
    texts.push_back(to_string(read));
    for (const MainModeOffer& wanted : policy.offers) {
      auto found = differences(read, wanted, methods);
      if (!pair.empty() && found.size() >= closest.size()) continue;
      closest = std::move(found);
      pair = fmt::format("{} against {}", to_string(read), to_string(wanted));
    }
  }
  std::vector<std::string> accepted;
  for (const std::uint16_t method : methods) accepted.push_back(method_name(method));
  const bool only_group = closest.size() == 1 && closest.front() == "group";
  return {
      only_group ? FailureReason::kGroupMismatch : FailureReason::kNoProposalChosen,
      fmt::format("no main mode offer in common: the peer offers {}; policy '{}' allows {} (by {}); the closest, {}, "
                  "differ in {}",
                  fmt::join(shortened(texts), ", "), policy.name, configured(policy), fmt::join(accepted, " or "), pair,
                  fmt::join(closest, ", ")),
      {shortened(std::move(texts)), offer_texts(policy)},
      explain_refused_main_mode(message, main_mode_offers(policy, methods))};
}

bool is_offer(const ReadTransform& read, const MainModePolicy& policy, const AuthenticationNumbers& methods) {
  const auto offer = read.offer();
  return offer && has_method(methods, read) &&
         std::find(policy.offers.begin(), policy.offers.end(), *offer) != policy.offers.end();
}

MainModeChoice choice_of(const ReadTransform& read, const MainModePolicy& policy) {
  const std::uint32_t lifetime = smaller_lifetime(read.lifetimes.seconds.value_or(0), policy.lifetime_seconds);
  return {*read.offer(), std::max(lifetime, kMinMainModeLifetimeSeconds), {}, {}, read.method};
}

Transform transform_of(std::uint8_t number, const MainModeOffer& offer, std::uint16_t method, std::uint32_t lifetime) {
  const CipherInfo& cipher = info(offer.cipher);
  Transform transform{number, kTransformKeyIke, {}};
  transform.attributes.push_back(Attribute::number(phase1::kEncryption, cipher.ike_number));
  if (cipher.key_bits != 0) transform.attributes.push_back(Attribute::number(phase1::kKeyLength, cipher.key_bits));
  transform.attributes.push_back(Attribute::number(phase1::kHash, info(offer.hash).ike_number));
  transform.attributes.push_back(Attribute::number(phase1::kGroup, info(offer.group).number));
  transform.attributes.push_back(Attribute::number(phase1::kAuthenticationMethod, method));
  transform.attributes.push_back(Attribute::number(phase1::kLifeType, kLifeSeconds));
  transform.attributes.push_back(Attribute::variable_number(phase1::kLifeDuration, lifetime));
  return transform;
}

}  // namespace

std::string method_name(std::uint16_t method) {
  if (is_signature(method)) return std::string(name(static_cast<SignatureMethod>(method)));
  switch (method) {
    case 0:
      return "no authentication method";
    case phase1::kMethodPresharedKey:
      return "preshared key";
    case 65001:
      return "Kerberos";
    default:
      return fmt::format("authentication method {}", method);
  }
}

std::vector<std::string> offer_texts(const MainModePolicy& policy) {
  std::vector<std::string> texts;
  for (const MainModeOffer& offer : policy.offers) texts.push_back(to_string(offer));
  return shortened(std::move(texts));
}

SaPayload main_mode_offers(const MainModePolicy& policy, const AuthenticationNumbers& methods) {
  Proposal proposal{1, kProtocolIsakmp, {}, {}};
  for (const std::uint16_t method : methods) {
    for (const MainModeOffer& offer : policy.offers) {
      if (proposal.transforms.size() == kMaxTransforms) break;
      const auto number = static_cast<std::uint8_t>(proposal.transforms.size() + 1);
      proposal.transforms.push_back(transform_of(number, offer, method, policy.lifetime_seconds));
    }
  }
  return {kDoiIpsec, kSituationIdentityOnly, {std::move(proposal)}};
}

Choice<MainModeAnswer> choose_main_mode(const SaPayload& offered, const MainModePolicy& policy,
                                        const AuthenticationNumbers& methods) {
  std::vector<ReadTransform> seen;
  for (const Proposal& proposal : offered.proposals) {
    if (proposal.protocol != kProtocolIsakmp) continue;
    for (const Transform& transform : proposal.transforms) {
      const ReadTransform read = read_transform(transform);
      if (is_offer(read, policy, methods)) {
        // RFC 2409 section 5: "the responder ... MUST NOT modify attributes of any offer".
        SaPayload answer{offered.doi, offered.situation, {proposal}};
        answer.proposals.front().transforms = {transform};
        return MainModeAnswer{choice_of(read, policy), std::move(answer)};
      }
      seen.push_back(read);
    }
  }
  return explain(seen, offered, policy, methods);
}

Choice<MainModeChoice> verify_main_mode(const SaPayload& answer, const MainModePolicy& policy,
                                        const AuthenticationNumbers& methods) {
  if (answer.proposals.size() != 1 || answer.proposals.front().transforms.size() != 1 ||
      answer.proposals.front().protocol != kProtocolIsakmp) {
    return Failure{FailureReason::kModifiedProposal, "the answer must be one ISAKMP proposal with one transform"};
  }
  const ReadTransform read = read_transform(answer.proposals.front().transforms.front());
  if (!is_offer(read, policy, methods)) {
    return Failure{
        FailureReason::kModifiedProposal,
        fmt::format("the peer chose {}, which was not offered; offered were {}", to_string(read), configured(policy)),
        {offer_texts(policy), {to_string(read)}},
        explain_modified_main_mode(main_mode_offers(policy, methods), answer)};
  }
  return choice_of(read, policy);
}

}  // namespace ipsec::ike

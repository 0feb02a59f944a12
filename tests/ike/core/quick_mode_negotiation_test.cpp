#include "services/ike/core/quick_mode_negotiation.h"

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_transforms.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {
namespace {

QuickModeOffer esp(Cipher cipher, Integrity integrity, std::uint32_t seconds = 3600, std::uint32_t kilobytes = 100000) {
  return {std::nullopt, EspOffer{cipher, integrity}, kilobytes, seconds};
}

QuickModePolicy policy_of(std::vector<QuickModeOffer> offers, bool pfs = false) {
  QuickModePolicy policy;
  policy.name = "qm";
  policy.offers = std::move(offers);
  policy.pfs = pfs;
  return policy;
}

const SuiteSpis kSpis{0x1234, 0x5678};
const QuickModeOffer kGcm = esp(Cipher::kAes128Gcm, Integrity::kNone);
const QuickModeOffer kAes = esp(Cipher::kAes128Cbc, Integrity::kSha1);
const QuickModeOffer kOld = esp(Cipher::kTripleDes, Integrity::kMd5);

QuickModeTerms transport(const QuickModePolicy& policy, std::vector<DhGroup> groups = {}) {
  return {Encapsulation::kTransport, &policy, policy.pfs, std::move(groups)};
}

Choice<QuickModeAnswer> choose(const QuickModePolicy& initiator, DhGroup group, const QuickModeTerms& terms) {
  return choose_quick_mode(quick_mode_offers(initiator, Encapsulation::kTransport, group, kSpis),
                           group != DhGroup::kNone, std::span(&terms, 1));
}

TEST(QuickModeNegotiation, QM_08_every_esp_suite_is_offered_chosen_and_verified) {
  for (const CipherInfo& cipher : all_ciphers()) {
    for (const IntegrityInfo& integrity : all_integrities()) {
      if (cipher.is_aead() != (integrity.id == Integrity::kNone)) continue;
      for (const Encapsulation mode : {Encapsulation::kTransport, Encapsulation::kTunnel}) {
        const QuickModePolicy policy = policy_of({esp(cipher.id, integrity.id)});
        const QuickModeTerms terms{mode, &policy, false, {}};
        const auto chosen = choose_quick_mode(quick_mode_offers(policy, mode, DhGroup::kNone, {0xabcd, 0}), false,
                                              std::span(&terms, 1));
        ASSERT_TRUE(std::holds_alternative<QuickModeAnswer>(chosen)) << to_string(policy.offers.front().suite());
        const auto& answer = std::get<QuickModeAnswer>(chosen);
        EXPECT_EQ(answer.choice.suite, policy.offers.front().suite());
        EXPECT_EQ(answer.choice.encapsulation, mode);
        EXPECT_EQ(answer.choice.peer_spis, (SuiteSpis{0xabcd, 0}));
        EXPECT_FALSE(answer.lifetime_reduced);
        const auto verified = verify_quick_mode(answer.sa, policy, mode, DhGroup::kNone);
        ASSERT_TRUE(std::holds_alternative<QuickModeChoice>(verified));
      }
    }
  }
}

TEST(QuickModeNegotiation, gcm_has_a_key_length_and_no_authentication_attribute) {
  const SaPayload sa = quick_mode_offers(policy_of({kGcm}), Encapsulation::kTransport, DhGroup::kNone, kSpis);
  const Transform& transform = sa.proposals.front().transforms.front();
  EXPECT_EQ(transform.id, 20);
  for (const Attribute& attribute : transform.attributes) {
    EXPECT_NE(attribute.type, phase2::kAuthentication);
    if (attribute.type == phase2::kKeyLength) {
      EXPECT_EQ(attribute.as_number(), 128U);
    }
  }
}

TEST(QuickModeNegotiation, QM_16_exactly_one_the_first_acceptable_of_the_initiator) {
  const QuickModePolicy responder = policy_of({kOld, kAes});
  const auto chosen = choose(policy_of({kGcm, kAes, kOld}), DhGroup::kNone, transport(responder));
  const auto& answer = std::get<QuickModeAnswer>(chosen);
  EXPECT_EQ(answer.choice.suite, kAes.suite());
  EXPECT_EQ(answer.sa.proposals.front().transforms.size(), 1U);
}

TEST(QuickModeNegotiation, KEY_01_the_smaller_lifetimes_count_and_are_announced) {
  const QuickModePolicy responder = policy_of({esp(Cipher::kAes128Cbc, Integrity::kSha1, 600, 0)});
  const auto chosen = choose(policy_of({kAes}), DhGroup::kNone, transport(responder));
  const auto& answer = std::get<QuickModeAnswer>(chosen);
  EXPECT_EQ(answer.choice.lifetime_seconds, 600U);
  EXPECT_EQ(answer.choice.lifetime_kilobytes, 100000U) << "no limit of one's own: the peer's counts";
  EXPECT_TRUE(answer.lifetime_reduced);

  QuickModeChoice initiators{kAes.suite(), Encapsulation::kTransport, DhGroup::kNone, 3600, 100000, {1, 0}};
  apply_responder_lifetime(responder_lifetimes(answer.choice, {7, 0}).front(), initiators);
  EXPECT_EQ(initiators.lifetime_seconds, 600U);
  EXPECT_EQ(initiators.lifetime_kilobytes, 100000U);
}

TEST(QuickModeNegotiation, a_responder_lifetime_never_lengthens_and_garbage_is_left_out) {
  QuickModeChoice choice{kAes.suite(), Encapsulation::kTransport, DhGroup::kNone, 3600, 100000, {1, 0}};
  QuickModeChoice longer = choice;
  longer.lifetime_seconds = 99999;
  apply_responder_lifetime(responder_lifetimes(longer, {7, 0}).front(), choice);
  EXPECT_EQ(choice.lifetime_seconds, 3600U);
  NotifyPayload garbage = responder_lifetimes(choice, {7, 0}).front();
  garbage.data.resize(3);
  apply_responder_lifetime(garbage, choice);
  EXPECT_EQ(choice.lifetime_seconds, 3600U);
}

TEST(QuickModeNegotiation, without_any_lifetime_rfc_2407_says_28800_seconds) {
  const QuickModePolicy unlimited = policy_of({esp(Cipher::kAes128Cbc, Integrity::kSha1, 0, 0)});
  const auto chosen = choose(unlimited, DhGroup::kNone, transport(unlimited));
  EXPECT_EQ(std::get<QuickModeAnswer>(chosen).choice.lifetime_seconds, 28800U);
}

TEST(QuickModeNegotiation, KEY_29_required_pfs_refuses_an_offer_without) {
  const QuickModePolicy responder = policy_of({kAes}, true);
  const auto chosen = choose(policy_of({kAes}), DhGroup::kNone, transport(responder, {DhGroup::kModp2048}));
  ASSERT_TRUE(std::holds_alternative<Failure>(chosen));
  EXPECT_EQ(std::get<Failure>(chosen).reason, FailureReason::kPfsMismatch);
  EXPECT_NE(std::get<Failure>(chosen).text.find("PFS required with modp2048"), std::string::npos)
      << std::get<Failure>(chosen).text;
}

TEST(QuickModeNegotiation, KEY_30_without_a_pfs_policy_a_known_group_is_accepted) {
  const QuickModePolicy responder = policy_of({kAes});
  const auto chosen = choose(policy_of({kAes}, true), DhGroup::kModp2048, transport(responder, {DhGroup::kModp2048}));
  EXPECT_EQ(std::get<QuickModeAnswer>(chosen).choice.pfs_group, DhGroup::kModp2048);
}

TEST(QuickModeNegotiation, KEY_32_another_group_is_not_accepted) {
  for (const bool required : {false, true}) {
    const QuickModePolicy responder = policy_of({kAes}, required);
    const auto chosen = choose(policy_of({kAes}, true), DhGroup::kModp1024, transport(responder, {DhGroup::kModp2048}));
    ASSERT_TRUE(std::holds_alternative<Failure>(chosen));
    EXPECT_EQ(std::get<Failure>(chosen).reason, FailureReason::kPfsMismatch);
  }
}

TEST(QuickModeNegotiation, a_group_without_key_exchange_fits_nothing) {
  const QuickModePolicy policy = policy_of({kAes});
  const SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kModp2048, kSpis);
  const QuickModeTerms terms = transport(policy, {DhGroup::kModp2048});
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, the_mode_is_chosen_by_the_initiators_order) {
  const QuickModePolicy policy = policy_of({kAes});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTunnel, DhGroup::kNone, kSpis);
  offered.proposals.push_back(
      quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis).proposals.front());
  offered.proposals.back().number = 2;
  const std::vector<QuickModeTerms> both = {transport(policy), {Encapsulation::kTunnel, &policy, false, {}}};
  EXPECT_EQ(std::get<QuickModeAnswer>(choose_quick_mode(offered, false, both)).choice.encapsulation,
            Encapsulation::kTunnel);
  EXPECT_EQ(std::get<QuickModeAnswer>(choose_quick_mode(offered, false, std::span(both).first(1))).choice.encapsulation,
            Encapsulation::kTransport);
}

QuickModeOffer with_ah(Integrity ah, std::optional<EspOffer> esp = std::nullopt) { return {ah, esp, 100000, 3600}; }

TEST(QuickModeNegotiation, QM_08_every_suite_with_ah_is_offered_chosen_and_verified) {
  for (const IntegrityInfo& integrity : all_integrities()) {
    if (integrity.ah_transform == 0) continue;
    for (const std::optional<EspOffer>& esp : {std::optional<EspOffer>(), kAes.esp, kGcm.esp}) {
      for (const Encapsulation mode : {Encapsulation::kTransport, Encapsulation::kTunnel}) {
        const QuickModePolicy policy = policy_of({with_ah(integrity.id, esp)});
        const QuickModeTerms terms{mode, &policy, false, {}};
        const SaPayload offered = quick_mode_offers(policy, mode, DhGroup::kNone, kSpis);
        const auto chosen = choose_quick_mode(offered, false, std::span(&terms, 1));
        ASSERT_TRUE(std::holds_alternative<QuickModeAnswer>(chosen)) << to_string(policy.offers.front().suite());
        const auto& answer = std::get<QuickModeAnswer>(chosen);
        EXPECT_EQ(answer.choice.suite, policy.offers.front().suite());
        EXPECT_EQ(answer.choice.peer_spis, (SuiteSpis{esp ? kSpis.esp : 0, kSpis.ah}));
        EXPECT_EQ(answer.sa, offered) << "unchanged";
        const auto verified = verify_quick_mode(answer.sa, policy, mode, DhGroup::kNone);
        ASSERT_TRUE(std::holds_alternative<QuickModeChoice>(verified));
        EXPECT_EQ(std::get<QuickModeChoice>(verified).suite, answer.choice.suite);
      }
    }
  }
}

// RFC 2407 sections 4.4.3 and 4.5; RFC 2408 section 4.2.
TEST(QuickModeNegotiation, QM_02_ah_esp_and_both_on_the_wire) {
  const QuickModePolicy policy =
      policy_of({kAes, kOld, with_ah(Integrity::kSha1), with_ah(Integrity::kMd5, kOld.esp), kGcm});
  const SaPayload sa = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  ASSERT_EQ(sa.proposals.size(), 5U);
  const std::vector<std::pair<int, int>> expected = {{1, 3}, {2, 2}, {3, 2}, {3, 3}, {4, 3}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(sa.proposals[i].number, expected[i].first) << i;
    EXPECT_EQ(sa.proposals[i].protocol, expected[i].second) << i;
    EXPECT_EQ(load_u32(sa.proposals[i].spi.data()), expected[i].second == 3 ? kSpis.esp : kSpis.ah);
  }
  EXPECT_EQ(sa.proposals[0].transforms.size(), 2U) << "alternatives of one protocol";
  const Transform& ah = sa.proposals[1].transforms.front();
  EXPECT_EQ(ah.id, 3) << "AH_SHA";
  for (const Attribute& attribute : ah.attributes) {
    if (attribute.type == phase2::kAuthentication) {
      EXPECT_EQ(attribute.as_number(), 2U) << "HMAC-SHA";
    }
    EXPECT_NE(attribute.type, phase2::kKeyLength);
  }
}

TEST(QuickModeNegotiation, ah_whose_attribute_is_of_another_algorithm_is_refused) {
  const QuickModePolicy policy = policy_of({with_ah(Integrity::kSha1), with_ah(Integrity::kMd5)});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  for (Transform& transform : offered.proposals.front().transforms) transform.id = transform.id == 3 ? 2 : 3;
  const QuickModeTerms terms = transport(policy);
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, a_bundle_is_taken_as_a_whole_or_not_at_all) {
  const QuickModePolicy only_esp = policy_of({kAes});
  const SaPayload offered = quick_mode_offers(policy_of({with_ah(Integrity::kSha1, kAes.esp)}),
                                              Encapsulation::kTransport, DhGroup::kNone, kSpis);
  const QuickModeTerms terms = transport(only_esp);
  const auto chosen = choose_quick_mode(offered, false, std::span(&terms, 1));
  ASSERT_TRUE(std::holds_alternative<Failure>(chosen));
  EXPECT_NE(std::get<Failure>(chosen).text.find("AH SHA1 + ESP AES128-SHA1"), std::string::npos)
      << std::get<Failure>(chosen).text;

  SaPayload apart = offered;
  apart.proposals.back().number = 2;
  EXPECT_TRUE(std::holds_alternative<QuickModeAnswer>(choose_quick_mode(apart, false, std::span(&terms, 1))))
      << "two alternatives are another thing";

  SaPayload twice = offered;
  twice.proposals.push_back(twice.proposals.back());
  const QuickModePolicy both = policy_of({with_ah(Integrity::kSha1, kAes.esp)});
  const QuickModeTerms terms_of_both = transport(both);
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(twice, false, std::span(&terms_of_both, 1))));
}

TEST(QuickModeNegotiation, the_halves_of_a_bundle_must_go_together_and_the_smaller_lifetime_counts) {
  const QuickModePolicy policy = policy_of({with_ah(Integrity::kSha1, kAes.esp)});
  const SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  const QuickModeTerms terms = transport(policy);
  SaPayload other_mode = offered;
  for (Attribute& attribute : other_mode.proposals.front().transforms.front().attributes) {
    if (attribute.type == phase2::kEncapsulation) attribute = Attribute::number(phase2::kEncapsulation, 1);
  }
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(other_mode, false, std::span(&terms, 1))));

  SaPayload shorter = offered;
  shorter.proposals.front().transforms.front() = make_transform(
      SecurityProtocol::kAh, {Integrity::kSha1, std::nullopt, 0, 600}, Encapsulation::kTransport, DhGroup::kNone, 1);
  const auto chosen = choose_quick_mode(shorter, false, std::span(&terms, 1));
  EXPECT_EQ(std::get<QuickModeAnswer>(chosen).choice.lifetime_seconds, 600U);
}

TEST(QuickModeNegotiation, a_bundle_of_many_transforms_costs_no_more_than_its_bound) {
  const QuickModePolicy policy = policy_of({with_ah(Integrity::kSha256, kAes.esp)});
  SaPayload offered = quick_mode_offers(policy_of({with_ah(Integrity::kSha1, kOld.esp)}), Encapsulation::kTransport,
                                        DhGroup::kNone, kSpis);
  for (Proposal& proposal : offered.proposals)
    proposal.transforms = std::vector<Transform>(255, proposal.transforms.front());
  EXPECT_EQ(offered_suites(proposal_groups(offered).front(), 1000).size(), 1000U);
  const QuickModeTerms terms = transport(policy);
  const auto chosen = choose_quick_mode(offered, false, std::span(&terms, 1));
  ASSERT_TRUE(std::holds_alternative<Failure>(chosen));
  EXPECT_LE(std::get<Failure>(chosen).terms.offered.size(), kMaxTermsListed + 1);
}

TEST(QuickModeNegotiation, reserved_and_missing_spis_are_refused) {
  const QuickModePolicy policy = policy_of({kAes});
  const QuickModeTerms terms = transport(policy);
  for (const std::uint32_t spi : {0U, 255U}) {
    EXPECT_TRUE(std::holds_alternative<Failure>(
        choose_quick_mode(quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, {spi, spi}), false,
                          std::span(&terms, 1))));
  }
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  offered.proposals.front().spi.pop_back();
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

// RFC 4304.
TEST(QuickModeNegotiation, extended_sequence_numbers_are_for_who_asks_for_them) {
  const QuickModePolicy policy = policy_of({kAes});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  offered.proposals.front().transforms.front().attributes.push_back(Attribute::number(11, 1));
  QuickModeTerms terms = transport(policy);
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
  terms.extended_sequence = true;
  const auto chosen = choose_quick_mode(offered, false, std::span(&terms, 1));
  ASSERT_TRUE(std::holds_alternative<QuickModeAnswer>(chosen));
  EXPECT_TRUE(std::get<QuickModeAnswer>(chosen).choice.extended_sequence);
  EXPECT_EQ(std::get<QuickModeAnswer>(chosen).sa, offered) << "the attribute is returned";
  EXPECT_TRUE(
      std::holds_alternative<Failure>(verify_quick_mode(offered, policy, Encapsulation::kTransport, DhGroup::kNone)))
      << "this host never asks";

  offered.proposals.front().transforms.front().attributes.back() = Attribute::number(11, 2);
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, MM_23_the_initiator_refuses_what_it_did_not_offer) {
  const QuickModePolicy policy = policy_of({kAes});
  const auto refused = [&](const SaPayload& answer, Encapsulation mode, DhGroup group) {
    const auto verified = verify_quick_mode(answer, policy, mode, group);
    return std::holds_alternative<Failure>(verified) &&
           std::get<Failure>(verified).reason == FailureReason::kModifiedProposal;
  };
  const SaPayload genuine = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, kSpis);
  EXPECT_FALSE(refused(genuine, Encapsulation::kTransport, DhGroup::kNone));
  EXPECT_TRUE(refused(genuine, Encapsulation::kTunnel, DhGroup::kNone)) << "the other mode";
  EXPECT_TRUE(refused(genuine, Encapsulation::kTransport, DhGroup::kModp2048)) << "without the group";
  EXPECT_TRUE(refused(quick_mode_offers(policy_of({kOld}), Encapsulation::kTransport, DhGroup::kNone, kSpis),
                      Encapsulation::kTransport, DhGroup::kNone));
  EXPECT_TRUE(refused(quick_mode_offers(policy_of({kAes, kAes}), Encapsulation::kTransport, DhGroup::kNone, kSpis),
                      Encapsulation::kTransport, DhGroup::kNone))
      << "two";
}

}  // namespace
}  // namespace ipsec::ike

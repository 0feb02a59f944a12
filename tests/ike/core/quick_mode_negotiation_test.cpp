#include "services/ike/core/quick_mode_negotiation.h"

#include <gtest/gtest.h>

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

const QuickModeOffer kGcm = esp(Cipher::kAes128Gcm, Integrity::kNone);
const QuickModeOffer kAes = esp(Cipher::kAes128Cbc, Integrity::kSha1);
const QuickModeOffer kOld = esp(Cipher::kTripleDes, Integrity::kMd5);

QuickModeTerms transport(const QuickModePolicy& policy, std::vector<DhGroup> groups = {}) {
  return {Encapsulation::kTransport, &policy, policy.pfs, std::move(groups)};
}

Choice<QuickModeAnswer> choose(const QuickModePolicy& initiator, DhGroup group, const QuickModeTerms& terms) {
  return choose_quick_mode(quick_mode_offers(initiator, Encapsulation::kTransport, group, 0x1234),
                           group != DhGroup::kNone, std::span(&terms, 1));
}

TEST(QuickModeNegotiation, QM_08_every_esp_suite_is_offered_chosen_and_verified) {
  for (const CipherInfo& cipher : all_ciphers()) {
    for (const IntegrityInfo& integrity : all_integrities()) {
      if (cipher.is_aead() != (integrity.id == Integrity::kNone)) continue;
      for (const Encapsulation mode : {Encapsulation::kTransport, Encapsulation::kTunnel}) {
        const QuickModePolicy policy = policy_of({esp(cipher.id, integrity.id)});
        const QuickModeTerms terms{mode, &policy, false, {}};
        const auto chosen =
            choose_quick_mode(quick_mode_offers(policy, mode, DhGroup::kNone, 0xabcd), false, std::span(&terms, 1));
        ASSERT_TRUE(std::holds_alternative<QuickModeAnswer>(chosen)) << to_string(policy.offers.front());
        const auto& answer = std::get<QuickModeAnswer>(chosen);
        EXPECT_EQ(answer.choice.esp, *policy.offers.front().esp);
        EXPECT_EQ(answer.choice.encapsulation, mode);
        EXPECT_EQ(answer.choice.peer_spi, 0xabcdU);
        EXPECT_FALSE(answer.lifetime_reduced);
        const auto verified = verify_quick_mode(answer.sa, policy, mode, DhGroup::kNone);
        ASSERT_TRUE(std::holds_alternative<QuickModeChoice>(verified));
      }
    }
  }
}

TEST(QuickModeNegotiation, gcm_has_a_key_length_and_no_authentication_attribute) {
  const SaPayload sa = quick_mode_offers(policy_of({kGcm}), Encapsulation::kTransport, DhGroup::kNone, 1000);
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
  EXPECT_EQ(answer.choice.esp, *kAes.esp);
  EXPECT_EQ(answer.sa.proposals.front().transforms.size(), 1U);
}

TEST(QuickModeNegotiation, KEY_01_the_smaller_lifetimes_count_and_are_announced) {
  const QuickModePolicy responder = policy_of({esp(Cipher::kAes128Cbc, Integrity::kSha1, 600, 0)});
  const auto chosen = choose(policy_of({kAes}), DhGroup::kNone, transport(responder));
  const auto& answer = std::get<QuickModeAnswer>(chosen);
  EXPECT_EQ(answer.choice.lifetime_seconds, 600U);
  EXPECT_EQ(answer.choice.lifetime_kilobytes, 100000U) << "no limit of one's own: the peer's counts";
  EXPECT_TRUE(answer.lifetime_reduced);

  QuickModeChoice initiators{*kAes.esp, Encapsulation::kTransport, DhGroup::kNone, 3600, 100000, 1};
  apply_responder_lifetime(responder_lifetime(answer.choice, 7), initiators);
  EXPECT_EQ(initiators.lifetime_seconds, 600U);
  EXPECT_EQ(initiators.lifetime_kilobytes, 100000U);
}

TEST(QuickModeNegotiation, a_responder_lifetime_never_lengthens_and_garbage_is_left_out) {
  QuickModeChoice choice{*kAes.esp, Encapsulation::kTransport, DhGroup::kNone, 3600, 100000, 1};
  QuickModeChoice longer = choice;
  longer.lifetime_seconds = 99999;
  apply_responder_lifetime(responder_lifetime(longer, 7), choice);
  EXPECT_EQ(choice.lifetime_seconds, 3600U);
  NotifyPayload garbage = responder_lifetime(choice, 7);
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
  const SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kModp2048, 1000);
  const QuickModeTerms terms = transport(policy, {DhGroup::kModp2048});
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, the_mode_is_chosen_by_the_initiators_order) {
  const QuickModePolicy policy = policy_of({kAes});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTunnel, DhGroup::kNone, 1000);
  offered.proposals.push_back(
      quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000).proposals.front());
  offered.proposals.back().number = 2;
  const std::vector<QuickModeTerms> both = {transport(policy), {Encapsulation::kTunnel, &policy, false, {}}};
  EXPECT_EQ(std::get<QuickModeAnswer>(choose_quick_mode(offered, false, both)).choice.encapsulation,
            Encapsulation::kTunnel);
  EXPECT_EQ(std::get<QuickModeAnswer>(choose_quick_mode(offered, false, std::span(both).first(1))).choice.encapsulation,
            Encapsulation::kTransport);
}

TEST(QuickModeNegotiation, a_bundle_of_ah_and_esp_is_refused_as_a_whole) {
  const QuickModePolicy policy = policy_of({kAes});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000);
  Proposal ah = offered.proposals.front();
  ah.protocol = 2;
  offered.proposals.insert(offered.proposals.begin(), ah);
  const QuickModeTerms terms = transport(policy);
  const auto chosen = choose_quick_mode(offered, false, std::span(&terms, 1));
  ASSERT_TRUE(std::holds_alternative<Failure>(chosen));
  EXPECT_NE(std::get<Failure>(chosen).text.find("AH + ESP"), std::string::npos);
  offered.proposals.back().number = 2;
  EXPECT_TRUE(std::holds_alternative<QuickModeAnswer>(choose_quick_mode(offered, false, std::span(&terms, 1))))
      << "two alternatives are another thing";
}

TEST(QuickModeNegotiation, offers_with_ah_are_left_out) {
  QuickModeOffer with_ah = kAes;
  with_ah.ah = Integrity::kSha1;
  const QuickModePolicy policy = policy_of({with_ah, kOld});
  EXPECT_FALSE(is_usable(with_ah));
  EXPECT_EQ(
      quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000).proposals.front().transforms.size(),
      1U);
  EXPECT_EQ(offers_text(policy), "AH SHA1 + ESP AES128-SHA1 (AH is not available), ESP 3DES-MD5");
}

TEST(QuickModeNegotiation, reserved_and_missing_spis_are_refused) {
  const QuickModePolicy policy = policy_of({kAes});
  const QuickModeTerms terms = transport(policy);
  for (const std::uint32_t spi : {0U, 255U}) {
    EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(
        quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, spi), false, std::span(&terms, 1))));
  }
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000);
  offered.proposals.front().spi.pop_back();
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, extended_sequence_numbers_are_not_agreed_to_by_accident) {
  const QuickModePolicy policy = policy_of({kAes});
  SaPayload offered = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000);
  offered.proposals.front().transforms.front().attributes.push_back(Attribute::number(11, 1));
  const QuickModeTerms terms = transport(policy);
  EXPECT_TRUE(std::holds_alternative<Failure>(choose_quick_mode(offered, false, std::span(&terms, 1))));
}

TEST(QuickModeNegotiation, MM_23_the_initiator_refuses_what_it_did_not_offer) {
  const QuickModePolicy policy = policy_of({kAes});
  const auto refused = [&](const SaPayload& answer, Encapsulation mode, DhGroup group) {
    const auto verified = verify_quick_mode(answer, policy, mode, group);
    return std::holds_alternative<Failure>(verified) &&
           std::get<Failure>(verified).reason == FailureReason::kModifiedProposal;
  };
  const SaPayload genuine = quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, 1000);
  EXPECT_FALSE(refused(genuine, Encapsulation::kTransport, DhGroup::kNone));
  EXPECT_TRUE(refused(genuine, Encapsulation::kTunnel, DhGroup::kNone)) << "the other mode";
  EXPECT_TRUE(refused(genuine, Encapsulation::kTransport, DhGroup::kModp2048)) << "without the group";
  EXPECT_TRUE(refused(quick_mode_offers(policy_of({kOld}), Encapsulation::kTransport, DhGroup::kNone, 1000),
                      Encapsulation::kTransport, DhGroup::kNone));
  EXPECT_TRUE(refused(quick_mode_offers(policy_of({kAes, kAes}), Encapsulation::kTransport, DhGroup::kNone, 1000),
                      Encapsulation::kTransport, DhGroup::kNone))
      << "two";
}

}  // namespace
}  // namespace ipsec::ike

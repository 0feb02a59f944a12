#include "services/ike/core/negotiation.h"

#include <gtest/gtest.h>

#include "services/ike/wire/numbers.h"

namespace ipsec::ike {
namespace {

constexpr MainModeOffer kStrong{Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kModp2048};
constexpr MainModeOffer kMiddle{Cipher::kAes128Cbc, Integrity::kSha1, DhGroup::kModp2048};
constexpr MainModeOffer kOld{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp1024};

MainModePolicy policy_of(std::vector<MainModeOffer> offers, std::uint32_t lifetime = 28800) {
  MainModePolicy policy;
  policy.name = "mm";
  policy.offers = std::move(offers);
  policy.lifetime_seconds = lifetime;
  return policy;
}

MainModeAnswer answer(const SaPayload& offered, const MainModePolicy& policy) {
  auto chosen = choose_main_mode(offered, policy);
  EXPECT_TRUE(std::holds_alternative<MainModeAnswer>(chosen));
  return std::get<MainModeAnswer>(std::move(chosen));
}

Failure refusal(const SaPayload& offered, const MainModePolicy& policy) {
  auto chosen = choose_main_mode(offered, policy);
  EXPECT_TRUE(std::holds_alternative<Failure>(chosen));
  return std::get<Failure>(std::move(chosen));
}

TEST(Negotiation, MM_08_every_suite_is_offered_chosen_and_verified) {
  for (const CipherInfo& cipher : all_ciphers()) {
    if (cipher.ike_number == 0) continue;
    for (const IntegrityInfo& hash : all_integrities()) {
      if (hash.id == Integrity::kNone) continue;
      for (const DhGroupInfo& group : all_dh_groups()) {
        if (group.id == DhGroup::kNone) continue;
        const MainModePolicy policy = policy_of({{cipher.id, hash.id, group.id}});
        const MainModeAnswer chosen = answer(main_mode_offers(policy), policy);
        EXPECT_EQ(chosen.choice.offer, policy.offers.front());
        const auto verified = verify_main_mode(chosen.sa, policy);
        ASSERT_TRUE(std::holds_alternative<MainModeChoice>(verified));
        EXPECT_EQ(std::get<MainModeChoice>(verified).offer, policy.offers.front());
      }
    }
  }
}

TEST(Negotiation, MM_09_offers_stand_in_the_order_of_the_policy) {
  const SaPayload sa = main_mode_offers(policy_of({kOld, kStrong, kMiddle}));
  ASSERT_EQ(sa.proposals.size(), 1U);
  const auto& transforms = sa.proposals.front().transforms;
  ASSERT_EQ(transforms.size(), 3U);
  EXPECT_EQ(transforms[0].attributes[0].as_number(), 5U);
  EXPECT_EQ(transforms[1].attributes[1].as_number(), 256U);
  EXPECT_EQ(transforms[2].number, 3);
}

TEST(Negotiation, MM_10_responder_takes_the_first_acceptable_of_the_initiators_list) {
  const SaPayload offered = main_mode_offers(policy_of({kOld, kMiddle, kStrong}));
  EXPECT_EQ(answer(offered, policy_of({kStrong, kMiddle})).choice.offer, kMiddle);
}

TEST(Negotiation, MM_05_the_answer_is_the_chosen_transform_unchanged) {
  const SaPayload offered = main_mode_offers(policy_of({kOld, kMiddle}));
  const MainModeAnswer chosen = answer(offered, policy_of({kMiddle}));
  ASSERT_EQ(chosen.sa.proposals.size(), 1U);
  ASSERT_EQ(chosen.sa.proposals.front().transforms.size(), 1U);
  EXPECT_EQ(chosen.sa.proposals.front().transforms.front(), offered.proposals.front().transforms[1]);
}

TEST(Negotiation, MM_26_lifetimes_never_decide_and_the_smaller_counts) {
  const SaPayload offered = main_mode_offers(policy_of({kMiddle}, 3600));
  EXPECT_EQ(answer(offered, policy_of({kMiddle}, 28800)).choice.lifetime_seconds, 3600U);
  EXPECT_EQ(answer(offered, policy_of({kMiddle}, 600)).choice.lifetime_seconds, 600U);
  const auto verified = verify_main_mode(main_mode_offers(policy_of({kMiddle}, 600)), policy_of({kMiddle}, 3600));
  EXPECT_EQ(std::get<MainModeChoice>(verified).lifetime_seconds, 600U);
}

TEST(Negotiation, a_lifetime_in_kilobytes_or_none_at_all_is_accepted) {
  SaPayload offered = main_mode_offers(policy_of({kMiddle}));
  auto& attributes = offered.proposals.front().transforms.front().attributes;
  attributes.push_back(Attribute::number(phase1::kLifeType, kLifeKilobytes));
  attributes.push_back(Attribute::variable_number(phase1::kLifeDuration, 100000));
  EXPECT_EQ(answer(offered, policy_of({kMiddle}, 5000)).choice.lifetime_seconds, 5000U);
  std::erase_if(attributes, [](const Attribute& one) {
    return one.type == phase1::kLifeType || one.type == phase1::kLifeDuration;
  });
  EXPECT_EQ(answer(offered, policy_of({kMiddle}, 5000)).choice.lifetime_seconds, 5000U);
}

TEST(Negotiation, MM_12_each_mandatory_parameter_must_be_there) {
  for (const std::uint16_t missing :
       {phase1::kEncryption, phase1::kHash, phase1::kAuthenticationMethod, phase1::kGroup, phase1::kKeyLength}) {
    SaPayload offered = main_mode_offers(policy_of({kMiddle}));
    std::erase_if(offered.proposals.front().transforms.front().attributes,
                  [&](const Attribute& one) { return one.type == missing; });
    EXPECT_EQ(refusal(offered, policy_of({kMiddle})).reason,
              missing == phase1::kGroup ? FailureReason::kGroupMismatch : FailureReason::kNoProposalChosen)
        << missing;
  }
}

TEST(Negotiation, unknown_attributes_make_a_transform_unacceptable) {
  SaPayload offered = main_mode_offers(policy_of({kMiddle}));
  offered.proposals.front().transforms.front().attributes.push_back(Attribute::number(13, 1));  // a PRF of one's own
  EXPECT_EQ(refusal(offered, policy_of({kMiddle})).reason, FailureReason::kNoProposalChosen);
}

TEST(Negotiation, MM_33_a_group_alone_is_named_as_the_reason) {
  const MainModeOffer group1{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp768};
  const MainModeOffer group14{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp2048};
  const Failure failure = refusal(main_mode_offers(policy_of({group1})), policy_of({group14}));
  EXPECT_EQ(failure.reason, FailureReason::kGroupMismatch);
}

TEST(Negotiation, MM_24_MM_36_the_refusal_names_both_sides_and_the_differing_options) {
  const Failure failure = refusal(main_mode_offers(policy_of({kOld})), policy_of({kStrong, kMiddle}));
  EXPECT_EQ(failure.reason, FailureReason::kNoProposalChosen);
  EXPECT_NE(failure.text.find("3DES-SHA1-modp1024"), std::string::npos) << failure.text;
  EXPECT_NE(failure.text.find("AES256-SHA256-modp2048, AES128-SHA1-modp2048"), std::string::npos) << failure.text;
  EXPECT_NE(failure.text.find("differ in encryption, group"), std::string::npos) << failure.text;
}

TEST(Negotiation, another_authentication_method_is_refused_by_name) {
  SaPayload offered = main_mode_offers(policy_of({kMiddle}));
  for (Attribute& one : offered.proposals.front().transforms.front().attributes) {
    if (one.type == phase1::kAuthenticationMethod) one = Attribute::number(phase1::kAuthenticationMethod, 3);
  }
  const Failure failure = refusal(offered, policy_of({kMiddle}));
  EXPECT_NE(failure.text.find("RSA signature"), std::string::npos) << failure.text;
  EXPECT_NE(failure.text.find("differ in authentication method"), std::string::npos) << failure.text;
}

TEST(Negotiation, MM_23_a_modified_answer_is_refused) {
  const MainModePolicy policy = policy_of({kStrong, kMiddle});
  const SaPayload genuine = answer(main_mode_offers(policy), policy).sa;
  for (std::size_t i = 0; i < genuine.proposals.front().transforms.front().attributes.size(); ++i) {
    SaPayload changed = genuine;
    Attribute& attribute = changed.proposals.front().transforms.front().attributes[i];
    if (attribute.type == phase1::kLifeType || attribute.type == phase1::kLifeDuration) continue;
    attribute = Attribute::number(attribute.type, 1);
    if (changed == genuine) continue;
    const auto verified = verify_main_mode(changed, policy);
    ASSERT_TRUE(std::holds_alternative<Failure>(verified)) << i;
    EXPECT_EQ(std::get<Failure>(verified).reason, FailureReason::kModifiedProposal);
  }
  EXPECT_TRUE(std::holds_alternative<Failure>(verify_main_mode(main_mode_offers(policy), policy))) << "two transforms";
}

}  // namespace
}  // namespace ipsec::ike

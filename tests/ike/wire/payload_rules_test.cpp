#include "services/ike/wire/payload_rules.h"

#include <gtest/gtest.h>

namespace ipsec::ike {
namespace {

PayloadChain chain_of(std::vector<PayloadContent> contents) {
  PayloadChain chain;
  for (PayloadContent& content : contents) chain.payloads.push_back({std::move(content), 0, 0});
  return chain;
}

bool allowed(MessageKind kind, std::vector<PayloadContent> contents) {
  return check_payloads(kind, chain_of(std::move(contents))).ok();
}

const PayloadContent kSa = SaPayload{};
const PayloadContent kKe = KeyExchangePayload{};
const PayloadContent kNonce = NoncePayload{};
const PayloadContent kId = IdentificationPayload{};
const PayloadContent kHash = HashPayload{};
const PayloadContent kVid = VendorIdPayload{};
const PayloadContent kNotify = NotifyPayload{};
const PayloadContent kDelete = DeletePayload{};
const PayloadContent kPrivate = OpaquePayload{static_cast<PayloadType>(200), {}};
const PayloadContent kUnknown = OpaquePayload{static_cast<PayloadType>(99), {}};

TEST(PayloadRules, MM_05_messages_1_and_2_begin_with_the_sa) {
  for (const MessageKind kind : {MessageKind::kMainMode1, MessageKind::kMainMode2}) {
    EXPECT_TRUE(allowed(kind, {kSa}));
    EXPECT_TRUE(allowed(kind, {kSa, kVid, kVid, kPrivate}));
    EXPECT_FALSE(allowed(kind, {kVid, kSa}));
    EXPECT_FALSE(allowed(kind, {kSa, kSa}));
    EXPECT_FALSE(allowed(kind, {kVid}));
    EXPECT_FALSE(allowed(kind, {kSa, kKe}));
  }
}

TEST(PayloadRules, MM_06_messages_3_and_4_have_one_key_exchange_and_one_nonce) {
  for (const MessageKind kind : {MessageKind::kMainMode3, MessageKind::kMainMode4}) {
    EXPECT_TRUE(allowed(kind, {kKe, kNonce}));
    EXPECT_TRUE(allowed(kind, {kNonce, kVid, kKe}));
    EXPECT_TRUE(allowed(kind, {kKe, kNonce, OpaquePayload{PayloadType::kNatDetection, {}},
                               OpaquePayload{PayloadType::kNatDetection, {}}}));
    EXPECT_FALSE(allowed(kind, {kKe}));
    EXPECT_FALSE(allowed(kind, {kKe, kNonce, kNonce}));
    EXPECT_FALSE(allowed(kind, {kKe, kNonce, kSa}));
  }
}

TEST(PayloadRules, MM_20_messages_5_and_6_have_one_identity) {
  for (const MessageKind kind : {MessageKind::kMainMode5, MessageKind::kMainMode6}) {
    EXPECT_TRUE(is_encrypted(kind));
    EXPECT_TRUE(allowed(kind, {kId, kHash}));
    EXPECT_TRUE(allowed(kind, {kId, kHash, kNotify}));
    EXPECT_FALSE(allowed(kind, {kHash}));
    EXPECT_FALSE(allowed(kind, {kId, kId, kHash}));
    EXPECT_FALSE(allowed(kind, {kId, kHash, kUnknown}));
  }
}

TEST(PayloadRules, quick_mode_begins_with_hash_and_sa) {
  for (const MessageKind kind : {MessageKind::kQuickMode1, MessageKind::kQuickMode2}) {
    EXPECT_TRUE(allowed(kind, {kHash, kSa, kNonce}));
    EXPECT_TRUE(allowed(kind, {kHash, kSa, kId, kId, kKe, kNonce}));
    EXPECT_FALSE(allowed(kind, {kSa, kHash, kNonce}));
    EXPECT_FALSE(allowed(kind, {kHash, kNonce, kSa}));
    EXPECT_FALSE(allowed(kind, {kHash, kSa}));
    EXPECT_FALSE(allowed(kind, {kHash, kSa, kNonce, kId, kId, kId}));
    EXPECT_FALSE(allowed(kind, {kHash, kSa, kNonce, kKe, kKe}));
  }
  EXPECT_TRUE(allowed(MessageKind::kQuickMode3, {kHash}));
  EXPECT_FALSE(allowed(MessageKind::kQuickMode3, {kHash, kSa}));
}

TEST(PayloadRules, QM_05_a_fourth_quick_mode_message_has_hash_and_notify) {
  EXPECT_TRUE(allowed(MessageKind::kQuickMode4, {kHash, kNotify}));
  EXPECT_FALSE(allowed(MessageKind::kQuickMode4, {kNotify, kHash}));
}

TEST(PayloadRules, informational_messages_carry_notifies_and_deletes) {
  EXPECT_TRUE(allowed(MessageKind::kInformational, {kHash, kNotify, kDelete}));
  EXPECT_FALSE(allowed(MessageKind::kInformational, {kNotify}));
  EXPECT_TRUE(allowed(MessageKind::kInformationalClear, {kNotify}));
  EXPECT_FALSE(allowed(MessageKind::kInformationalClear, {kHash, kNotify}))
      << "a HASH says that it should be encrypted";
}

TEST(PayloadRules, the_refusal_names_message_and_payload) {
  const Status status = check_payloads(MessageKind::kMainMode3, chain_of({kKe}));
  EXPECT_EQ(status.message(), "main mode message 3: 0 NONCE payloads, allowed are 1 to 1");
}

}  // namespace
}  // namespace ipsec::ike

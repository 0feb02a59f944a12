#include "services/ike/wire/numbers.h"

#include <gtest/gtest.h>

namespace ipsec::ike {
namespace {

TEST(Numbers, notifies_have_their_rfc_names) {
  EXPECT_EQ(name(NotifyType::kNoProposalChosen), "NO-PROPOSAL-CHOSEN");
  EXPECT_EQ(name(NotifyType::kInvalidIdInformation), "INVALID-ID-INFORMATION");
  EXPECT_EQ(name(NotifyType::kInitialContact), "INITIAL-CONTACT");
  EXPECT_EQ(name(static_cast<NotifyType>(40003)), "notify 40003");
}

TEST(Numbers, errors_are_below_16384) {
  EXPECT_TRUE(is_error(NotifyType::kUnequalPayloadLengths));
  EXPECT_TRUE(is_error(static_cast<NotifyType>(16383)));
  EXPECT_FALSE(is_error(NotifyType::kConnected));
  EXPECT_FALSE(is_error(static_cast<NotifyType>(40003)));
}

TEST(Numbers, payloads_have_names_and_a_private_range) {
  EXPECT_EQ(name(PayloadType::kKeyExchange), "KE");
  EXPECT_EQ(name(static_cast<PayloadType>(132)), "payload 132");
  EXPECT_TRUE(is_private(static_cast<PayloadType>(128)));
  EXPECT_FALSE(is_private(static_cast<PayloadType>(127)));
}

}  // namespace
}  // namespace ipsec::ike

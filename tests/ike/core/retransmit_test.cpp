#include "services/ike/core/retransmit.h"

#include <vector>

#include <gtest/gtest.h>

#include "services/ike/core/limits.h"

namespace ipsec::ike {
namespace {

using std::chrono::seconds;
constexpr Timestamp kStart{seconds(100)};

TEST(Retransmit, RTY_01_five_retries_with_growing_pauses_then_no_more) {
  Resender resender;
  resender.start({1, 2, 3}, kStart);
  std::vector<std::int64_t> sent;
  Timestamp now = kStart;
  for (;;) {
    now = resender.next();
    ASSERT_NE(now, kNever);
    const Resender::Due due = resender.poll(now);
    if (due == Resender::Due::kGiveUp) break;
    ASSERT_EQ(due, Resender::Due::kSendAgain);
    sent.push_back((now - kStart) / seconds(1));
  }
  EXPECT_EQ(sent, (std::vector<std::int64_t>{1, 3, 7, 15, 31}));
  EXPECT_EQ(now - kStart, seconds(63));
  EXPECT_FALSE(resender.waiting());
  EXPECT_EQ(resender.next(), kNever);
}

TEST(Retransmit, SFT_04_hastened_it_gives_up_three_seconds_later_with_all_retries_made) {
  Resender resender;
  resender.hasten(kStart);
  EXPECT_EQ(resender.next(), kNever) << "nobody waits";
  resender.start({1}, kStart);
  Timestamp now = kStart + seconds(1);
  ASSERT_EQ(resender.poll(now), Resender::Due::kSendAgain);
  resender.hasten(now);
  int sent = 0;
  while (resender.waiting()) {
    resender.hasten(resender.next());  // once only
    sent += resender.poll(resender.next()) == Resender::Due::kSendAgain ? 1 : 0;
    if (resender.waiting()) now = resender.next();
  }
  EXPECT_EQ(sent, 5);
  EXPECT_EQ(now - kStart, seconds(1) + 6 * kBriefRetransmission);
  resender.start({2}, now);
  EXPECT_EQ(resender.next() - now, kFirstRetransmission) << "the next message goes by the usual schedule";
}

TEST(Retransmit, nothing_is_due_early_or_after_the_answer) {
  Resender resender;
  EXPECT_EQ(resender.poll(kStart), Resender::Due::kNothing);
  resender.start({1}, kStart);
  EXPECT_EQ(resender.poll(kStart), Resender::Due::kNothing);
  resender.stop();
  EXPECT_EQ(resender.poll(kStart + seconds(1000)), Resender::Due::kNothing);
}

TEST(Retransmit, a_hint_shortens_the_wait_once_and_gives_the_likely_reason) {
  Resender resender;
  resender.start({1}, kStart);
  resender.hint({FailureReason::kNoProposalChosen, "said the peer"}, kStart + seconds(2));
  resender.hint({FailureReason::kAuthenticationFailed, "said another"}, kStart + seconds(5));
  Timestamp now = kStart;
  while (resender.waiting()) {
    now = resender.next();
    resender.poll(now);
  }
  EXPECT_EQ(now, kStart + seconds(2) + kWaitAfterHint);
  ASSERT_TRUE(resender.hinted().has_value());
  EXPECT_EQ(resender.hinted()->reason, FailureReason::kNoProposalChosen);
}

TEST(Retransmit, a_new_request_knows_nothing_of_old_hints) {
  Resender resender;
  resender.start({1}, kStart);
  resender.hint({FailureReason::kNoProposalChosen, ""}, kStart);
  resender.start({2}, kStart + seconds(1));
  EXPECT_FALSE(resender.hinted().has_value());
  EXPECT_EQ(resender.next(), kStart + seconds(2));
}

TEST(Retransmit, the_reply_store_recognises_the_same_octets_only) {
  ReplyStore replies;
  EXPECT_FALSE(replies.is_repetition(digest_of(Bytes{1})));
  replies.begin(digest_of(Bytes{1}));
  EXPECT_TRUE(replies.is_repetition(digest_of(Bytes{1})));
  EXPECT_FALSE(replies.is_repetition(digest_of(Bytes{2})));
  EXPECT_TRUE(replies.answer().empty());
  replies.answer({9});
  EXPECT_EQ(replies.answer(), Bytes{9});
  replies.begin(digest_of(Bytes{2}));
  EXPECT_TRUE(replies.answer().empty()) << "the answer to another request";
}

}  // namespace
}  // namespace ipsec::ike

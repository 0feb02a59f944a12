#include "services/ike/wire/message.h"

#include <gtest/gtest.h>

#include "services/ike/wire/limits.h"
#include "tests/support/seeded_random.h"

namespace ipsec::ike {
namespace {

std::vector<PayloadContent> example_payloads() {
  return {NoncePayload{Bytes(16, 7)}, KeyExchangePayload{Bytes(32, 9)}, VendorIdPayload{Bytes{1, 2, 3}},
          OpaquePayload{static_cast<PayloadType>(200), Bytes{5}}};
}

TEST(Message, a_chain_comes_back_with_the_place_of_every_payload) {
  const Bytes octets = write_payloads(example_payloads());
  const auto chain = parse_payloads(PayloadType::kNonce, octets, 0);
  ASSERT_TRUE(chain.ok()) << chain.status().message();
  ASSERT_EQ(chain->payloads.size(), 4U);
  EXPECT_EQ(chain->payloads[1].type(), PayloadType::kKeyExchange);
  EXPECT_EQ(chain->payloads[1].begin, 20U);
  EXPECT_EQ(chain->payloads[1].end, 56U);
  EXPECT_EQ(to_hex(chain->body_of(PayloadType::kVendorId)), "010203");
  EXPECT_EQ(chain->body_of(PayloadType::kHash).size(), 0U);
  EXPECT_EQ(to_hex(chain->after_first()), to_hex(ByteView(octets).subspan(20)));
}

TEST(Message, padding_is_left_out_of_what_hashes_cover) {
  Bytes octets = write_payloads(example_payloads());
  const std::size_t size = octets.size();
  octets.resize(size + 15, 0xee);
  const auto chain = parse_payloads(PayloadType::kNonce, octets, 15);
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(chain->after_first().size(), size - 20);
  EXPECT_FALSE(parse_payloads(PayloadType::kNonce, octets, 14).ok());
}

TEST(Message, every_cut_is_refused) {
  const Bytes octets = write_payloads(example_payloads());
  for (std::size_t size = 0; size < octets.size(); ++size)
    EXPECT_FALSE(parse_payloads(PayloadType::kNonce, ByteView(octets).first(size), 255).ok()) << size;
}

TEST(Message, payload_lengths_below_four_are_refused) {
  for (std::uint8_t length = 0; length < 4; ++length) {
    const Bytes octets = {0, 0, 0, length, 1, 2, 3, 4};
    EXPECT_FALSE(parse_payloads(PayloadType::kHash, octets, 255).ok()) << int{length};
  }
}

TEST(Message, an_endless_chain_is_refused) {
  Bytes octets;
  for (std::size_t i = 0; i <= kMaxPayloads; ++i) octets.insert(octets.end(), {13, 0, 0, 4});
  EXPECT_FALSE(parse_payloads(PayloadType::kVendorId, octets, 255).ok());
}

TEST(Message, proposals_live_inside_sa_payloads_only) {
  const Bytes octets = {0, 0, 0, 12, 1, 1, 0, 1, 0, 0, 0, 8};
  EXPECT_FALSE(parse_payloads(PayloadType::kProposal, octets, 0).ok());
  EXPECT_FALSE(parse_payloads(PayloadType::kTransform, octets, 0).ok());
}

TEST(Message, a_clear_message_fills_in_next_payload_and_length) {
  Header header;
  header.initiator_cookie = 1;
  const Bytes octets = write_clear_message(header, example_payloads());
  const auto message = parse_clear_message(octets);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->header.next_payload, PayloadType::kNonce);
  EXPECT_EQ(message->header.length, octets.size());
}

TEST(Message, random_changes_never_parse_to_more_than_the_octets_hold) {
  const Bytes original = write_payloads(example_payloads());
  ipsec::tests::SeededRandom random(77);
  for (int round = 0; round < 20000; ++round) {
    Bytes octets = original;
    for (std::uint64_t change = 0; change <= random.below(4); ++change)
      octets[random.below(octets.size())] = static_cast<std::uint8_t>(random.next());
    const auto chain = parse_payloads(static_cast<PayloadType>(random.below(24)), octets, 255);
    if (!chain.ok()) continue;
    std::size_t total = 0;
    for (const Payload& payload : chain->payloads) total += payload.end - payload.begin;
    ASSERT_LE(total, octets.size());
    ASSERT_LE(chain->payloads.size(), kMaxPayloads);
  }
}

}  // namespace
}  // namespace ipsec::ike

#include "services/ike/core/protected_message.h"

#include <gtest/gtest.h>

#include "services/ike/core/authentication.h"
#include "services/ike/core/main_mode_messages.h"
#include "services/ike/core/quick_mode_messages.h"
#include "tests/ike/core/worked_exchange.h"

namespace ipsec::ike::tests {
namespace {

using ipsec::tests::hex_field;

std::vector<PayloadContent> contents_of(const PayloadChain& chain) {
  std::vector<PayloadContent> contents;
  for (const Payload& payload : chain.payloads) contents.push_back(payload.content);
  return contents;
}

// Opens the message with the given IV and closes it again to the same octets. Returns the opened one.
Opened expect_round_trip(const Established& state, const nlohmann::json& message) {
  const Bytes datagram = hex_field(message, "message");
  const Bytes iv = hex_field(message, "iv");
  const auto header = parse_header(datagram);
  EXPECT_TRUE(header.ok());
  auto opened = open(state.keys.protection, iv, *header, datagram);
  EXPECT_TRUE(opened.ok()) << opened.status().message();
  const Sealed sealed = seal(state.keys.protection, iv, *header, contents_of(opened->chain));
  EXPECT_EQ(to_hex(sealed.datagram), to_hex(datagram));
  EXPECT_EQ(to_hex(sealed.next_iv), to_hex(opened->next_iv));
  return std::move(*opened);
}

TEST(ProtectedMessage, MM_04_every_encrypted_message_of_the_worked_exchanges) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  int messages = 0;
  for (const auto& one : data.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Established state = established_of(one);
    for (const auto& message : one.at("messages")) {
      if (!message.contains("plaintext")) continue;
      expect_round_trip(state, message);
      ++messages;
    }
  }
  EXPECT_GE(messages, 30);
}

TEST(ProtectedMessage, the_iv_chain_is_that_of_the_worked_exchanges) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  for (const auto& one : data.at("cases")) {
    if (one.at("mode") != "main") continue;
    const Established state = established_of(one);
    const auto next_iv = [&](const char* number) {
      return to_hex(expect_round_trip(state, message_of(one, number)).next_iv);
    };
    EXPECT_EQ(message_of(one, "5").at("iv"), one.at("IV_phase1_first"));
    EXPECT_EQ(message_of(one, "6").at("iv"), next_iv("5"));
    EXPECT_EQ(one.at("last_phase1_block"), next_iv("6"));
    EXPECT_EQ(message_of(one, "QM1").at("iv"), to_hex(first_iv(state, number_of(one.at("quick_mode"), "message_id"))));
    EXPECT_EQ(message_of(one, "QM2").at("iv"), next_iv("QM1"));
    EXPECT_EQ(message_of(one, "QM3").at("iv"), next_iv("QM2"));
    EXPECT_EQ(message_of(one, "INFO delete").at("iv"),
              to_hex(first_iv(state, number_of(one.at("informational"), "delete_message_id"))));
  }
}

TEST(ProtectedMessage, QM_10_quick_mode_hashes_cover_the_received_octets) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  for (const auto& one : data.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Established state = established_of(one);
    const ByteView skeyid_a = state.keys.family.skeyid_a.view();
    const auto& quick = one.at("quick_mode");
    const std::uint32_t id = number_of(quick, "message_id");
    const Opened message1 = expect_round_trip(state, message_of(one, "QM1"));
    EXPECT_TRUE(has_hash(message1.chain, message_hash(state.keys.hash, skeyid_a, id, message1.chain.after_first())));
    const Opened message2 = expect_round_trip(state, message_of(one, "QM2"));
    EXPECT_TRUE(has_hash(message2.chain, quick_mode_hash2(state.keys.hash, skeyid_a, id, hex_field(quick, "Ni"),
                                                          message2.chain.after_first())));
    const Opened remove = expect_round_trip(state, message_of(one, "INFO delete"));
    const std::uint32_t remove_id = number_of(one.at("informational"), "delete_message_id");
    EXPECT_TRUE(has_hash(remove.chain, message_hash(state.keys.hash, skeyid_a, remove_id, remove.chain.after_first())));
    ASSERT_NE(remove.chain.find<DeletePayload>(), nullptr);
  }
}

TEST(ProtectedMessage, PSK_03_MM_18_messages_5_and_6_of_the_worked_exchanges_prove_their_senders) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  for (const auto& one : data.at("cases")) {
    if (one.at("mode") != "main") continue;
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Established state = established_of(one);
    const Bytes public_i = hex_field(one, "g_xi");
    const Bytes public_r = hex_field(one, "g_xr");
    const Bytes sa_body = hex_field(one, "SAi_b");
    MainModeFacts facts;
    facts.initiator_cookie = cookie_of(one, "CKY_I");
    facts.responder_cookie = cookie_of(one, "CKY_R");
    for (const auto& [number, role, peer] :
         {std::tuple("5", Role::kInitiator, "192.0.2.1"), std::tuple("6", Role::kResponder, "192.0.2.2")}) {
      facts.peer = *IpAddress::parse(peer);
      const Bytes datagram = hex_field(message_of(one, number), "message");
      const Bytes iv = hex_field(message_of(one, number), "iv");
      const Header header = *parse_header(datagram);
      auto read =
          read_identity(facts, {header, datagram}, state.keys, iv, {public_i, public_r, sa_body}, role, NatFound{});
      ASSERT_TRUE(std::holds_alternative<PeerProof>(read)) << number;
      EXPECT_EQ(std::get<PeerProof>(read).identity, peer);

      facts.peer = *IpAddress::parse("192.0.2.99");
      auto of_another =
          read_identity(facts, {header, datagram}, state.keys, iv, {public_i, public_r, sa_body}, role, NatFound{});
      ASSERT_TRUE(std::holds_alternative<Failure>(of_another)) << "an address that is not the peer's";
      EXPECT_EQ(std::get<Failure>(of_another).reason, FailureReason::kIdentityRefused);
    }
  }
}

TEST(ProtectedMessage, MM_20_a_changed_bit_anywhere_is_not_authentic) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/ikev1-worked-exchanges.json");
  const auto& one = data.at("cases").at(0);
  const Established state = established_of(one);
  const Bytes public_i = hex_field(one, "g_xi");
  const Bytes public_r = hex_field(one, "g_xr");
  const Bytes sa_body = hex_field(one, "SAi_b");
  MainModeFacts facts;
  facts.initiator_cookie = cookie_of(one, "CKY_I");
  facts.responder_cookie = cookie_of(one, "CKY_R");
  facts.peer = *IpAddress::parse("192.0.2.1");
  const Bytes original = hex_field(message_of(one, "5"), "message");
  const Bytes iv = hex_field(message_of(one, "5"), "iv");
  for (std::size_t bit = kHeaderSize * 8; bit < original.size() * 8; ++bit) {
    Bytes changed = original;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    const Header header = *parse_header(changed);
    const auto read = read_identity(facts, {header, changed}, state.keys, iv, {public_i, public_r, sa_body},
                                    Role::kInitiator, NatFound{});
    // 12 octets of ID and 24 of HASH: four octets of padding follow, which nothing covers (RFC 2409 appendix B).
    const bool in_padding = bit / 8 >= original.size() - 8;
    if (!in_padding) {
      ASSERT_TRUE(std::holds_alternative<Ignored>(read)) << "bit " << bit;
    }
  }
}

TEST(ProtectedMessage, sizes_that_are_no_whole_blocks_are_refused) {
  const Protection protection{Cipher::kAes128Cbc, SecretBytes(Bytes(16, 1))};
  for (const std::size_t size : {0U, 1U, 15U, 17U}) {
    Bytes datagram(kHeaderSize + size);
    EXPECT_FALSE(open(protection, Bytes(16), Header{}, datagram).ok()) << size;
  }
}

}  // namespace
}  // namespace ipsec::ike::tests

#include <string>

#include <gtest/gtest.h>

#include "services/ike/wire/message.h"
#include "services/ike/wire/payload_rules.h"
#include "tests/support/published_data.h"

// Messages of other implementations, as captured by the tcpdump project.
namespace ipsec::ike {
namespace {

using ipsec::tests::hex_field;

std::vector<PayloadContent> contents_of(const PayloadChain& chain) {
  std::vector<PayloadContent> contents;
  for (const Payload& payload : chain.payloads) contents.push_back(payload.content);
  return contents;
}

Bytes without_marker(const nlohmann::json& one) {
  Bytes octets = hex_field(one, "udp_payload");
  if (one.at("non_esp_marker").get<bool>()) octets.erase(octets.begin(), octets.begin() + 4);
  return octets;
}

TEST(Captures, MM_03_clear_messages_parse_and_serialise_to_the_same_octets) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/isakmp-captures-raw.json");
  std::size_t round_trips = 0;
  for (const auto& one : data.at("cases")) {
    if (one.at("file").get<std::string>().starts_with("ikev2")) continue;
    const Bytes octets = without_marker(one);
    const auto header = parse_header(octets);
    if (!header.ok() || header->encrypted()) continue;
    const auto message = parse_clear_message(octets);
    ASSERT_TRUE(message.ok()) << one.at("file") << " " << one.at("packet") << ": " << message.status().message();
    EXPECT_EQ(to_hex(write_clear_message(message->header, contents_of(message->chain))), to_hex(octets));
    ++round_trips;
  }
  EXPECT_EQ(round_trips, 8U) << "two main modes of four clear messages";
}

TEST(Captures, MM_03_clear_messages_keep_to_the_payload_rules) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/isakmp-captures-raw.json");
  constexpr MessageKind kKinds[] = {MessageKind::kMainMode1, MessageKind::kMainMode2, MessageKind::kMainMode3,
                                    MessageKind::kMainMode4};
  std::size_t number = 0;
  for (const auto& one : data.at("cases")) {
    if (one.at("file") != "ISAKMP_sa_setup.pcap" || number == 4) continue;
    const auto message = parse_clear_message(without_marker(one));
    ASSERT_TRUE(message.ok());
    // Draft NAT-T of that time used payload 15, which has another meaning today.
    const bool draft_nat_detection = number >= 2;
    EXPECT_EQ(check_payloads(kKinds[number], message->chain).ok(), !draft_nat_detection) << number + 1;
    ++number;
  }
  EXPECT_EQ(number, 4U);
}

TEST(Captures, other_major_versions_and_esp_are_no_isakmp_messages) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(data, "data/vectors/isakmp-captures-raw.json");
  std::size_t refused = 0;
  for (const auto& one : data.at("cases")) {
    const bool ikev2 = one.at("file").get<std::string>().starts_with("ikev2");
    const bool esp = one.at("src_port") == 4500 && !one.at("non_esp_marker").get<bool>();
    if (!ikev2 && !esp) continue;
    EXPECT_FALSE(parse_header(hex_field(one, "udp_payload")).ok()) << one.at("file") << " " << one.at("packet");
    ++refused;
  }
  EXPECT_GT(refused, 20U);
}

}  // namespace
}  // namespace ipsec::ike

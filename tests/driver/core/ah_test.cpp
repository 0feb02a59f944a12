// AH as RFC 4302 has it: published packets, what may change on the way and what may not, and its place beside ESP.
#include "services/driver/core/ah.h"

#include <gtest/gtest.h>

#include "tests/driver/core/test_host.h"
#include "tests/support/published_data.h"

namespace ipsec::driver::tests {
namespace {

using ipsec::tests::hex_field;
using nlohmann::json;

Integrity integrity_named(const std::string& name) {
  if (name == "HMAC-MD5-96") return Integrity::kMd5;
  if (name == "HMAC-SHA1-96") return Integrity::kSha1;
  return Integrity::kSha256;
}

struct Signed {
  explicit Signed(const json& vector)
      : packet(hex_field(vector, "packet")),
        keys(*AhKeys::make(integrity_named(vector.at("integrity")), SecretBytes(ByteView(hex_field(vector, "key"))))) {
    const auto view = *parse_ip(packet);
    offset = view.upper_offset;
    if (vector.at("esn").get<bool>()) high = vector.at("seq_hi").get<std::uint32_t>();
  }
  AhJob job() { return {*keys, 0, packet, offset, read_ah(ByteView(packet).subspan(offset))->size, high, arena}; }

  Bytes packet;
  std::shared_ptr<const AhKeys> keys;
  std::size_t offset = 0;
  std::optional<std::uint32_t> high;
  Arena arena;
};

TEST(Ah, HDR_01_HDR_02_HDR_14_published_packets_verify_and_are_made_again) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/ah-constructed.json");
  EXPECT_EQ(file.at("cases").size(), 11U);
  for (const json& vector : file.at("cases")) {
    Signed each(vector);
    SCOPED_TRACE(vector.at("integrity").get<std::string>() + " " + vector.value("ip_options", ""));
    EXPECT_TRUE(ah_verify(each.job()));
    const Bytes original = each.packet;
    std::fill_n(each.packet.begin() + static_cast<std::ptrdiff_t>(each.offset + kAhFixedSize), each.keys->icv_size(),
                std::uint8_t{0xEE});
    EXPECT_FALSE(ah_verify(each.job()));
    EXPECT_TRUE(ah_sign(each.job()));
    EXPECT_EQ(to_hex(each.packet), to_hex(original));
  }
}

TEST(Ah, HDR_03_fields_that_routers_change_are_left_out_all_others_are_not) {
  IPSEC_READ_SHARED_JSON_OR_SKIP(file, "data/vectors/ah-constructed.json");
  for (const json& vector : file.at("cases")) {
    Signed each(vector);
    const bool v4 = vector.at("ip_version") == 4;
    const std::string options = vector.value("ip_options", "");
    const std::size_t header = v4 ? 20 : 40;
    for (std::size_t at = 0; at < each.packet.size(); ++at) {
      // The first octet decides how the packet is read at all; the length octets of options likewise.
      if (at == 0 || (at >= header && at < each.offset)) continue;
      const bool is_mutable =
          v4 ? at == 1 || (at >= 6 && at <= 8) || at == 10 || at == 11 : (at >= 1 && at <= 3) || at == 7;
      each.packet[at] ^= 0x08;
      const auto ah = read_ah(ByteView(each.packet).subspan(each.offset));
      const bool same_size = ah && ah->size == ah_header_size(each.keys->icv_size(), v4);
      if (same_size) {
        EXPECT_EQ(ah_verify(each.job()), is_mutable) << options << " octet " << at;
      }
      each.packet[at] ^= 0x08;
    }
    EXPECT_TRUE(ah_verify(each.job()));
  }
}

// Appendix A1: a whole option is kept or zeroed by its type.
TEST(Ah, HDR_03_options_of_ipv4_by_their_type) {
  const auto keys = *AhKeys::make(Integrity::kSha1, key_of_size(20, 1));
  struct Option {
    std::uint8_t type;
    bool may_change;
  };
  constexpr Option kOptions[] = {{7, true},   {68, true},   {82, true},   {131, true},  {137, true},  {136, true},
                                 {222, true}, {130, false}, {133, false}, {134, false}, {148, false}, {149, false}};
  for (const Option& option : kOptions) {
    Bytes packet(20 + 8 + 24 + 16);
    const Bytes plain = ip_packet({address("10.0.0.1"), address("10.0.0.2"), kProtocolAh}, pattern(40));
    std::copy_n(plain.begin(), 20, packet.begin());
    packet[0] = 0x47;
    packet[20] = option.type;
    packet[21] = 7;
    packet[22] = 20;  // pointer: past the end of every route
    packet[27] = 1;   // no operation
    set_ip_length(packet, 28);
    write_ah(MutableByteView(packet).subspan(28, 24), kProtocolUdp, 0x1000, 1);
    Arena arena;
    const AhJob job{*keys, 0, packet, 28, 24, std::nullopt, arena};
    ASSERT_TRUE(ah_sign(job));
    ASSERT_TRUE(ah_verify(job));
    packet[24] ^= 1;
    EXPECT_EQ(ah_verify(job), option.may_change) << int{option.type};
    packet[24] ^= 1;
    packet[21] = 0;
    EXPECT_FALSE(ah_verify(job)) << "an option without length";
    packet[21] = 9;
    EXPECT_FALSE(ah_verify(job)) << "an option beyond the header";
  }
}

// Source routes: what counts is the packet as the last hop will see it.
TEST(Ah, HDR_03_source_routes_are_covered_as_they_arrive) {
  const auto keys = *AhKeys::make(Integrity::kSha256, key_of_size(32, 1));
  Arena arena;
  const IpAddress source = address("fd00::1"), hop = address("fd00::8"), last = address("fd00::9");
  const auto with_route = [&](const IpAddress& destination, const IpAddress& listed, std::uint8_t left) {
    ByteWriter upper;
    upper.u8(kProtocolAh).u8(2).u8(0).u8(left).u32(0).bytes(listed.bytes());
    upper.bytes(Bytes(32)).bytes(pattern(24));
    Bytes packet = ip_packet({source, destination, kProtocolRouting}, upper.take());
    write_ah(MutableByteView(packet).subspan(64, 32), kProtocolUdp, 0x1000, 1);
    return packet;
  };
  Bytes sent = with_route(hop, last, 1);
  const AhJob at_sender{*keys, 0, sent, 64, 32, std::nullopt, arena};
  ASSERT_TRUE(ah_sign(at_sender));
  Bytes arrived = with_route(last, hop, 0);
  std::copy_n(sent.begin() + 64, 32, arrived.begin() + 64);
  EXPECT_TRUE(ah_verify({*keys, 0, arrived, 64, 32, std::nullopt, arena}));
  Bytes elsewhere = with_route(hop, hop, 0);
  std::copy_n(sent.begin() + 64, 32, elsewhere.begin() + 64);
  EXPECT_FALSE(ah_verify({*keys, 0, elsewhere, 64, 32, std::nullopt, arena}));
}

TEST(Ah, headers_with_lengths_that_contradict_the_packet_are_refused) {
  EXPECT_FALSE(read_ah(Bytes(11)));
  Bytes header(24);
  header[1] = 0;  // eight octets
  EXPECT_FALSE(read_ah(header));
  header[1] = 5;  // 28 octets
  EXPECT_FALSE(read_ah(header));
  header[1] = 4;
  EXPECT_EQ(read_ah(header)->size, 24U);
}

struct AhPair {
  explicit AhPair(SaRecipe made, const char* left_address = "10.77.0.1", const char* right_address = "10.77.0.2")
      : left(left_address), right(right_address), recipe(std::move(made)) {
    const FilterPair near = mirrored(kFilter, between(left_address, right_address), Action::kNegotiate);
    left.set_filters({near.outbound, near.inbound});
    const FilterPair far = mirrored(kFilter, between(right_address, left_address), Action::kNegotiate);
    right.set_filters({far.outbound, far.inbound});
    recipe.selector = near.outbound.selector;
    recipe.outbound_filter = kFilter;
    recipe.inbound_filter = kFilter + 1;
    spi = connect(left, right, recipe);
  }
  Bytes packet() const { return udp_packet({left.own(), right.own()}, 4000, 5000, pattern(100)); }
  Bytes send() {
    const auto sent = left.send(packet());
    EXPECT_EQ(sent.to_wire.size(), 1U);
    return sent.to_wire.empty() ? Bytes() : sent.to_wire[0].bytes;
  }

  TestHost left;
  TestHost right;
  SaRecipe recipe;
  std::uint32_t spi = 0;
};

SaRecipe ah_recipe(Integrity integrity = Integrity::kSha1) {
  SaRecipe recipe;
  recipe.cipher = Cipher::kNull;
  recipe.integrity = integrity;
  recipe.protocol = SecurityProtocol::kAh;
  return recipe;
}

SaRecipe bundle_recipe() {
  SaRecipe recipe;
  recipe.cipher = Cipher::kAes128Cbc;
  recipe.integrity = Integrity::kSha1;
  recipe.around = Integrity::kSha256;
  return recipe;
}

void set_ttl(Bytes& packet, std::uint8_t ttl) {
  packet[8] = ttl;
  set_ip_length(packet, 20);
}

TEST(Ah, HDR_03_HDR_04_HDR_05_payload_is_readable_ttl_may_change_source_may_not) {
  AhPair pair(ah_recipe());
  Bytes wire = pair.send();
  EXPECT_EQ(wire[9], kProtocolAh);
  EXPECT_EQ(load_u32(&wire[28]), 1U);  // the first sequence number
  const Bytes clear = pair.packet();
  EXPECT_EQ(Bytes(wire.end() - 108, wire.end()), Bytes(clear.end() - 108, clear.end()));
  set_ttl(wire, 3);
  const auto received = pair.right.receive(wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(pair.right.count(Verdict::kInboundOpened), 1U);

  Bytes forged = pair.send();
  forged[15] ^= 4;  // the source address
  set_ip_length(forged, 20);
  EXPECT_TRUE(pair.right.receive(forged).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundNotAuthentic), 1U);
}

TEST(Ah, HDR_06_IN_17_IN_21_replayed_unknown_and_misshapen) {
  AhPair pair(ah_recipe());
  const Bytes wire = pair.send();
  EXPECT_EQ(pair.right.receive(wire).to_host.size(), 1U);
  EXPECT_TRUE(pair.right.receive(wire).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundReplayed), 1U);
  Bytes other = wire;
  other[24] ^= 1;
  EXPECT_TRUE(pair.right.receive(other).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundBadSpi), 1U);
  Bytes longer = wire;
  longer[21] = 5;  // 28 octets: not what HMAC-SHA1-96 makes
  EXPECT_TRUE(pair.right.receive(longer).to_host.empty());
  Bytes beyond = wire;
  beyond[21] = 200;
  EXPECT_TRUE(pair.right.receive(beyond).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundNotDecrypted), 2U);
}

TEST(Ah, HDR_12_bundle_is_ah_then_esp_and_neither_goes_without_the_other) {
  AhPair pair(bundle_recipe());
  const Bytes wire = pair.send();
  ASSERT_EQ(wire[9], kProtocolAh);
  const auto ah = *read_ah(ByteView(wire).subspan(20));
  EXPECT_EQ(ah.next_header, kProtocolEsp);
  EXPECT_NE(ah.spi, pair.spi);
  EXPECT_EQ(load_u32(&wire[20 + ah.size]), pair.spi);

  // ESP alone, as if an attacker took AH off.
  Bytes bare(wire.begin(), wire.begin() + 20);
  bare[9] = kProtocolEsp;
  bare.insert(bare.end(), wire.begin() + 20 + static_cast<std::ptrdiff_t>(ah.size), wire.end());
  set_ip_length(bare, 20);
  EXPECT_TRUE(pair.right.receive(bare).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundWrongEncapsulation), 1U);

  const auto received = pair.right.receive(wire);
  ASSERT_EQ(received.to_host.size(), 1U);
  EXPECT_EQ(received.to_host[0].bytes, pair.packet());
  EXPECT_TRUE(pair.right.receive(wire).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundReplayed), 1U);
}

TEST(Ah, HDR_12_a_bundle_is_one_sa_and_ends_by_either_spi) {
  AhPair pair(bundle_recipe());
  const auto listed = pair.right.control().list_sas(pair.right.now);
  ASSERT_EQ(listed.size(), 1U);
  ASSERT_TRUE(listed[0].sa.ah);
  EXPECT_TRUE(listed[0].sa.ah->key.empty());
  const Bytes wire = pair.send();
  EXPECT_TRUE(pair.right.control().delete_sa(listed[0].sa.ah->spi, Direction::kInbound, SecurityProtocol::kAh,
                                             pair.left.own()));
  EXPECT_TRUE(pair.right.control().list_sas(pair.right.now).empty());
  EXPECT_TRUE(pair.right.receive(wire).to_host.empty());
  EXPECT_EQ(pair.right.count(Verdict::kInboundBadSpi), 1U);
  EXPECT_TRUE(pair.left.control().delete_sa(listed[0].sa.ah->spi, Direction::kOutbound, SecurityProtocol::kAh,
                                            pair.right.own()));
  EXPECT_FALSE(pair.left.control().delete_sa(pair.spi, Direction::kOutbound, SecurityProtocol::kEsp, pair.right.own()));
}

TEST(Ah, PMT_01_a_packet_that_just_fits_is_as_long_as_the_path_allows) {
  for (const bool bundle : {false, true}) {
    AhPair pair(bundle ? bundle_recipe() : ah_recipe(Integrity::kSha256));
    std::size_t largest = 0;
    for (std::size_t size = 1300; size <= 1480; ++size) {
      const auto sent = pair.left.send(udp_packet({pair.left.own(), pair.right.own()}, 1, 2, pattern(size - 28)));
      if (sent.to_wire.empty()) {
        ASSERT_EQ(sent.to_host.size(), 1U);  // ICMP fragmentation needed
        EXPECT_EQ(load_u16(&sent.to_host[0].bytes[26]), size - 1) << "the MTU that is told";
        break;
      }
      largest = std::max(largest, sent.to_wire[0].bytes.size());
    }
    EXPECT_LE(largest, 1500U);
    EXPECT_GT(largest, bundle ? 1484U : 1499U);
  }
}

TEST(Ah, NAT_05_and_other_contradictions_are_refused_at_installation) {
  TestHost host("10.77.0.1");
  TestHost peer("10.77.0.2");
  SaRecipe recipe = ah_recipe();
  recipe.selector = between("10.77.0.1", "10.77.0.2");
  const auto install = [&](const auto& change) {
    SaParameters sa = parameters_of(host, peer, recipe, 0x5000, Direction::kOutbound);
    change(sa);
    return host.control().install_sa(std::move(sa), host.now);
  };
  EXPECT_EQ(install([](SaParameters& sa) {
              sa.udp = UdpEncapsulation{4500, 4500, {}, {}};
            }).code(),
            ErrorCode::kInvalid);
  EXPECT_EQ(install([](SaParameters& sa) { sa.integrity = Integrity::kNone; }).code(), ErrorCode::kInvalid);
  EXPECT_EQ(install([](SaParameters& sa) { sa.integrity_key = key_of_size(19, 1); }).code(), ErrorCode::kInvalid);
  EXPECT_EQ(install([](SaParameters& sa) {
              sa.ah = AroundEsp{0x6000, Integrity::kSha1, key_of_size(20, 1)};
            }).code(),
            ErrorCode::kInvalid);
  EXPECT_TRUE(install([](SaParameters&) {}).ok());
}

}  // namespace
}  // namespace ipsec::driver::tests

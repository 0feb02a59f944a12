#include "services/driver/shell/convert.h"

#include <string>

#include <gtest/gtest.h>

#include "services/driver/shell/policy_update.h"
#include "tests/driver/shell/driver_process.h"

namespace ipsec::driver {
namespace {

proto::Address address(std::initializer_list<int> octets) {
  proto::Address message;
  for (const int octet : octets) message.mutable_octets()->push_back(static_cast<char>(octet));
  return message;
}

proto::Selector selector() {
  proto::Selector message;
  *message.mutable_source()->mutable_first() = address({10, 0, 0, 1});
  *message.mutable_source()->mutable_last() = address({10, 0, 0, 1});
  *message.mutable_destination()->mutable_first() = address({10, 0, 0, 0});
  *message.mutable_destination()->mutable_last() = address({10, 0, 0, 255});
  message.set_protocol(6);
  message.mutable_destination_port()->set_first(445);
  message.mutable_destination_port()->set_last(445);
  return message;
}

proto::DriverPolicy policy() {
  proto::DriverPolicy message;
  message.set_version(7);
  message.set_policy_name("Servers");
  message.set_active(true);
  message.set_profile("windows2003");
  *message.add_local_addresses() = address({10, 0, 0, 1});
  proto::Filter& filter = *message.add_filters();
  filter.set_id(1);
  filter.set_mirror_id(2);
  filter.set_direction(proto::DIRECTION_OUTBOUND);
  filter.set_action(proto::ACTION_NEGOTIATE);
  filter.set_rule_name("files");
  *filter.mutable_selector() = selector();
  *filter.mutable_tunnel_destination() = address({192, 0, 2, 1});
  return message;
}

proto::Sa sa() {
  proto::Sa message;
  message.set_spi(0x1234);
  message.set_direction(proto::DIRECTION_INBOUND);
  message.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  message.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
  *message.mutable_source() = address({10, 0, 0, 2});
  *message.mutable_destination() = address({10, 0, 0, 1});
  *message.mutable_selector() = selector();
  message.set_cipher(proto::CIPHER_AES128_CBC);
  message.set_integrity(proto::INTEGRITY_SHA1);
  message.set_encryption_key(std::string(16, 'e'));
  message.set_integrity_key(std::string(20, 'i'));
  message.set_lifetime_kilobytes(100000);
  return message;
}

Result<PolicyUpdate> received(const proto::DriverPolicy& message) {
  PolicyUpdateCollector collector;
  IPSEC_RETURN_IF_ERROR(collector.take(testing::whole_policy(message)));
  EXPECT_TRUE(collector.complete());
  return collector.take_update();
}

TEST(Convert, PolicyKeepsItsFields) {
  const auto converted = received(policy());
  ASSERT_TRUE(converted.ok()) << converted.status().message();
  EXPECT_EQ(converted->settings.version, 7U);
  EXPECT_EQ(converted->settings.profile, Profile::kWindows2003);
  EXPECT_EQ(converted->count, 1U);
  ASSERT_EQ(converted->inserted.size(), 1U);
  const Filter& filter = converted->inserted[0];
  EXPECT_EQ(filter.direction, Direction::kOutbound);
  EXPECT_EQ(filter.action, Action::kNegotiate);
  EXPECT_EQ(filter.selector.to_string(),
            (Selector{AddressRange::parse("10.0.0.1").value(), AddressRange::parse("10.0.0.0/24").value(), kProtocolTcp,
                      PortRange::any(), PortRange::single(445)}
                 .to_string()));
  EXPECT_EQ(filter.tunnel_destination->to_string(), "192.0.2.1");
  EXPECT_FALSE(filter.tunnel_source);
  EXPECT_EQ(converted->settings.local_addresses, std::vector{IpAddress::v4(0x0a000001)});
}

struct BadPolicy {
  const char* text;  // part of the error: the place and what is wrong
  void (*spoil)(proto::DriverPolicy&);
};

TEST(Convert, BadPoliciesAreRefusedByField) {
  const BadPolicy cases[] = {
      {"policy.profile: 'vista'", [](auto& p) { p.set_profile("vista"); }},
      {"policy.local_addresses[0]",
       [](auto& p) {
         *p.mutable_local_addresses(0) = address({1, 2, 3});
       }},
      {"change.inserted[0].direction: 0", [](auto& p) { p.mutable_filters(0)->clear_direction(); }},
      {"change.inserted[0].direction: 9", [](auto& p) { p.mutable_filters(0)->set_direction(proto::Direction(9)); }},
      {"change.inserted[0].action: 0", [](auto& p) { p.mutable_filters(0)->clear_action(); }},
      {"change.inserted[0].selector", [](auto& p) { p.mutable_filters(0)->clear_selector(); }},
      {"change.inserted[0].tunnel_destination",
       [](auto& p) { p.mutable_filters(0)->mutable_tunnel_destination()->clear_octets(); }},
      {"change.inserted[0].tunnel_source", [](auto& p) { p.mutable_filters(0)->mutable_tunnel_source(); }},
      {"policy.exemptions: 0 to 3, found 4", [](auto& p) { p.set_exemptions(4); }},
      {"policy.diagnostics: 0 to 7, found 8", [](auto& p) { p.set_diagnostics(8); }},
      {"policy.log_interval_seconds: 60 to 86400, or 0, found 59", [](auto& p) { p.set_log_interval_seconds(59); }},
      {"policy.log_interval_seconds: 60 to 86400, or 0, found 86401",
       [](auto& p) { p.set_log_interval_seconds(86401); }},
      {"policy.boot_mode: judges packets until", [](auto& p) { p.set_boot_mode(proto::BOOT_MODE_BLOCK); }},
      {"policy.boot_mode: stateful (1)", [](auto& p) { p.set_boot_mode(proto::BootMode(4)); }},
      {"policy.boot_exemptions[0].direction", [](auto& p) { p.add_boot_exemptions()->set_protocol(6); }},
      {"policy.boot_exemptions[0].protocol: 1 to 255",
       [](auto& p) { p.add_boot_exemptions()->set_direction(proto::DIRECTION_INBOUND); }},
      {"policy.boot_exemptions[0]: ports are for",
       [](auto& p) {
         auto& exemption = *p.add_boot_exemptions();
         exemption.set_direction(proto::DIRECTION_INBOUND);
         exemption.set_protocol(50);
         exemption.set_source_port(1);
       }},
  };
  for (const BadPolicy& each : cases) {
    proto::DriverPolicy message = policy();
    each.spoil(message);
    const auto converted = received(message);
    ASSERT_FALSE(converted.ok()) << each.text;
    EXPECT_EQ(converted.status().code(), ErrorCode::kInvalid);
    EXPECT_NE(converted.status().message().find(each.text), std::string::npos) << converted.status().message();
  }
}

TEST(Convert, ExemptionsAndBootModeKeepTheirFields) {
  proto::DriverPolicy message = policy();
  EXPECT_EQ(from_proto(message)->exemptions, Exemptions::kIsakmpOnly);
  EXPECT_EQ(from_proto(message)->boot.mode, BootMode::kNone);
  EXPECT_EQ(from_proto(message)->diagnostics, DiagnosticsSettings());
  message.clear_filters();
  message.set_exemptions(0);
  message.set_diagnostics(5);
  message.set_log_interval_seconds(120);
  message.set_boot_mode(proto::BOOT_MODE_STATEFUL);
  auto& exemption = *message.add_boot_exemptions();
  exemption.set_direction(proto::DIRECTION_INBOUND);
  exemption.set_protocol(6);
  exemption.set_destination_port(3389);
  const auto converted = from_proto(message);
  ASSERT_TRUE(converted.ok()) << converted.status().message();
  EXPECT_EQ(converted->exemptions, Exemptions::kAll);
  EXPECT_EQ(converted->diagnostics, (DiagnosticsSettings{5, std::chrono::minutes(2)}));
  EXPECT_EQ(converted->boot.mode, BootMode::kStateful);
  ASSERT_EQ(converted->boot.exemptions.size(), 1U);
  EXPECT_EQ(converted->boot.exemptions[0].destination_port, 3389U);
}

TEST(Convert, BundlesUdpAndSoftSasKeepTheirFields) {
  proto::Sa message = sa();
  message.set_extended_sequence(true);
  message.mutable_ah()->set_spi(0x5678);
  message.mutable_ah()->set_integrity(proto::INTEGRITY_SHA256);
  message.mutable_ah()->set_key("kkkk");
  message.mutable_udp()->set_local_port(4500);
  message.mutable_udp()->set_peer_port(1029);
  *message.mutable_udp()->mutable_original_source() = address({192, 168, 1, 5});
  const auto converted = from_proto(message);
  ASSERT_TRUE(converted.ok()) << converted.status().message();
  EXPECT_TRUE(constant_time_equal(converted->ah->key.view(), as_bytes("kkkk")));
  SaStatus status;
  status.sa = *converted;
  message.clear_encryption_key();
  message.clear_integrity_key();
  message.mutable_ah()->clear_key();
  EXPECT_EQ(to_proto(status).sa().SerializeAsString(), message.SerializeAsString());

  proto::Sa soft = sa();
  soft.set_soft(true);
  soft.clear_cipher();
  soft.clear_integrity();
  EXPECT_TRUE(from_proto(soft)->soft);
}

TEST(Convert, ATraceTellsStepsVerdictAndRule) {
  PacketTrace trace;
  trace.steps = {{Step::kOutFilter, "none"}, {Step::kFragment, {}}};
  trace.verdict = Verdict::kOutboundNoFilter;
  const proto::PacketTrace message = to_proto(TracedPacket{trace, "rule", 5});
  EXPECT_EQ(message.steps(0).step(), "OUT-03");
  EXPECT_EQ(message.steps(0).text(), "find the filter: none");
  EXPECT_EQ(message.steps(1).step(), "");
  EXPECT_EQ(message.verdict(), "outbound_no_filter");
  EXPECT_EQ(message.kind(), "pass");
  EXPECT_EQ(message.rule_name(), "rule");
  trace.verdict.reset();
  EXPECT_EQ(to_proto(TracedPacket{trace, {}, 5}).verdict(), "waits");
}

TEST(Convert, SaKeepsItsFieldsAndItsKeysStayInside) {
  const auto converted = from_proto(sa());
  ASSERT_TRUE(converted.ok()) << converted.status().message();
  EXPECT_EQ(converted->spi, 0x1234U);
  EXPECT_EQ(converted->cipher, Cipher::kAes128Cbc);
  EXPECT_EQ(converted->integrity, Integrity::kSha1);
  EXPECT_TRUE(constant_time_equal(converted->encryption_key.view(), as_bytes("eeeeeeeeeeeeeeee")));
  EXPECT_EQ(converted->lifetime_kilobytes, 100000U);

  SaStatus status;
  status.sa = *converted;
  status.age = std::chrono::milliseconds(2900);
  status.path_mtu = 1280;
  status.path_mtu_source = PathMtuSource::kProbe;
  status.inner_mtu = 1246;
  const proto::SaStatus listed = to_proto(status);
  EXPECT_EQ(listed.age_seconds(), 2U);
  EXPECT_EQ(listed.path_mtu(), 1280U);
  EXPECT_EQ(listed.path_mtu_source(), proto::PATH_MTU_SOURCE_PROBE);
  EXPECT_EQ(listed.inner_mtu(), 1246U);
  proto::Sa without_keys = sa();
  without_keys.clear_encryption_key();
  without_keys.clear_integrity_key();
  EXPECT_EQ(listed.sa().SerializeAsString(), without_keys.SerializeAsString());
}

TEST(Convert, BadSasAreRefusedByField) {
  const std::pair<const char*, void (*)(proto::Sa&)> cases[] = {
      {"sa.direction", [](auto& s) { s.clear_direction(); }},
      {"sa.protocol", [](auto& s) { s.clear_protocol(); }},
      {"sa.encapsulation", [](auto& s) { s.clear_encapsulation(); }},
      {"sa.source", [](auto& s) { s.clear_source(); }},
      {"sa.destination", [](auto& s) { s.clear_destination(); }},
      {"sa.selector", [](auto& s) { s.clear_selector(); }},
      {"sa.cipher", [](auto& s) { s.clear_cipher(); }},
      {"sa.ah.integrity", [](auto& s) { s.mutable_ah(); }},
      {"sa.udp.local_port: 4500 or 500, found 4501",
       [](auto& s) {
         s.mutable_udp()->set_local_port(4501);
         s.mutable_udp()->set_peer_port(1);
       }},
      {"sa.udp.peer_port",
       [](auto& s) {
         s.mutable_udp()->set_local_port(4500);
         s.mutable_udp()->set_peer_port(70000);
       }},
      {"sa.integrity", [](auto& s) { s.set_integrity(proto::Integrity(77)); }},
  };
  for (const auto& [text, spoil] : cases) {
    proto::Sa message = sa();
    spoil(message);
    const auto converted = from_proto(message);
    ASSERT_FALSE(converted.ok()) << text;
    EXPECT_NE(converted.status().message().find(text), std::string::npos) << converted.status().message();
  }
}

TEST(Convert, RequestsKeepTheirFields) {
  const FiveTuple packet{IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), kProtocolTcp, 40000, 445};
  const proto::Acquire acquire = to_proto(Acquire{5, 6, packet, packet.source, packet.destination}).acquire();
  EXPECT_EQ(acquire.acquire_id(), 5U);
  EXPECT_EQ(acquire.filter_id(), 6U);
  EXPECT_EQ(acquire.packet().destination_port(), 445U);
  EXPECT_EQ(acquire.peer().octets(), std::string("\x0a\0\0\x02", 4));
  EXPECT_EQ(to_proto(RekeyNeeded{1, packet.source, 2, RekeyReason::kKilobytes}).rekey().reason(),
            proto::REKEY_REASON_KILOBYTES);
  const proto::PeerMoved moved = to_proto(PeerMoved{9, packet.source, 4500, 1029}).moved();
  EXPECT_EQ(moved.spi(), 9U);
  EXPECT_EQ(moved.new_port(), 1029U);
  const proto::SaEnded ended =
      to_proto(SaEnded{1, Direction::kInbound, SecurityProtocol::kAh, packet.source, SaEndReason::kIdle}).ended();
  EXPECT_EQ(ended.reason(), proto::SA_END_REASON_IDLE);
  EXPECT_EQ(ended.direction(), proto::DIRECTION_INBOUND);
  EXPECT_EQ(ended.protocol(), proto::SECURITY_PROTOCOL_AH);
}

}  // namespace
}  // namespace ipsec::driver

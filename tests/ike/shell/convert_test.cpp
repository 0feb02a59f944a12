#include "services/ike/shell/convert.h"

#include <functional>

#include <gtest/gtest.h>

#include "services/common/rpc/wipe_keys.h"
#include "services/ike/shell/policy_update.h"
#include "tests/ike/shell/policy_messages.h"

namespace ipsec::ike {
namespace {

proto::IkePolicy good_policy() { return host_to_host_policy("10.77.0.1", "10.77.0.2", "secret"); }

Result<IkePolicy> received(const proto::IkePolicy& message) {
  PolicyUpdateCollector collector;
  IPSEC_RETURN_IF_ERROR(collector.take(whole_policy(message)));
  EXPECT_TRUE(collector.complete());
  PolicyChange change = collector.take_change();
  IPSEC_RETURN_IF_ERROR(check(change, {}));
  return apply(std::move(change), {});
}

TEST(ConvertPolicy, every_part_arrives) {
  proto::IkePolicy message = good_policy();
  message.mutable_main_mode_policies(0)->set_quick_mode_limit(5);
  message.mutable_main_mode_policies(0)->set_master_pfs(true);
  message.mutable_main_mode_filters(0)->add_authentication()->set_kerberos(true);
  message.mutable_main_mode_filters(0)->add_authentication()->mutable_certificate()->set_root_ca("CN=root");
  message.mutable_quick_mode_policies(0)->set_pfs(true);
  message.mutable_quick_mode_policies(0)->set_pfs_group(14);
  message.mutable_quick_mode_policies(0)->mutable_offers(0)->set_ah(proto::INTEGRITY_SHA1);
  *message.mutable_filters(0)->mutable_tunnel_destination() = rpc::to_proto(*IpAddress::parse("192.0.2.1"));
  message.mutable_default_response()->set_active(true);
  message.mutable_default_response()->set_main_mode_policy("main");

  const auto policy = received(message);
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  EXPECT_EQ(policy->version, 1U);
  EXPECT_EQ(policy->policy_name, "Test policy");
  EXPECT_EQ(policy->profile, "modern");
  const MainModePolicy& main_mode = policy->main_mode_policies.at(0);
  EXPECT_EQ(main_mode.offers.at(0), (MainModeOffer{Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kEcp256}));
  EXPECT_EQ(main_mode.lifetime_seconds, 28800U);
  EXPECT_EQ(main_mode.quick_mode_limit, 5U);
  EXPECT_TRUE(main_mode.master_pfs);
  const MainModeFilter& peers = policy->main_mode_filters.at(0);
  EXPECT_EQ(peers.remote.to_string(), "10.77.0.2");
  ASSERT_EQ(peers.authentication.size(), 3U);
  EXPECT_EQ(std::get<PresharedKeyMethod>(peers.authentication[0]).key.reveal_text(), "secret");
  EXPECT_TRUE(std::holds_alternative<KerberosMethod>(peers.authentication[1]));
  EXPECT_EQ(std::get<CertificateMethod>(peers.authentication[2]).root_ca, "CN=root");
  const QuickModePolicy& quick_mode = policy->quick_mode_policies.at(0);
  EXPECT_EQ(quick_mode.pfs_group, DhGroup::kModp2048);
  EXPECT_EQ(quick_mode.offers.at(0),
            (QuickModeOffer{Integrity::kSha1, EspOffer{Cipher::kAes128Gcm, Integrity::kNone}, 100000, 3600}));
  const Filter& outbound = policy->filters.at(0);
  EXPECT_EQ(outbound.id, 1U);
  EXPECT_EQ(outbound.mirror_id, 2U);
  EXPECT_EQ(outbound.direction, Direction::kOutbound);
  EXPECT_EQ(outbound.action, FilterAction::kNegotiate);
  EXPECT_EQ(outbound.encapsulation(), Encapsulation::kTunnel);
  EXPECT_EQ(outbound.tunnel_destination->to_string(), "192.0.2.1");
  EXPECT_FALSE(outbound.tunnel_source);
  EXPECT_EQ(policy->filters.at(1).encapsulation(), Encapsulation::kTransport);
  EXPECT_EQ(policy->filters.at(1).selector, [&] {
    Selector back = outbound.selector;
    return back.mirrored();
  }());
  EXPECT_TRUE(policy->default_response.active);
}

TEST(ConvertPolicy, an_empty_policy_is_no_policy) {
  const auto policy = received(proto::IkePolicy());
  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE(policy->filters.empty());
}

TEST(ConvertPolicy, bad_fields_are_named_by_their_path) {
  struct Row {
    const char* path;
    std::function<void(proto::IkePolicy&)> spoil;
  };
  const auto offer = [](proto::IkePolicy& p) { return p.mutable_main_mode_policies(0)->mutable_offers(0); };
  const auto quick_offer = [](proto::IkePolicy& p) { return p.mutable_quick_mode_policies(0)->mutable_offers(0); };
  const Row rows[] = {
      {"policy.main_mode_policies[0].offers[0].cipher: ", [&](auto& p) { offer(p)->clear_cipher(); }},
      {"policy.main_mode_policies[0].offers[0].cipher: ", [&](auto& p) { offer(p)->set_cipher(proto::CIPHER_NULL); }},
      {"policy.main_mode_policies[0].offers[0].cipher: ",
       [&](auto& p) { offer(p)->set_cipher(proto::CIPHER_AES128_GCM); }},
      {"policy.main_mode_policies[0].offers[0].cipher: ",
       [&](auto& p) { offer(p)->set_cipher(static_cast<proto::Cipher>(99)); }},
      {"policy.main_mode_policies[0].offers[0].integrity: ",
       [&](auto& p) { offer(p)->set_integrity(proto::INTEGRITY_NONE); }},
      {"policy.main_mode_policies[0].offers[0].dh_group: ", [&](auto& p) { offer(p)->set_dh_group(0); }},
      {"policy.main_mode_policies[0].offers[0].dh_group: ", [&](auto& p) { offer(p)->set_dh_group(22); }},
      {"main_mode_change.inserted[0].filter.local.first: ",
       [](auto& p) { p.mutable_main_mode_filters(0)->clear_local(); }},
      {"main_mode_change.inserted[0].filter: ",
       [](auto& p) {
         *p.mutable_main_mode_filters(0)->mutable_local() = rpc::to_proto(AddressRange::any(AddressFamily::kIpv6));
       }},
      {"main_mode_change.inserted[0].filter.authentication[1]: ",
       [](auto& p) { p.mutable_main_mode_filters(0)->add_authentication(); }},
      {"main_mode_change.inserted[0].filter.authentication[0].preshared_key: ",
       [](auto& p) { p.mutable_main_mode_filters(0)->mutable_authentication(0)->set_preshared_key(""); }},
      {"policy.quick_mode_policies[0].offers[0]: ", [&](auto& p) { quick_offer(p)->clear_esp(); }},
      {"policy.quick_mode_policies[0].offers[0].ah: ", [&](auto& p) { quick_offer(p)->set_ah(proto::INTEGRITY_NONE); }},
      {"policy.quick_mode_policies[0].offers[0].esp.integrity: ",
       [&](auto& p) { quick_offer(p)->mutable_esp()->set_integrity(proto::INTEGRITY_SHA1); }},
      {"policy.quick_mode_policies[0].offers[0].esp.integrity: ",
       [&](auto& p) { quick_offer(p)->mutable_esp()->clear_integrity(); }},
      {"policy.quick_mode_policies[0].offers[0].esp: ",
       [&](auto& p) { quick_offer(p)->mutable_esp()->set_cipher(proto::CIPHER_NULL); }},
      {"policy.quick_mode_policies[0].pfs_group: ",
       [](auto& p) { p.mutable_quick_mode_policies(0)->set_pfs_group(3); }},
      {"change.inserted[1].id: ", [](auto& p) { p.mutable_filters(1)->set_id(0); }},
      {"change.inserted[1].direction: ", [](auto& p) { p.mutable_filters(1)->clear_direction(); }},
      {"change.inserted[1].action: ", [](auto& p) { p.mutable_filters(1)->clear_action(); }},
      {"change.inserted[1].selector.protocol: ",
       [](auto& p) { p.mutable_filters(1)->mutable_selector()->set_protocol(256); }},
      {"change.inserted[1].tunnel_source: ",
       [](auto& p) { p.mutable_filters(1)->mutable_tunnel_source()->set_octets("123"); }},
      {"policy.default_response.authentication[0]: ",
       [](auto& p) { p.mutable_default_response()->add_authentication(); }},
  };
  for (const Row& row : rows) {
    proto::IkePolicy message = good_policy();
    row.spoil(message);
    const auto policy = received(message);
    ASSERT_FALSE(policy.ok()) << row.path;
    EXPECT_EQ(policy.status().code(), ErrorCode::kInvalid);
    EXPECT_EQ(policy.status().message().substr(0, std::string_view(row.path).size()), row.path);
  }
}

TEST(ConvertDriverRequest, each_kind) {
  const auto first = from_proto(acquire(7, "10.77.0.1", "10.77.0.2"));
  ASSERT_TRUE(first.ok());
  const auto& wanted = std::get<AcquireRequested>(*first);
  EXPECT_EQ(wanted.acquire_id, 7U);
  EXPECT_EQ(wanted.filter_id, 1U);
  EXPECT_EQ(wanted.packet.to_string(), "10.77.0.1:40000 -> 10.77.0.2:445 TCP");
  EXPECT_EQ(wanted.peer.to_string(), "10.77.0.2");

  proto::DriverRequest message;
  message.mutable_rekey()->set_spi(0x1234);
  *message.mutable_rekey()->mutable_peer() = rpc::to_proto(*IpAddress::parse("fd77::2"));
  message.mutable_rekey()->set_filter_id(9);
  message.mutable_rekey()->set_reason(proto::REKEY_REASON_KILOBYTES);
  const auto second = from_proto(message);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(std::get<RekeyRequested>(*second).reason, RekeyReason::kKilobytes);
  EXPECT_EQ(std::get<RekeyRequested>(*second).spi, 0x1234U);

  message.mutable_ended()->set_spi(0x99);
  message.mutable_ended()->set_direction(proto::DIRECTION_OUTBOUND);
  message.mutable_ended()->set_protocol(proto::SECURITY_PROTOCOL_AH);
  *message.mutable_ended()->mutable_peer() = rpc::to_proto(*IpAddress::parse("10.0.0.2"));
  message.mutable_ended()->set_reason(proto::SA_END_REASON_IDLE);
  const auto third = from_proto(message);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(std::get<SaEnded>(*third).reason, SaEndReason::kIdle);
  EXPECT_EQ(std::get<SaEnded>(*third).protocol, SecurityProtocol::kAh);
  EXPECT_EQ(std::get<SaEnded>(*third).direction, Direction::kOutbound);

  message.mutable_moved()->set_spi(0x99);
  message.mutable_moved()->set_old_port(4500);
  message.mutable_moved()->set_new_port(61021);
  const auto fourth = from_proto(message);
  ASSERT_TRUE(fourth.ok());
  EXPECT_EQ(std::get<PeerMoved>(*fourth).spi, 0x99U);
  EXPECT_EQ(std::get<PeerMoved>(*fourth).old_port, 4500);
  EXPECT_EQ(std::get<PeerMoved>(*fourth).new_port, 61021);
  message.mutable_moved()->set_new_port(0);
  EXPECT_EQ(from_proto(message).status().message().substr(0, 14), "moved.new_port");
}

TEST(ConvertMovePeer, spi_and_port_go_out) {
  const proto::MovePeerRequest message = to_proto(MovePeer{0x99, 61021});
  EXPECT_EQ(message.spi(), 0x99U);
  EXPECT_EQ(message.port(), 61021U);
}

TEST(ConvertDriverRequest, bad_ones_are_refused) {
  EXPECT_FALSE(from_proto(proto::DriverRequest()).ok());
  proto::DriverRequest no_peer = acquire(1, "10.77.0.1", "10.77.0.2");
  no_peer.mutable_acquire()->clear_peer();
  EXPECT_EQ(from_proto(no_peer).status().message().substr(0, 12), "acquire.peer");
  proto::DriverRequest no_reason;
  *no_reason.mutable_rekey()->mutable_peer() = rpc::to_proto(IpAddress());
  EXPECT_EQ(from_proto(no_reason).status().message().substr(0, 12), "rekey.reason");
}

TEST(ConvertDelete, absent_peer_means_everybody) {
  proto::DeleteMainModeSasRequest message;
  EXPECT_FALSE(from_proto(message)->peer);
  *message.mutable_peer() = rpc::to_proto(*IpAddress::parse("10.0.0.2"));
  message.set_quick_mode_too(true);
  EXPECT_EQ(from_proto(message)->peer->to_string(), "10.0.0.2");
  EXPECT_TRUE(from_proto(message)->quick_mode_too);
  message.mutable_peer()->set_octets("");
  EXPECT_FALSE(from_proto(message).ok());
}

TEST(ConvertAskForFilter, a_question_and_its_refusal_have_the_same_content) {
  const AskForFilter asked{
      *IpAddress::parse("10.0.0.1"),
      *IpAddress::parse("10.0.0.2"),
      {*AddressRange::parse("10.0.0.1"), *AddressRange::parse("10.0.0.2"), kProtocolTcp, {}, PortRange::single(80)}};
  proto::DeclineIkeRequestRequest message;
  *message.mutable_default_response() = to_proto(asked).default_response();
  message.set_reason("why");
  const auto declined = from_proto(message);
  ASSERT_TRUE(declined.ok());
  EXPECT_EQ(declined->local, asked.local);
  EXPECT_EQ(declined->peer, asked.peer);
  EXPECT_EQ(declined->outbound, asked.outbound);
  EXPECT_EQ(declined->text, "why");
  message.mutable_default_response()->clear_peer();
  EXPECT_EQ(from_proto(message).status().message().substr(0, 23), "default_response.peer: ");
}

TEST(ConvertSa, every_field_goes_out_and_the_keys_are_wiped) {
  InstallSa action;
  action.sa.spi = 0x11223344;
  action.sa.direction = Direction::kOutbound;
  action.sa.protocol = SecurityProtocol::kEsp;
  action.sa.encapsulation = Encapsulation::kTunnel;
  action.sa.source = *IpAddress::parse("10.0.0.1");
  action.sa.destination = *IpAddress::parse("10.0.0.2");
  action.sa.selector.protocol = kProtocolTcp;
  action.sa.filter_id = 5;
  action.sa.cipher = Cipher::kAes128Cbc;
  action.sa.integrity = Integrity::kSha1;
  action.sa.encryption_key = SecretBytes("0123456789abcdef");
  action.sa.integrity_key = SecretBytes("0123456789abcdefghij");
  action.sa.replay_window = 64;
  action.sa.lifetime_seconds = 3600;
  action.sa.lifetime_kilobytes = 100000;
  action.sa.pair_spi = 0x55;
  action.sa.replaces_spi = 0x66;
  action.sa.main_mode_id = 0x77;
  action.sa.pfs_group = DhGroup::kModp2048;
  action.sa.rule_name = "rule";
  action.sa.quick_mode_policy = "quick";
  action.sa.initiator = true;
  action.sa.extended_sequence = true;
  action.sa.ah = AroundEsp{0x99, Integrity::kSha256, SecretBytes("of the AH around it")};

  proto::InstallSaRequest message = to_proto(action);
  const proto::Sa& sa = message.sa();
  EXPECT_EQ(sa.spi(), 0x11223344U);
  EXPECT_EQ(sa.direction(), proto::DIRECTION_OUTBOUND);
  EXPECT_EQ(sa.protocol(), proto::SECURITY_PROTOCOL_ESP);
  EXPECT_EQ(sa.encapsulation(), proto::ENCAPSULATION_TUNNEL);
  EXPECT_EQ(rpc::from_proto(sa.source(), "")->to_string(), "10.0.0.1");
  EXPECT_EQ(rpc::from_proto(sa.destination(), "")->to_string(), "10.0.0.2");
  EXPECT_EQ(*rpc::from_proto(sa.selector(), ""), action.sa.selector);
  EXPECT_EQ(sa.filter_id(), 5U);
  EXPECT_EQ(sa.cipher(), proto::CIPHER_AES128_CBC);
  EXPECT_EQ(sa.integrity(), proto::INTEGRITY_SHA1);
  EXPECT_EQ(sa.encryption_key(), "0123456789abcdef");
  EXPECT_EQ(sa.integrity_key(), "0123456789abcdefghij");
  EXPECT_EQ(sa.replay_window(), 64U);
  EXPECT_EQ(sa.lifetime_seconds(), 3600U);
  EXPECT_EQ(sa.lifetime_kilobytes(), 100000U);
  EXPECT_EQ(sa.pair_spi(), 0x55U);
  EXPECT_EQ(sa.replaces_spi(), 0x66U);
  EXPECT_EQ(sa.main_mode_id(), 0x77U);
  EXPECT_EQ(sa.pfs_group(), 14U);
  EXPECT_EQ(sa.rule_name(), "rule");
  EXPECT_EQ(sa.quick_mode_policy(), "quick");
  EXPECT_TRUE(sa.initiator());
  EXPECT_TRUE(sa.extended_sequence());
  EXPECT_EQ(sa.ah().spi(), 0x99U);
  EXPECT_EQ(sa.ah().integrity(), proto::INTEGRITY_SHA256);
  EXPECT_EQ(sa.ah().key(), "of the AH around it");

  rpc::wipe_keys(message);
  EXPECT_TRUE(message.sa().encryption_key().empty());
  EXPECT_TRUE(message.sa().integrity_key().empty());
  EXPECT_TRUE(message.sa().ah().key().empty());
}

TEST(ConvertSa, ARC_09_those_that_an_administrator_has_keyed_are_not_taken_over) {
  proto::ListSasReply listed;
  for (const std::uint32_t spi : {0x1001U, 0x1002U, 0x1003U}) {
    proto::Sa& sa = *listed.add_sas()->mutable_sa();
    sa.set_spi(spi);
    sa.set_direction(proto::DIRECTION_INBOUND);
    sa.set_protocol(proto::SECURITY_PROTOCOL_ESP);
    sa.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
    *sa.mutable_source() = rpc::to_proto(IpAddress::parse("10.0.0.2").value());
    *sa.mutable_destination() = rpc::to_proto(IpAddress::parse("10.0.0.1").value());
    Selector selector;
    selector.source = AddressRange::host(IpAddress::parse("10.0.0.2").value());
    selector.destination = AddressRange::host(IpAddress::parse("10.0.0.1").value());
    *sa.mutable_selector() = rpc::to_proto(selector);
    sa.set_manual(spi == 0x1002U);
  }
  const auto found = from_proto(listed);
  ASSERT_TRUE(found.ok()) << found.status().message();
  ASSERT_EQ(found->sas.size(), 2U);
  EXPECT_EQ(found->sas[0].spi, 0x1001U);
  EXPECT_EQ(found->sas[1].spi, 0x1003U);
}

TEST(ConvertStatistics, documented_names_in_documented_order) {
  Statistics statistics;
  statistics.main_modes = 3;
  statistics.invalid_packets_received = 4;
  const proto::IkeStatistics message = to_proto(statistics, 12, true);
  EXPECT_EQ(message.policy_version(), 12U);
  EXPECT_TRUE(message.driver_connected());
  // netsh-ipsec 9.1.
  const char* const documented[] = {"main_modes",
                                    "quick_modes",
                                    "soft_sas",
                                    "authentication_failures",
                                    "active_acquire",
                                    "active_receive",
                                    "acquire_failures",
                                    "receive_failures",
                                    "send_failures",
                                    "acquire_heap_size",
                                    "receive_heap_size",
                                    "negotiation_failures",
                                    "invalid_cookies_received",
                                    "total_acquire",
                                    "total_get_spi",
                                    "key_additions",
                                    "key_updates",
                                    "get_spi_failures",
                                    "key_addition_failures",
                                    "key_update_failures",
                                    "isadb_list_size",
                                    "connection_list_size",
                                    "invalid_packets_received"};
  ASSERT_GE(message.counters_size(), static_cast<int>(std::size(documented)));
  for (std::size_t i = 0; i < std::size(documented); ++i) {
    EXPECT_EQ(message.counters(static_cast<int>(i)).name(), documented[i]);
  }
  EXPECT_EQ(message.counters(0).value(), 3U);
  EXPECT_EQ(message.counters(22).value(), 4U);
}

TEST(ConvertEvent, carries_all_parts) {
  const ReportEvent event{
      "authentication_failed", Severity::kWarning, "10.0.0.2 has another key", {{"peer", "10.0.0.2"}}};
  const proto::Event message = to_proto(event, 5, 1700000000000);
  EXPECT_EQ(message.sequence(), 5U);
  EXPECT_EQ(message.wall_clock_ms(), 1700000000000);
  EXPECT_EQ(message.source(), "ike");
  EXPECT_EQ(message.name(), "authentication_failed");
  EXPECT_EQ(message.severity(), proto::Event::SEVERITY_WARNING);
  EXPECT_EQ(message.text(), "10.0.0.2 has another key");
  EXPECT_EQ(message.fields().at("peer"), "10.0.0.2");
}

}  // namespace
}  // namespace ipsec::ike

#include "tests/cli/samples.h"

namespace ipsec::cli::tests {

namespace {

void add_quick_mode_offer(google::protobuf::RepeatedPtrField<proto::StoredQuickModeOffer>& offers, const char* ah,
                          const char* cipher, const char* integrity) {
  proto::StoredQuickModeOffer& offer = *offers.Add();
  if (ah != nullptr) offer.set_ah(ah);
  if (cipher != nullptr) offer.set_esp_cipher(cipher);
  if (integrity != nullptr) offer.set_esp_integrity(integrity);
  offer.set_lifetime_kilobytes(100000);
  offer.set_lifetime_seconds(3600);
}

void add_counter(google::protobuf::RepeatedPtrField<proto::Counter>& counters, const char* name, const char* text,
                 std::uint64_t value) {
  proto::Counter& counter = *counters.Add();
  counter.set_name(name);
  counter.set_text(text);
  counter.set_value(value);
}

// What the services answer with, documented quantities first (reference, section 9.1).
using CounterNames = std::pair<const char*, const char*>;
constexpr CounterNames kIkeCounters[] = {
    {"main_modes", "Oakley Main Modes"},
    {"quick_modes", "Oakley Quick Modes"},
    {"soft_sas", "Soft Associations"},
    {"authentication_failures", "Authentication Failures"},
    {"active_acquire", "Active Acquire"},
    {"active_receive", "Active Receive"},
    {"acquire_failures", "Acquire Failures"},
    {"receive_failures", "Receive Failures"},
    {"send_failures", "Send Failures"},
    {"acquire_heap_size", "Acquire Heap Size"},
    {"receive_heap_size", "Receive Heap Size"},
    {"negotiation_failures", "Negotiation Failures"},
    {"invalid_cookies_received", "Invalid Cookies Received"},
    {"total_acquire", "Total Acquire"},
    {"total_get_spi", "Total Get SPI"},
    {"key_additions", "Key Additions"},
    {"key_updates", "Key Updates"},
    {"get_spi_failures", "Get SPI Failures"},
    {"key_addition_failures", "Key Addition Failures"},
    {"key_update_failures", "Key Update Failures"},
    {"isadb_list_size", "ISADB List Size"},
    {"connection_list_size", "Connection List Size"},
    {"invalid_packets_received", "Invalid Packets Received"},
    {"datagrams_received", "Datagrams received"},
};
constexpr CounterNames kDriverCounters[] = {
    {"active_assoc", "Active Security Associations"},
    {"offload_sas", "Offloaded Security Associations"},
    {"pending_key", "Pending Key Operations"},
    {"key_adds", "Key Additions"},
    {"key_deletes", "Key Deletions"},
    {"rekeys", "Rekeys"},
    {"active_tunnels", "Active Tunnels"},
    {"bad_spi_packets", "Bad SPI Packets"},
    {"packets_not_decrypted", "Packets Not Decrypted"},
    {"packets_not_authenticated", "Packets Not Authenticated"},
    {"packets_with_replay_detection", "Packets With Replay Detection"},
    {"confidential_bytes_sent", "Confidential Bytes Sent"},
    {"confidential_bytes_received", "Confidential Bytes Received"},
    {"authenticated_bytes_sent", "Authenticated Bytes Sent"},
    {"authenticated_bytes_received", "Authenticated Bytes Received"},
    {"transport_bytes_sent", "Transport Bytes Sent"},
    {"transport_bytes_received", "Transport Bytes Received"},
    {"tunnel_bytes_sent", "Bytes Sent In Tunnels"},
    {"tunnel_bytes_received", "Bytes Received In Tunnels"},
    {"offloaded_bytes_sent", "Offloaded Bytes Sent"},
    {"offloaded_bytes_received", "Offloaded Bytes Received"},
};

void add_policy(proto::ReadReply& store) {
  proto::StoredPolicy& policy = *store.add_policies();
  policy.set_guid("11111111-1111-1111-1111-111111111111");
  policy.set_name("Partner link");
  policy.set_description("IKE between two database hosts");
  policy.set_last_modified(kSampleTime);
  policy.set_profile("modern");
  for (const auto& [cipher, integrity, group] :
       {std::tuple("AES256", "SHA256", "modp2048"), std::tuple("DES", "MD5", "modp768"),
        std::tuple("3DES", "SHA1", "modp1024"), std::tuple("AES128", "SHA1", "curve25519")}) {
    proto::StoredMainModeOffer& offer = *policy.add_main_mode_offers();
    offer.set_cipher(cipher);
    offer.set_integrity(integrity);
    offer.set_dh_group(group);
  }
  policy.set_main_mode_lifetime_minutes(120);
  policy.set_polling_interval_minutes(15);
  policy.set_assigned(true);
  proto::StoredRule& rule = *policy.add_rules();
  rule.set_guid("22222222-2222-2222-2222-222222222222");
  rule.set_name("db link");
  rule.set_last_modified(kSampleTime);
  rule.set_policy("Partner link");
  rule.set_filter_list("db1 to db2");
  rule.set_filter_action("Must encrypt");
  rule.add_authentication()->mutable_preshared_key()->set_is_set(true);
  proto::CertificateMethod& certificate = *rule.add_authentication()->mutable_certificate();
  certificate.set_root_ca("C=FR, O=\"Exemple, SA\", CN=Racine");
  certificate.set_map_to_account(true);
  rule.add_authentication()->set_kerberos(true);
  rule.set_connection_type("lan");
  rule.set_active(true);
  proto::StoredRule& tunnel = *policy.add_rules();
  tunnel = rule;
  tunnel.set_guid("33333333-3333-3333-3333-333333333333");
  tunnel.set_name("隧道");
  *tunnel.mutable_tunnel_endpoint() = address("198.51.100.1");
  tunnel.set_active(false);
  policy.set_rule_count(2);
  proto::StoredDefaultRule& standard = *policy.mutable_default_rule();
  standard.set_guid("44444444-4444-4444-4444-444444444444");
  standard.set_active(true);
  standard.add_authentication()->set_kerberos(true);
  add_quick_mode_offer(*standard.mutable_offers(), nullptr, "3DES", "MD5");
}

void add_filter(proto::StoredFilterList& list, const proto::StoredAddress& source,
                const proto::StoredAddress& destination) {
  proto::StoredFilter& filter = *list.add_filters();
  *filter.mutable_source() = source;
  *filter.mutable_destination() = destination;
  filter.set_mirrored(true);
}

void add_filter_list(proto::ReadReply& store) {
  proto::StoredFilterList& list = *store.add_filter_lists();
  list.set_guid("55555555-5555-5555-5555-555555555555");
  list.set_name("db1 to db2");
  list.set_last_modified(kSampleTime);
  proto::StoredAddress me;
  me.set_keyword("me");
  proto::StoredAddress any;
  any.set_keyword("any");
  proto::StoredAddress dns;
  dns.set_keyword("dns");
  proto::StoredAddress subnet;
  *subnet.mutable_range() = range("10.0.0.0/8");
  proto::StoredAddress some;
  *some.mutable_range() = range("fd77::1-fd77::9");
  proto::StoredAddress named;
  named.mutable_dns_name()->set_name("db.example.com");
  *named.mutable_dns_name()->add_resolved() = address("192.0.2.7");
  add_filter(list, me, any);
  add_filter(list, me, dns);
  add_filter(list, subnet, me);
  add_filter(list, some, me);
  add_filter(list, me, named);
  list.mutable_filters(2)->set_protocol(6);
  list.mutable_filters(2)->set_destination_port(445);
  list.mutable_filters(2)->set_description("files");
  list.mutable_filters(2)->set_mirrored(false);
  list.set_filter_count(5);
  proto::StoredFilterList& empty = *store.add_filter_lists();
  empty.set_guid("66666666-6666-6666-6666-666666666666");
  empty.set_name("a list with a name that is far longer than any eighty columns of an ordinary screen can hold at all");
}

void add_filter_action(proto::ReadReply& store) {
  proto::StoredFilterAction& action = *store.add_filter_actions();
  action.set_guid("77777777-7777-7777-7777-777777777777");
  action.set_name("Must encrypt");
  action.set_description("no clear text");
  action.set_last_modified(kSampleTime);
  action.set_action(proto::ACTION_NEGOTIATE);
  action.set_quick_mode_pfs(true);
  action.set_pfs_group("modp2048");
  add_quick_mode_offer(*action.mutable_offers(), nullptr, "AES128-GCM", "NONE");
  add_quick_mode_offer(*action.mutable_offers(), "SHA1", "3DES", "NONE");
  add_quick_mode_offer(*action.mutable_offers(), nullptr, "DES", "MD5");
  proto::StoredFilterAction& block = *store.add_filter_actions();
  block.set_guid("88888888-8888-8888-8888-888888888888");
  block.set_name("Drop");
  block.set_action(proto::ACTION_BLOCK);
}

proto::Filter filter(std::uint64_t id, proto::Direction direction, const char* source, const char* destination) {
  proto::Filter filter;
  filter.set_id(id);
  filter.set_weight(500);
  filter.set_direction(direction);
  *filter.mutable_selector()->mutable_source() = range(source);
  *filter.mutable_selector()->mutable_destination() = range(destination);
  filter.set_action(proto::ACTION_NEGOTIATE);
  filter.set_quick_mode_policy("Must encrypt");
  filter.set_rule_name("db link");
  filter.set_generic_id(7);
  return filter;
}

proto::SaStatus quick_mode_sa(std::uint32_t spi, proto::Direction direction) {
  proto::SaStatus status;
  proto::Sa& sa = *status.mutable_sa();
  const bool is_inbound = direction == proto::DIRECTION_INBOUND;
  sa.set_spi(spi);
  sa.set_pair_spi(spi + 1);
  sa.set_direction(direction);
  sa.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  sa.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
  *sa.mutable_source() = address(is_inbound ? "10.77.0.2" : "10.77.0.1");
  *sa.mutable_destination() = address(is_inbound ? "10.77.0.1" : "10.77.0.2");
  *sa.mutable_selector()->mutable_source() = range(is_inbound ? "10.77.0.2" : "10.77.0.1");
  *sa.mutable_selector()->mutable_destination() = range(is_inbound ? "10.77.0.1" : "10.77.0.2");
  sa.mutable_selector()->set_protocol(6);
  sa.mutable_selector()->mutable_destination_port()->set_first(445);
  sa.mutable_selector()->mutable_destination_port()->set_last(445);
  sa.set_cipher(proto::CIPHER_DES);
  sa.set_integrity(proto::INTEGRITY_SHA1);
  sa.set_encryption_key("never to be seen");
  sa.set_lifetime_seconds(3600);
  sa.set_lifetime_kilobytes(100000);
  sa.set_rule_name("db link");
  sa.set_quick_mode_policy("Must encrypt");
  status.set_packets(1200);
  status.set_bytes(1234567);
  status.set_age_seconds(75);
  status.set_engine("intel-ipsec-mb");
  status.set_offload("none");
  return status;
}

}  // namespace

proto::Address address(std::string_view text) { return rpc::to_proto(IpAddress::parse(text).value()); }
proto::AddressRange range(std::string_view text) { return rpc::to_proto(AddressRange::parse(text).value()); }

proto::ReadReply sample_store() {
  proto::ReadReply store;
  store.set_store("local");
  add_policy(store);
  proto::StoredPolicy& other = *store.add_policies();
  other.set_guid("99999999-9999-9999-9999-999999999999");
  other.set_name("Other");
  other.set_profile("windows2003");
  add_filter_list(store);
  add_filter_action(store);
  return store;
}

proto::CompiledPolicyReply sample_compiled() {
  proto::CompiledPolicyReply compiled;
  proto::DriverPolicy& driver = *compiled.mutable_driver();
  driver.set_policy_name("Partner link");
  driver.set_active(true);
  *driver.add_local_addresses() = address("10.77.0.1");
  *driver.add_filters() = filter(1, proto::DIRECTION_OUTBOUND, "10.77.0.1", "10.77.0.2");
  *driver.add_filters() = filter(2, proto::DIRECTION_INBOUND, "10.77.0.2", "10.77.0.1");
  driver.mutable_filters(0)->set_mirror_id(2);
  driver.mutable_filters(1)->set_mirror_id(1);
  driver.mutable_filters(1)->set_inbound_passthrough(true);
  *driver.add_filters() = filter(3, proto::DIRECTION_OUTBOUND, "10.1.0.0/16", "10.2.0.0/16");
  proto::Filter& tunnel = *driver.mutable_filters(2);
  *tunnel.mutable_tunnel_destination() = address("198.51.100.1");
  tunnel.set_rule_name("tunnel");
  tunnel.set_generic_id(8);
  *driver.add_filters() = filter(4, proto::DIRECTION_INBOUND, "0.0.0.0/0", "10.77.0.1");
  proto::Filter& block = *driver.mutable_filters(3);
  block.set_action(proto::ACTION_BLOCK);
  block.set_quick_mode_policy("");
  block.set_rule_name("no telnet");
  block.set_generic_id(9);
  block.mutable_selector()->set_protocol(6);
  block.mutable_selector()->mutable_destination_port()->set_first(23);
  block.mutable_selector()->mutable_destination_port()->set_last(23);

  proto::IkePolicy& ike = *compiled.mutable_ike();
  ike.set_policy_name("Partner link");
  proto::MainModePolicy& main_mode = *ike.add_main_mode_policies();
  main_mode.set_name("Partner link");
  main_mode.set_lifetime_seconds(28800);
  proto::MainModeOffer& offer = *main_mode.add_offers();
  offer.set_cipher(proto::CIPHER_AES256_CBC);
  offer.set_integrity(proto::INTEGRITY_SHA256);
  offer.set_dh_group(14);
  proto::MainModeOffer& weak = *main_mode.add_offers();
  weak.set_cipher(proto::CIPHER_DES);
  weak.set_integrity(proto::INTEGRITY_MD5);
  weak.set_dh_group(1);
  proto::MainModeFilter& main_mode_filter = *ike.add_main_mode_filters();
  main_mode_filter.set_id(5);
  *main_mode_filter.mutable_local() = range("10.77.0.1");
  *main_mode_filter.mutable_remote() = range("10.77.0.2");
  main_mode_filter.set_main_mode_policy("Partner link");
  main_mode_filter.add_authentication()->set_preshared_key("never to be seen");
  main_mode_filter.set_rule_name("db link");
  proto::QuickModePolicy& quick_mode = *ike.add_quick_mode_policies();
  quick_mode.set_name("Must encrypt");
  quick_mode.set_pfs(true);
  proto::QuickModeOffer& quick_offer = *quick_mode.add_offers();
  quick_offer.set_ah(proto::INTEGRITY_SHA1);
  quick_offer.mutable_esp()->set_cipher(proto::CIPHER_AES128_GCM);
  quick_offer.mutable_esp()->set_integrity(proto::INTEGRITY_NONE);
  quick_offer.set_lifetime_kilobytes(100000);
  quick_offer.set_lifetime_seconds(3600);

  const auto main_mode_written = [&](const char* rule, const char* source, const char* destination) {
    proto::GenericMainModeFilter& written = *compiled.add_generic_main_mode_filters();
    written.set_rule_name(rule);
    written.set_source(source);
    written.set_destination(destination);
    written.set_connection_type("all");
    written.set_main_mode_policy("Partner link");
    written.add_authentication()->set_preshared_key("never to be seen");
  };
  main_mode_written("db link", "Me", "10.77.0.2");
  main_mode_written("tunnel", "Me", "198.51.100.1");

  const auto generic = [&](std::uint64_t id, const char* rule, const char* source, const char* destination,
                           proto::Action action) {
    proto::GenericFilter& written = *compiled.add_generic_filters();
    written.set_id(id);
    written.set_source(source);
    written.set_destination(destination);
    written.set_mirrored(true);
    written.set_action(action);
    written.set_rule_name(rule);
    written.set_connection_type("all");
    return &written;
  };
  generic(7, "db link", "Me", "10.77.0.2", proto::ACTION_NEGOTIATE)->set_quick_mode_policy("Must encrypt");
  auto* written = generic(8, "tunnel", "10.1.0.0/16", "10.2.0.0/16", proto::ACTION_NEGOTIATE);
  *written->mutable_tunnel_endpoint() = address("198.51.100.1");
  written->set_quick_mode_policy("Must encrypt");
  written = generic(9, "no telnet", "Any", "Me", proto::ACTION_BLOCK);
  written->set_protocol(6);
  written->set_destination_port(23);
  driver.set_exemptions(2);
  proto::ExemptionFilter& kerberos = *compiled.add_exemptions();
  kerberos.set_name("Kerberos");
  kerberos.set_direction(proto::DIRECTION_INBOUND);
  kerberos.set_source("Any");
  kerberos.set_destination("Any");
  kerberos.set_protocol(6);
  kerberos.set_source_port(88);
  proto::ExemptionFilter& all_ipv6 = *compiled.add_exemptions();
  all_ipv6.set_name("IPv6");
  all_ipv6.set_source("Any IPv6");
  all_ipv6.set_destination("Any IPv6");
  return compiled;
}

proto::ListMainModeSasReply sample_main_mode_sas() {
  proto::ListMainModeSasReply reply;
  proto::MainModeSa& sa = *reply.add_sas();
  sa.set_initiator_cookie(0x0123456789abcdefU);
  sa.set_responder_cookie(0xfedcba9876543210U);
  *sa.mutable_local()->mutable_address() = address("10.77.0.1");
  sa.mutable_local()->set_port(500);
  *sa.mutable_peer()->mutable_address() = address("10.77.0.2");
  sa.mutable_peer()->set_port(500);
  sa.set_initiator(true);
  sa.mutable_offer()->set_cipher(proto::CIPHER_TRIPLE_DES);
  sa.mutable_offer()->set_integrity(proto::INTEGRITY_SHA1);
  sa.mutable_offer()->set_dh_group(2);
  sa.set_authentication("Preshared key");
  sa.set_local_identity("10.77.0.1");
  sa.set_peer_identity("10.77.0.2\x1b[2J");
  sa.set_lifetime_seconds(28800);
  sa.set_age_seconds(4000);
  sa.set_quick_modes(3);
  sa.set_state("established");
  sa.set_rule_name("db link");
  sa.set_nat("peer");
  return reply;
}

proto::ListCertificatesReply sample_certificates() {
  proto::ListCertificatesReply reply;
  reply.set_directory("/etc/policyagent/ike");
  reply.add_authorities("CN=Root");
  proto::CertificateStatus& own = *reply.add_own();
  own.set_file("own/host.pem");
  own.set_subject("C=DE, CN=host\x1b[2J");
  own.set_issuer("CN=Root");
  own.set_serial("3E8");
  own.set_not_before("2026-11-30T12:00:00Z");
  own.set_not_after("2027-11-30T12:00:00Z");
  own.set_key("RSA 2048");
  own.add_alternative_names("DNS:host.example.org");
  own.add_extended_key_usages("ipsecIKE");
  own.add_distribution_points("http://crl.example.org/root.crl");
  own.set_private_key("software");
  const auto add = [&](const char* name, const char* outcome, const char* text) {
    proto::CertificateCheck& check = *own.add_checks();
    check.set_name(name);
    check.set_outcome(outcome);
    check.set_text(text);
  };
  add("trust", "passed", "root CN=Root");
  add("revocation", "not checked", "could not be checked: CN=host (serial 3E8): unable to get certificate CRL");
  add("ike_intermediate", "failed", "not among its extended key usages");
  own.set_usable(true);
  proto::CertificateStatus& root = *reply.add_roots();
  root.set_file("roots/root.pem");
  root.set_subject("CN=Root");
  root.set_issuer("CN=Root");
  root.set_key("EC P-256");
  root.set_usable(true);
  proto::RevocationListStatus& list = *reply.add_revocation_lists();
  list.set_issuer("CN=Root");
  list.set_last_update("2026-11-30T12:00:00Z");
  list.set_next_update("2026-12-07T12:00:00Z");
  list.set_revoked(2);
  proto::UnavailablePoint& point = *reply.add_unavailable_points();
  point.set_point("http://crl.example.org/root.crl");
  point.set_reason("no answer within 15 s");
  reply.add_problems("/etc/policyagent/ike/own/bad.pem has mode 0644 and holds a private key");
  return reply;
}

namespace {

proto::FailedNegotiation& add_negotiation(proto::ListFailedNegotiationsReply& reply,
                                          proto::FailedNegotiation::Mode mode, const std::string& reason) {
  proto::FailedNegotiation& failed = *reply.add_negotiations();
  failed.set_mode(mode);
  *failed.mutable_local()->mutable_address() = address("10.77.0.1");
  failed.mutable_local()->set_port(500);
  *failed.mutable_peer()->mutable_address() = address("10.77.0.2");
  failed.mutable_peer()->set_port(500);
  failed.set_reason(reason);
  failed.set_text("for people \x1b[2J");
  failed.set_age_seconds(75);
  failed.set_times(1);
  failed.set_windows_event(mode == proto::FailedNegotiation::MODE_MAIN ? 4653 : 4654);
  failed.set_windows_event_2003(547);
  failed.set_windows_status(13868);
  return failed;
}

// Cells that differ end with '*'.
void add_offer_row(google::protobuf::RepeatedPtrField<proto::OfferRow>& rows, std::uint32_t offer, bool closest,
                   std::initializer_list<std::string> cells) {
  proto::OfferRow& row = *rows.Add();
  row.set_offer(offer);
  row.set_closest(closest);
  for (std::string text : cells) {
    proto::OfferCell& cell = *row.add_cells();
    cell.set_differs(text.back() == '*');
    if (cell.differs()) text.pop_back();
    cell.set_text(text);
  }
}

proto::Remedy& add_remedy(proto::Explanation& explanation, proto::Side side, const std::string& field,
                          const std::string& command) {
  proto::Remedy& remedy = *explanation.add_remedies();
  remedy.set_side(side);
  remedy.add_fields(field);
  if (!command.empty()) remedy.add_commands(command);
  return remedy;
}

}  // namespace

proto::ListFailedNegotiationsReply sample_negotiations() {
  proto::ListFailedNegotiationsReply reply;
  {
    auto& failed = add_negotiation(reply, proto::FailedNegotiation::MODE_MAIN, "no_proposal_chosen");
    failed.set_rule_name("db link");
    failed.set_policy_name("Protect");
    failed.set_times(3);
    proto::Explanation& explanation = *failed.mutable_explanation();
    explanation.set_refused_by(proto::SIDE_THIS_HOST);
    explanation.set_at("main mode message 1");
    explanation.set_unproven(true);
    proto::OfferTable& offers = *explanation.mutable_offers();
    for (const char* column : {"Encryption", "Hash", "Group", "Lifetime", "Authentication"}) offers.add_columns(column);
    add_offer_row(*offers.mutable_offered(), 1, false, {"DES*", "MD5*", "modp768*", "28800 s", "preshared key"});
    add_offer_row(*offers.mutable_offered(), 2, true, {"3DES*", "SHA256", "modp2048", "28800 s", "preshared key"});
    add_offer_row(*offers.mutable_configured(), 1, true, {"AES128*", "SHA256", "modp2048", "28800 s", "preshared key"});
    offers.set_more_offered(4);
    auto& weak =
        add_remedy(explanation, proto::SIDE_THIS_HOST, "encryption",
                   "netsh ipsec static set policy name=\"Protect\" mmsecmethods=\"AES128-SHA256-14 3DES-SHA256-14\"");
    weak.set_weak(true);
    add_remedy(explanation, proto::SIDE_PEER, "encryption",
               "netsh ipsec static set policy name=\"<its policy>\" mmsecmethods=\"DES-MD5-1 3DES-SHA256-14 "
               "AES128-SHA256-14\"");
  }
  {
    auto& failed = add_negotiation(reply, proto::FailedNegotiation::MODE_QUICK, "no_matching_filter");
    failed.set_initiator(true);
    failed.set_rule_name("db link");
    failed.set_policy_name("Secure");
    failed.set_filter("filter 10.77.0.1 -> 10.77.0.0/24 ANY of list 'L\x1b[2J'");
    proto::Explanation& explanation = *failed.mutable_explanation();
    explanation.set_refused_by(proto::SIDE_PEER);
    explanation.set_at("quick mode message 1");
    explanation.set_notify("INVALID-ID-INFORMATION");
    const Selector asked{AddressRange::host(*IpAddress::parse("10.77.0.1")), *AddressRange::parse("10.77.0.0/24"),
                         kProtocolAny, PortRange::any(), PortRange::any()};
    const Selector configured{AddressRange::host(*IpAddress::parse("10.77.0.1")), *AddressRange::parse("10.77.0.2"),
                              kProtocolTcp, PortRange::any(), PortRange::single(445)};
    *explanation.mutable_traffic()->mutable_asked() = rpc::to_proto(asked);
    *explanation.mutable_traffic()->mutable_configured() = rpc::to_proto(configured);
    *explanation.mutable_traffic()->mutable_overlap() = rpc::to_proto(*intersection(asked, configured));
    add_remedy(explanation, proto::SIDE_THIS_HOST, "traffic",
               "netsh ipsec static add filter filterlist=\"L\" srcaddr=10.77.0.1 dstaddr=10.77.0.2 protocol=6 "
               "dstport=445 mirrored=yes");
    add_remedy(explanation, proto::SIDE_PEER, "traffic", "");
  }
  {
    auto& failed = add_negotiation(reply, proto::FailedNegotiation::MODE_MAIN, "timeout_message_2");
    failed.set_initiator(true);
    failed.set_rule_name("db link");
    failed.set_policy_name("Protect");
    failed.set_windows_status(13805);
    proto::Explanation& explanation = *failed.mutable_explanation();
    explanation.set_at("main mode message 2");
    proto::OfferTable& offers = *explanation.mutable_offers();
    for (const char* column : {"Encryption", "Hash", "Group", "Lifetime", "Authentication"}) offers.add_columns(column);
    add_offer_row(*offers.mutable_offered(), 1, false, {"AES128", "SHA256", "modp2048", "28800 s", "preshared key"});
    explanation.add_facts("main mode message 1 (344 octets) was sent 6 times from 10.77.0.1:500 to 10.77.0.2:500");
    explanation.add_facts("no ICMP error came");
    explanation.add_checks("that 10.77.0.2 is up");
  }
  {
    auto& failed = add_negotiation(reply, proto::FailedNegotiation::MODE_MAIN, "authentication_failed");
    failed.set_rule_name("db link");
    failed.set_policy_name("Protect");
    failed.set_windows_event_2003(545);
    failed.set_windows_status(13801);
    proto::Explanation& explanation = *failed.mutable_explanation();
    explanation.set_refused_by(proto::SIDE_THIS_HOST);
    explanation.set_at("main mode message 5");
    explanation.set_unproven(true);
    for (const proto::Side side : {proto::SIDE_THIS_HOST, proto::SIDE_PEER}) {
      add_remedy(explanation, side, "preshared key",
                 "netsh ipsec static set rule name=\"R\" policy=\"P\" psk=\"<the key of both hosts>\"")
          .set_authentication("preshared key");
    }
  }
  {
    auto& failed = add_negotiation(reply, proto::FailedNegotiation::MODE_QUICK, "pfs_mismatch");
    failed.set_rule_name("db link");
    failed.set_policy_name("Secure");
    failed.set_filter("filter 10.77.0.1 -> 10.77.0.2 ANY of list 'L'");
    proto::Explanation& explanation = *failed.mutable_explanation();
    explanation.set_refused_by(proto::SIDE_THIS_HOST);
    explanation.set_at("quick mode message 1");
    proto::OfferTable& offers = *explanation.mutable_offers();
    for (const char* column :
         {"Protocol", "Encryption", "Integrity", "PFS group", "Encapsulation", "Lifetime", "Kilobytes"})
      offers.add_columns(column);
    add_offer_row(*offers.mutable_offered(), 1, true,
                  {"AH", "none", "SHA1", "none*", "transport", "3600 s", "100000 kB"});
    add_offer_row(*offers.mutable_offered(), 1, true,
                  {"ESP", "AES128", "SHA1", "none*", "transport", "3600 s", "100000 kB"});
    add_offer_row(*offers.mutable_configured(), 1, true,
                  {"AH", "none", "SHA1", "modp2048*", "transport", "900 s", "none"});
    add_offer_row(*offers.mutable_configured(), 1, true,
                  {"ESP", "AES128", "SHA1", "modp2048*", "transport", "900 s", "none"});
    add_remedy(explanation, proto::SIDE_THIS_HOST, "PFS group",
               "netsh ipsec static set filteraction name=\"Secure\" qmpfs=no");
  }
  return reply;
}

proto::ListNatFiltersReply sample_nat_filters() {
  proto::ListNatFiltersReply reply;
  const auto add = [&](std::uint64_t id, proto::Direction direction, const Selector& selector) {
    proto::Filter& filter = *reply.add_filters();
    filter.set_id(id);
    filter.set_mirror_id(id ^ 1);
    filter.set_direction(direction);
    *filter.mutable_selector() = rpc::to_proto(selector);
    filter.set_action(proto::ACTION_PERMIT);
    filter.set_dynamic(true);
    filter.set_rule_name("<ISAKMP behind NAT>");
  };
  const Selector outbound{AddressRange::host(*IpAddress::parse("10.77.0.1")),
                          AddressRange::host(*IpAddress::parse("203.0.113.9")), kProtocolUdp,
                          PortRange::from_number(4500), PortRange::from_number(61021)};
  add(2, proto::DIRECTION_OUTBOUND, outbound);
  add(3, proto::DIRECTION_INBOUND, outbound.mirrored());
  return reply;
}

proto::ListSasReply sample_quick_mode_sas() {
  proto::ListSasReply reply;
  *reply.add_sas() = quick_mode_sa(0x1001, proto::DIRECTION_OUTBOUND);
  reply.mutable_sas(0)->set_path_mtu(1500);
  reply.mutable_sas(0)->set_path_mtu_source(proto::PATH_MTU_SOURCE_LINK);
  reply.mutable_sas(0)->set_inner_mtu(1466);
  *reply.add_sas() = quick_mode_sa(0x1002, proto::DIRECTION_INBOUND);
  reply.mutable_sas(1)->mutable_sa()->set_pair_spi(0x1001);
  reply.mutable_sas(1)->set_offload("active");
  reply.mutable_sas(1)->set_offloaded_packets(1199);
  proto::SaStatus& tunnel = *reply.add_sas();
  tunnel = quick_mode_sa(0x2001, proto::DIRECTION_INBOUND);
  tunnel.mutable_sa()->set_encapsulation(proto::ENCAPSULATION_TUNNEL);
  tunnel.mutable_sa()->set_protocol(proto::SECURITY_PROTOCOL_AH);
  *tunnel.mutable_sa()->mutable_selector()->mutable_source() = range("10.2.0.0/16");
  *tunnel.mutable_sa()->mutable_selector()->mutable_destination() = range("10.1.0.0/16");
  tunnel.mutable_sa()->set_pfs_group(14);
  tunnel.mutable_sa()->set_lifetime_kilobytes(0);
  tunnel.set_dying(true);
  tunnel.set_engine("OpenSSL");
  proto::SaStatus& both = *reply.add_sas();
  both = quick_mode_sa(0x3001, proto::DIRECTION_OUTBOUND);
  both.mutable_sa()->mutable_ah()->set_spi(0x3101);
  both.mutable_sa()->mutable_ah()->set_integrity(proto::INTEGRITY_SHA256);
  both.mutable_sa()->mutable_ah()->set_key("never to be seen");
  both.mutable_sa()->mutable_udp()->set_local_port(4500);
  both.mutable_sa()->mutable_udp()->set_peer_port(61234);
  both.set_path_mtu(1280);
  both.set_path_mtu_source(proto::PATH_MTU_SOURCE_PROBE);
  both.set_inner_mtu(1194);
  proto::SaStatus& soft = *reply.add_sas();
  soft = quick_mode_sa(0x4001, proto::DIRECTION_OUTBOUND);
  soft.mutable_sa()->set_soft(true);
  soft.clear_engine();
  return reply;
}

proto::ListSasReply sample_sas() {
  proto::ListSasReply reply = sample_quick_mode_sas();
  proto::SaStatus manual = quick_mode_sa(0x5001, proto::DIRECTION_INBOUND);
  manual.mutable_sa()->set_manual(true);
  manual.mutable_sa()->set_filter_id(0);
  manual.mutable_sa()->set_replay_window(1024);
  manual.mutable_sa()->set_extended_sequence(true);
  manual.set_last_sequence(4294967301);
  *reply.add_sas() = manual;
  manual.mutable_sa()->set_spi(0x5002);
  manual.set_ended(true);
  *reply.add_sas() = manual;
  return reply;
}

proto::Statistics sample_statistics() {
  proto::Statistics statistics;
  auto& ike = *statistics.mutable_ike();
  std::uint64_t value = 3;
  for (const auto& [name, text] : kIkeCounters) add_counter(*ike.mutable_counters(), name, text, value++);
  auto& driver = *statistics.mutable_driver();
  for (const auto& [name, text] : kDriverCounters) add_counter(*driver.mutable_counters(), name, text, value++);
  driver.mutable_counters(11)->set_value(18446744073709551615U);
  add_counter(*driver.mutable_verdicts(), "passed", "passed in clear", 100);
  add_counter(*driver.mutable_verdicts(), "dropped_replay", "dropped: replayed", 4);
  add_counter(*driver.mutable_verdicts(), "dropped_integrity", "dropped: integrity", 0);
  driver.set_held_packets(1);
  driver.set_last_hold_us(8200);
  driver.set_longest_hold_us(12000);
  driver.set_crypto_engine("intel-ipsec-mb");
  for (const char* name : {"eth0", "eth1"}) driver.add_interfaces(name);
  for (const char* provider : {"look-aside", ""}) driver.add_interface_offload(provider);
  driver.set_attached(true);
  return statistics;
}

proto::StoreListing sample_stores() {
  proto::StoreListing listing;
  listing.set_store("local");
  const auto add = [&](const char* name, const char* location, const char* registry, const char* state) {
    proto::StoreStatus& store = *listing.add_stores();
    store.set_name(name);
    store.set_location(location);
    store.set_registry_name(registry);
    store.set_state(state);
    return &store;
  };
  add("central", "sqlite:/mnt/policies/central.db", "HKLM\\GPTIPSECPolicy\\DSIPSECPolicyPath", "unavailable")
      ->set_problem("central store sqlite:/mnt/policies/central.db: it is not there");
  proto::StoreStatus& cache = *add("cache", "/var/lib/policyagent/cache.db", "HKLM\\Policy\\Cache", "in force");
  cache.set_policy_name("Partner link");
  cache.set_version("sha256:0123456789abcdef");
  cache.set_read_at(kSampleTime);
  add("local", "/var/lib/policyagent/policy.db", "HKLM\\Policy\\Local", "not asked");
  return listing;
}

proto::AgentStatus sample_status() {
  proto::AgentStatus status;
  status.set_state("Local");
  status.set_policy_name("Partner link");
  status.set_policy_version(7);
  status.set_polling_interval_minutes(180);
  proto::ServiceStatus& driver = *status.add_services();
  driver.set_name("driver");
  driver.set_pid(4711);
  driver.set_connected(true);
  driver.set_policy_version(7);
  proto::ServiceStatus& ike = *status.add_services();
  ike.set_name("ike");
  ike.set_restarts(2);
  status.set_driver_attached(true);
  status.add_interfaces("eth0");
  *status.add_local_addresses() = address("10.77.0.1");
  *status.add_local_addresses() = address("fd77::1");
  status.set_profile("windows2003");
  status.set_last_load_reason("started");
  status.set_last_load_outcome("3 filters");
  status.set_state_name("Cache Downloaded");
  status.set_next_poll_seconds(3725);
  status.set_loads(3);
  status.set_last_load_at(kSampleTime);
  *status.mutable_stores() = sample_stores().stores();
  status.set_boot_mode(proto::BOOT_MODE_STATEFUL);
  return status;
}

proto::ListEventsReply sample_events() {
  proto::ListEventsReply reply;
  proto::Event& event = *reply.add_events();
  event.set_sequence(1);
  event.set_wall_clock_ms(kSampleTime * 1000 + 7);
  event.set_source("ike");
  event.set_name("authentication_failed");
  event.set_severity(proto::Event::SEVERITY_WARNING);
  event.set_text("peer 10.77.0.2: wrong\nkey");
  (*event.mutable_fields())["peer"] = "10.77.0.2";
  (*event.mutable_fields())["exchange"] = "main mode";
  return reply;
}

proto::LintReply sample_findings() {
  proto::LintReply reply;
  proto::LintFinding& error = *reply.add_findings();
  error.set_id("tunnel_incomplete");
  error.set_severity("error");
  error.set_policy("Partner link");
  error.set_object("rule 'tunnel' of policy 'Partner link'");
  error.set_why("no active tunnel rule of the policy has the opposite");
  error.add_mend("add filter filterlist=\"L (back)\" srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 mirrored=no");
  error.add_mend("add rule name=\"tunnel (back)\" policy=\"Partner link\" psk=\"<key of rule 'tunnel'>\"");
  proto::LintFinding& information = *reply.add_findings();
  information.set_id("filter_list_unused");
  information.set_severity("information");
  information.set_object("filter list 'a\x1b[2J'");
  information.set_why("no rule uses it");
  return reply;
}

}  // namespace ipsec::cli::tests

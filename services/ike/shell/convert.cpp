#include "services/ike/shell/convert.h"

#include <fmt/format.h>

namespace ipsec::ike {

namespace {

using rpc::dh_group_from_proto;
using rpc::from_proto;
using rpc::to_proto;

std::string member(const std::string& field, std::string_view name) { return fmt::format("{}.{}", field, name); }

// Converts every entry of a repeated field, naming it by its position.
template <typename Value, typename Message, typename Convert>
Result<std::vector<Value>> convert_all(const google::protobuf::RepeatedPtrField<Message>& messages,
                                       const std::string& field, Convert convert) {
  std::vector<Value> values;
  values.reserve(static_cast<std::size_t>(messages.size()));
  for (int i = 0; i < messages.size(); ++i) {
    IPSEC_ASSIGN_OR_RETURN(Value value, convert(messages[i], fmt::format("{}[{}]", field, i)));
    values.push_back(std::move(value));
  }
  return values;
}

// The core's enumerations have the numbers of the messages; 0 and what is beyond `last` is refused.
template <typename Enum>
Result<Enum> enum_from_proto(int value, int first, int last, const std::string& field) {
  if (value >= first && value <= last) return static_cast<Enum>(value);
  return invalid(fmt::format("{}: {} to {}, found {}", field, first, last, value));
}
static_assert(static_cast<int>(Direction::kInbound) == proto::DIRECTION_INBOUND);
static_assert(static_cast<int>(Encapsulation::kTransport) == proto::ENCAPSULATION_TRANSPORT);
static_assert(static_cast<int>(SecurityProtocol::kEsp) == proto::SECURITY_PROTOCOL_ESP);
static_assert(static_cast<int>(FilterAction::kNegotiate) == proto::ACTION_NEGOTIATE);
static_assert(static_cast<int>(RekeyReason::kSequence) == proto::REKEY_REASON_SEQUENCE);
static_assert(static_cast<int>(SaEndReason::kPolicy) == proto::SA_END_REASON_POLICY);
static_assert(static_cast<int>(NegotiationMode::kQuick) == proto::FailedNegotiation::MODE_QUICK);
static_assert(static_cast<int>(Severity::kError) == proto::Event::SEVERITY_ERROR);

Result<Direction> direction_from_proto(proto::Direction value, const std::string& field) {
  return enum_from_proto<Direction>(value, proto::DIRECTION_OUTBOUND, proto::DIRECTION_INBOUND, field);
}

Result<SecurityProtocol> protocol_from_proto(proto::SecurityProtocol value, const std::string& field) {
  return enum_from_proto<SecurityProtocol>(value, proto::SECURITY_PROTOCOL_AH, proto::SECURITY_PROTOCOL_ESP, field);
}

Result<MainModeOffer> main_mode_offer_from_proto(const proto::MainModeOffer& message, const std::string& field) {
  MainModeOffer offer;
  IPSEC_ASSIGN_OR_RETURN(offer.cipher, from_proto(message.cipher(), member(field, "cipher")));
  IPSEC_ASSIGN_OR_RETURN(offer.hash, from_proto(message.integrity(), member(field, "integrity")));
  IPSEC_ASSIGN_OR_RETURN(offer.group, dh_group_from_proto(message.dh_group(), member(field, "dh_group")));
  // IKEv1 has no AEAD in phase 1, no encryption without a hash and no exchange without a group.
  if (info(offer.cipher).ike_number == 0) {
    return invalid(
        fmt::format("{}.cipher: main mode needs DES, 3DES or AES-CBC, found {}", field, info(offer.cipher).name));
  }
  if (offer.hash == Integrity::kNone) return invalid(fmt::format("{}.integrity: main mode needs a hash", field));
  if (offer.group == DhGroup::kNone) {
    return invalid(fmt::format("{}.dh_group: main mode needs a Diffie-Hellman group", field));
  }
  return offer;
}

Result<MainModePolicy> main_mode_policy_from_proto(const proto::MainModePolicy& message, const std::string& field) {
  MainModePolicy policy;
  policy.name = message.name();
  IPSEC_ASSIGN_OR_RETURN(
      policy.offers, convert_all<MainModeOffer>(message.offers(), member(field, "offers"), main_mode_offer_from_proto));
  policy.lifetime_seconds = message.lifetime_seconds();
  policy.quick_mode_limit = message.quick_mode_limit();
  policy.master_pfs = message.master_pfs();
  return policy;
}

Result<AuthenticationMethod> authentication_from_proto(const proto::AuthenticationMethod& message,
                                                       const std::string& field) {
  switch (message.method_case()) {
    case proto::AuthenticationMethod::kKerberos:
      return AuthenticationMethod(KerberosMethod());
    case proto::AuthenticationMethod::kPresharedKey:
      if (message.preshared_key().empty()) {
        return invalid(fmt::format("{}.preshared_key: at least one octet is needed", field));
      }
      return AuthenticationMethod(PresharedKeyMethod{SecretBytes(as_bytes(message.preshared_key()))});
    case proto::AuthenticationMethod::kCertificate: {
      const proto::CertificateMethod& certificate = message.certificate();
      return AuthenticationMethod(
          CertificateMethod{certificate.root_ca(), certificate.map_to_account(), certificate.exclude_ca_name()});
    }
    case proto::AuthenticationMethod::METHOD_NOT_SET:
      break;
  }
  return invalid(fmt::format("{}: one of kerberos, preshared_key and certificate is needed", field));
}

Result<MainModeFilter> main_mode_filter_from_proto(const proto::MainModeFilter& message, const std::string& field) {
  MainModeFilter filter;
  filter.id = message.id();
  IPSEC_ASSIGN_OR_RETURN(filter.local, from_proto(message.local(), member(field, "local")));
  IPSEC_ASSIGN_OR_RETURN(filter.remote, from_proto(message.remote(), member(field, "remote")));
  if (filter.local.family() != filter.remote.family()) {
    return invalid(fmt::format("{}: local {} and remote {} must be of one family", field, filter.local.to_string(),
                               filter.remote.to_string()));
  }
  filter.weight = message.weight();
  filter.main_mode_policy = message.main_mode_policy();
  IPSEC_ASSIGN_OR_RETURN(filter.authentication,
                         convert_all<AuthenticationMethod>(message.authentication(), member(field, "authentication"),
                                                           authentication_from_proto));
  filter.rule_name = message.rule_name();
  return filter;
}

Result<EspOffer> esp_offer_from_proto(const proto::EspOffer& message, const std::string& field) {
  EspOffer offer;
  IPSEC_ASSIGN_OR_RETURN(offer.cipher, from_proto(message.cipher(), member(field, "cipher")));
  IPSEC_ASSIGN_OR_RETURN(offer.integrity, from_proto(message.integrity(), member(field, "integrity")));
  if (info(offer.cipher).is_aead() && offer.integrity != Integrity::kNone) {
    return invalid(fmt::format("{}.integrity: {} has integrity of its own, NONE is needed beside it, found {}", field,
                               info(offer.cipher).name, info(offer.integrity).name));
  }
  if (offer.cipher == Cipher::kNull && offer.integrity == Integrity::kNone) {
    return invalid(fmt::format("{}: neither encryption nor integrity, at least one is needed", field));
  }
  return offer;
}

Result<QuickModeOffer> quick_mode_offer_from_proto(const proto::QuickModeOffer& message, const std::string& field) {
  QuickModeOffer offer;
  if (message.ah() != proto::INTEGRITY_UNSPECIFIED) {
    IPSEC_ASSIGN_OR_RETURN(offer.ah, from_proto(message.ah(), member(field, "ah")));
    if (offer.ah == Integrity::kNone) return invalid(fmt::format("{}.ah: AH needs an integrity algorithm", field));
  }
  if (message.has_esp()) {
    IPSEC_ASSIGN_OR_RETURN(offer.esp, esp_offer_from_proto(message.esp(), member(field, "esp")));
  }
  if (!offer.ah && !offer.esp) return invalid(fmt::format("{}: ah, esp or both are needed", field));
  offer.lifetime_kilobytes = message.lifetime_kilobytes();
  offer.lifetime_seconds = message.lifetime_seconds();
  return offer;
}

Result<QuickModePolicy> quick_mode_policy_from_proto(const proto::QuickModePolicy& message, const std::string& field) {
  QuickModePolicy policy;
  policy.name = message.name();
  IPSEC_ASSIGN_OR_RETURN(policy.offers, convert_all<QuickModeOffer>(message.offers(), member(field, "offers"),
                                                                    quick_mode_offer_from_proto));
  policy.pfs = message.pfs();
  IPSEC_ASSIGN_OR_RETURN(policy.pfs_group, dh_group_from_proto(message.pfs_group(), member(field, "pfs_group")));
  return policy;
}

Result<std::optional<IpAddress>> optional_address_from_proto(bool present, const proto::Address& message,
                                                             const std::string& field) {
  if (!present) return std::optional<IpAddress>();
  IPSEC_ASSIGN_OR_RETURN(const IpAddress address, from_proto(message, field));
  return std::optional(address);
}

Result<Filter> filter_from_proto(const proto::Filter& message, const std::string& field) {
  Filter filter;
  if (message.id() == 0) return invalid(fmt::format("{}.id: a filter's id is never 0", field));
  filter.id = message.id();
  filter.mirror_id = message.mirror_id();
  filter.index = message.index();
  IPSEC_ASSIGN_OR_RETURN(filter.direction, direction_from_proto(message.direction(), member(field, "direction")));
  IPSEC_ASSIGN_OR_RETURN(filter.selector, from_proto(message.selector(), member(field, "selector")));
  IPSEC_ASSIGN_OR_RETURN(filter.action,
                         enum_from_proto<FilterAction>(message.action(), proto::ACTION_PERMIT, proto::ACTION_NEGOTIATE,
                                                       member(field, "action")));
  IPSEC_ASSIGN_OR_RETURN(filter.tunnel_source,
                         optional_address_from_proto(message.has_tunnel_source(), message.tunnel_source(),
                                                     member(field, "tunnel_source")));
  IPSEC_ASSIGN_OR_RETURN(filter.tunnel_destination,
                         optional_address_from_proto(message.has_tunnel_destination(), message.tunnel_destination(),
                                                     member(field, "tunnel_destination")));
  filter.quick_mode_policy = message.quick_mode_policy();
  filter.rule_name = message.rule_name();
  filter.filter_list_name = message.filter_list_name();
  filter.filter_action_name = message.filter_action_name();
  filter.dynamic = message.dynamic();
  filter.allow_soft = message.allow_soft();
  return filter;
}

Result<DefaultResponse> default_response_from_proto(const proto::DefaultResponse& message, const std::string& field) {
  DefaultResponse response;
  response.active = message.active();
  IPSEC_ASSIGN_OR_RETURN(response.quick_mode_policy,
                         quick_mode_policy_from_proto(message.quick_mode_policy(), member(field, "quick_mode_policy")));
  response.main_mode_policy = message.main_mode_policy();
  IPSEC_ASSIGN_OR_RETURN(response.authentication,
                         convert_all<AuthenticationMethod>(message.authentication(), member(field, "authentication"),
                                                           authentication_from_proto));
  return response;
}

Result<Event> acquire_from_proto(const proto::Acquire& message) {
  AcquireRequested event;
  event.acquire_id = message.acquire_id();
  event.filter_id = message.filter_id();
  IPSEC_ASSIGN_OR_RETURN(event.packet, from_proto(message.packet(), "acquire.packet"));
  IPSEC_ASSIGN_OR_RETURN(event.local, from_proto(message.local(), "acquire.local"));
  IPSEC_ASSIGN_OR_RETURN(event.peer, from_proto(message.peer(), "acquire.peer"));
  return Event(event);
}

Result<Event> rekey_from_proto(const proto::RekeyNeeded& message) {
  RekeyRequested event;
  event.spi = message.spi();
  IPSEC_ASSIGN_OR_RETURN(event.peer, from_proto(message.peer(), "rekey.peer"));
  event.filter_id = message.filter_id();
  IPSEC_ASSIGN_OR_RETURN(event.reason, enum_from_proto<RekeyReason>(message.reason(), proto::REKEY_REASON_SECONDS,
                                                                    proto::REKEY_REASON_SEQUENCE, "rekey.reason"));
  return Event(event);
}

Result<Event> ended_from_proto(const proto::SaEnded& message) {
  SaEnded event;
  event.spi = message.spi();
  IPSEC_ASSIGN_OR_RETURN(event.direction, direction_from_proto(message.direction(), "ended.direction"));
  IPSEC_ASSIGN_OR_RETURN(event.protocol, protocol_from_proto(message.protocol(), "ended.protocol"));
  IPSEC_ASSIGN_OR_RETURN(event.peer, from_proto(message.peer(), "ended.peer"));
  IPSEC_ASSIGN_OR_RETURN(event.reason, enum_from_proto<SaEndReason>(message.reason(), proto::SA_END_REASON_LIFETIME,
                                                                    proto::SA_END_REASON_POLICY, "ended.reason"));
  return Event(event);
}

Result<Event> moved_from_proto(const proto::PeerMoved& message) {
  PeerMoved event;
  event.spi = message.spi();
  IPSEC_ASSIGN_OR_RETURN(event.old_port, rpc::port_from_proto(message.old_port(), "moved.old_port"));
  IPSEC_ASSIGN_OR_RETURN(event.new_port, rpc::port_from_proto(message.new_port(), "moved.new_port"));
  if (event.new_port == 0) return invalid("moved.new_port: 1 to 65535, found 0");
  return Event(event);
}

Result<SaParameters> sa_from_proto(const proto::SaStatus& message, const std::string& field) {
  const proto::Sa& from = message.sa();
  SaParameters sa;
  if (from.spi() == 0) return invalid(fmt::format("{}.spi: an SPI is never 0", field));
  sa.spi = from.spi();
  sa.pair_spi = from.pair_spi();
  IPSEC_ASSIGN_OR_RETURN(sa.direction, direction_from_proto(from.direction(), member(field, "direction")));
  IPSEC_ASSIGN_OR_RETURN(sa.protocol, protocol_from_proto(from.protocol(), member(field, "protocol")));
  IPSEC_ASSIGN_OR_RETURN(
      sa.encapsulation, enum_from_proto<Encapsulation>(from.encapsulation(), proto::ENCAPSULATION_TUNNEL,
                                                       proto::ENCAPSULATION_TRANSPORT, member(field, "encapsulation")));
  IPSEC_ASSIGN_OR_RETURN(sa.source, from_proto(from.source(), member(field, "source")));
  IPSEC_ASSIGN_OR_RETURN(sa.destination, from_proto(from.destination(), member(field, "destination")));
  IPSEC_ASSIGN_OR_RETURN(sa.selector, from_proto(from.selector(), member(field, "selector")));
  sa.filter_id = from.filter_id();
  sa.rule_name = from.rule_name();
  sa.quick_mode_policy = from.quick_mode_policy();
  sa.initiator = from.initiator();
  sa.soft = from.soft();
  sa.extended_sequence = from.extended_sequence();
  if (from.has_ah()) {
    AroundEsp ah;
    ah.spi = from.ah().spi();
    IPSEC_ASSIGN_OR_RETURN(ah.integrity, from_proto(from.ah().integrity(), member(field, "ah.integrity")));
    sa.ah = std::move(ah);
  }
  if (from.has_udp()) {
    IPSEC_ASSIGN_OR_RETURN(sa.udp_local_port,
                           rpc::port_from_proto(from.udp().local_port(), member(field, "udp.local_port")));
    IPSEC_ASSIGN_OR_RETURN(sa.udp_peer_port,
                           rpc::port_from_proto(from.udp().peer_port(), member(field, "udp.peer_port")));
  }
  return sa;
}

const char* nat_word(const NatFound& nat) {
  if (nat.local_behind) return nat.peer_behind ? "both" : "local";
  return nat.peer_behind ? "peer" : "";
}

template <typename ProtoEnum, typename Enum>
ProtoEnum enum_to_proto(Enum value) {
  return static_cast<ProtoEnum>(static_cast<int>(value));
}

std::string octets(const SecretBytes& secret) { return std::string(secret.reveal_text()); }

proto::Sa sa_to_proto(const SaParameters& sa) {
  proto::Sa message;
  message.set_spi(sa.spi);
  message.set_direction(enum_to_proto<proto::Direction>(sa.direction));
  message.set_protocol(enum_to_proto<proto::SecurityProtocol>(sa.protocol));
  message.set_encapsulation(enum_to_proto<proto::Encapsulation>(sa.encapsulation));
  *message.mutable_source() = to_proto(sa.source);
  *message.mutable_destination() = to_proto(sa.destination);
  *message.mutable_selector() = to_proto(sa.selector);
  message.set_filter_id(sa.filter_id);
  message.set_cipher(to_proto(sa.cipher));
  message.set_integrity(to_proto(sa.integrity));
  message.set_encryption_key(octets(sa.encryption_key));
  message.set_integrity_key(octets(sa.integrity_key));
  message.set_replay_window(sa.replay_window);
  message.set_lifetime_seconds(sa.lifetime_seconds);
  message.set_lifetime_kilobytes(sa.lifetime_kilobytes);
  message.set_pair_spi(sa.pair_spi);
  message.set_replaces_spi(sa.replaces_spi);
  message.set_main_mode_id(sa.main_mode_id);
  message.set_pfs_group(to_proto(sa.pfs_group));
  message.set_rule_name(sa.rule_name);
  message.set_quick_mode_policy(sa.quick_mode_policy);
  message.set_initiator(sa.initiator);
  message.set_soft(sa.soft);
  message.set_extended_sequence(sa.extended_sequence);
  if (sa.ah) {
    proto::AroundEsp& ah = *message.mutable_ah();
    ah.set_spi(sa.ah->spi);
    ah.set_integrity(to_proto(sa.ah->integrity));
    ah.set_key(octets(sa.ah->key));
  }
  if (sa.udp_local_port != 0) {
    proto::UdpEncapsulation& udp = *message.mutable_udp();
    udp.set_local_port(sa.udp_local_port);
    udp.set_peer_port(sa.udp_peer_port);
    const bool inbound = sa.direction == Direction::kInbound;
    if (inbound && sa.original_peer) *udp.mutable_original_source() = to_proto(*sa.original_peer);
    if (inbound && sa.original_local) *udp.mutable_original_destination() = to_proto(*sa.original_local);
  }
  return message;
}

}  // namespace

Result<IkePolicy> from_proto(const proto::IkePolicy& message) {
  IkePolicy policy;
  policy.version = message.version();
  policy.policy_name = message.policy_name();
  IPSEC_ASSIGN_OR_RETURN(policy.main_mode_policies,
                         convert_all<MainModePolicy>(message.main_mode_policies(), "policy.main_mode_policies",
                                                     main_mode_policy_from_proto));
  IPSEC_ASSIGN_OR_RETURN(policy.quick_mode_policies,
                         convert_all<QuickModePolicy>(message.quick_mode_policies(), "policy.quick_mode_policies",
                                                      quick_mode_policy_from_proto));
  IPSEC_ASSIGN_OR_RETURN(policy.default_response,
                         default_response_from_proto(message.default_response(), "policy.default_response"));
  policy.profile = message.profile();
  policy.log_levels = LogLevels::all(message.logging() ? kLogSteps : 0);
  for (const proto::IkeLogLevel& one : message.log_levels()) {
    const auto category = log_category_by_name(one.category());
    if (!category || one.level() > kLogEverything)
      return invalid(fmt::format("policy.log_levels: {}:{} is no category with a level of 0 to {}", one.category(),
                                 one.level(), kLogEverything));
    policy.log_levels.set(*category, static_cast<LogLevel>(one.level()));
  }
  if (message.strong_crl_check() > 2) {
    return invalid(fmt::format("policy.strong_crl_check: 0 to 2, found {}", message.strong_crl_check()));
  }
  if (message.has_strong_crl_check()) policy.strong_crl_check = message.strong_crl_check();
  return policy;
}

Result<Filter> from_proto(const proto::Filter& message, const std::string& field) {
  return filter_from_proto(message, field);
}
Result<MainModeFilter> from_proto(const proto::MainModeFilter& message, const std::string& field) {
  return main_mode_filter_from_proto(message, field);
}

Result<Event> from_proto(const proto::DriverRequest& message) {
  switch (message.request_case()) {
    case proto::DriverRequest::kAcquire:
      return acquire_from_proto(message.acquire());
    case proto::DriverRequest::kRekey:
      return rekey_from_proto(message.rekey());
    case proto::DriverRequest::kEnded:
      return ended_from_proto(message.ended());
    case proto::DriverRequest::kMoved:
      return moved_from_proto(message.moved());
    case proto::DriverRequest::REQUEST_NOT_SET:
      break;
  }
  return invalid("request: one of acquire, rekey and ended is needed");
}

Result<DriverSasFound> from_proto(const proto::ListSasReply& message) {
  DriverSasFound found;
  IPSEC_ASSIGN_OR_RETURN(found.sas, convert_all<SaParameters>(message.sas(), "sas", sa_from_proto));
  // Those that an administrator has keyed are not IKE's to renew or to end.
  for (int i = message.sas_size(); i-- > 0;) {
    if (message.sas(i).sa().manual()) found.sas.erase(found.sas.begin() + i);
  }
  return found;
}

Result<DeleteRequested> from_proto(const proto::DeleteMainModeSasRequest& message) {
  DeleteRequested request;
  IPSEC_ASSIGN_OR_RETURN(request.peer, optional_address_from_proto(message.has_peer(), message.peer(), "peer"));
  request.quick_mode_too = message.quick_mode_too();
  return request;
}

Result<FilterDeclined> from_proto(const proto::DeclineIkeRequestRequest& message) {
  const std::string field = "default_response";
  const proto::DefaultResponseRequest& asked = message.default_response();
  FilterDeclined declined;
  IPSEC_ASSIGN_OR_RETURN(declined.local, from_proto(asked.local(), member(field, "local")));
  IPSEC_ASSIGN_OR_RETURN(declined.peer, from_proto(asked.peer(), member(field, "peer")));
  IPSEC_ASSIGN_OR_RETURN(declined.outbound, from_proto(asked.outbound(), member(field, "outbound")));
  declined.text = message.reason();
  return declined;
}

proto::IkeRequest to_proto(const AskForFilter& action) {
  proto::IkeRequest message;
  proto::DefaultResponseRequest& asked = *message.mutable_default_response();
  *asked.mutable_local() = to_proto(action.local);
  *asked.mutable_peer() = to_proto(action.peer);
  *asked.mutable_outbound() = to_proto(action.outbound);
  return message;
}

proto::ReserveSpiRequest to_proto(const ReserveSpi& action) {
  proto::ReserveSpiRequest message;
  message.set_protocol(enum_to_proto<proto::SecurityProtocol>(action.protocol));
  *message.mutable_local() = to_proto(action.local);
  *message.mutable_peer() = to_proto(action.peer);
  return message;
}

proto::InstallSaRequest to_proto(const InstallSa& action) {
  proto::InstallSaRequest message;
  *message.mutable_sa() = sa_to_proto(action.sa);
  return message;
}

proto::DeleteSaRequest to_proto(const DeleteSa& action) {
  proto::DeleteSaRequest message;
  message.set_spi(action.spi);
  message.set_direction(enum_to_proto<proto::Direction>(action.direction));
  message.set_protocol(enum_to_proto<proto::SecurityProtocol>(action.protocol));
  *message.mutable_peer() = to_proto(action.peer);
  return message;
}

proto::MovePeerRequest to_proto(const MovePeer& action) {
  proto::MovePeerRequest message;
  message.set_spi(action.spi);
  message.set_port(action.port);
  return message;
}

proto::AcquireFailedRequest to_proto(const AcquireFailed& action) {
  proto::AcquireFailedRequest message;
  message.set_acquire_id(action.acquire_id);
  message.set_reason(std::string(name(action.reason)));
  return message;
}

proto::MainModeSa to_proto(const MainModeSaStatus& status) {
  proto::MainModeSa message;
  message.set_initiator_cookie(status.initiator_cookie);
  message.set_responder_cookie(status.responder_cookie);
  *message.mutable_local() = to_proto(status.local);
  *message.mutable_peer() = to_proto(status.peer);
  message.set_initiator(status.initiator);
  message.mutable_offer()->set_cipher(to_proto(status.offer.cipher));
  message.mutable_offer()->set_integrity(to_proto(status.offer.hash));
  message.mutable_offer()->set_dh_group(to_proto(status.offer.group));
  message.set_authentication(status.authentication);
  message.set_local_identity(status.local_identity);
  message.set_peer_identity(status.peer_identity);
  message.set_lifetime_seconds(status.lifetime_seconds);
  message.set_age_seconds(status.age_seconds);
  message.set_quick_modes(status.quick_modes);
  message.set_quick_mode_limit(status.quick_mode_limit);
  message.set_state(status.state);
  message.set_rule_name(status.rule_name);
  message.set_nat(nat_word(status.nat));
  return message;
}

proto::IkeStatistics to_proto(const Statistics& statistics, std::uint64_t policy_version, bool driver_connected) {
  proto::IkeStatistics message;
  for (const NamedCounter& counter : named_counters(statistics)) {
    proto::Counter& entry = *message.add_counters();
    entry.set_name(std::string(counter.name));
    entry.set_text(std::string(counter.text));
    entry.set_value(counter.value);
  }
  message.set_policy_version(policy_version);
  message.set_driver_connected(driver_connected);
  return message;
}

proto::Event to_proto(const ReportEvent& action, std::uint64_t sequence, std::int64_t wall_clock_ms) {
  proto::Event message;
  message.set_sequence(sequence);
  message.set_wall_clock_ms(wall_clock_ms);
  message.set_source("ike");
  message.set_name(action.name);
  message.set_severity(enum_to_proto<proto::Event::Severity>(action.severity));
  message.set_text(action.text);
  for (const auto& [key, value] : action.fields) (*message.mutable_fields())[key] = value;
  return message;
}

}  // namespace ipsec::ike

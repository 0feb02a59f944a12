#include "services/driver/shell/convert.h"

#include <chrono>
#include <string>

#include "services/common/rpc/convert.h"
#include "services/driver/core/diagnostics.h"
#include "services/driver/core/ip.h"
#include "services/driver/shell/limits.h"

namespace ipsec::driver {

// Here, so that they are overloads of the functions below.
using rpc::from_proto;
using rpc::to_proto;

namespace {

Result<Action> action_from_proto(proto::Action value, std::string_view field) {
  switch (value) {
    case proto::ACTION_PERMIT:
      return Action::kPermit;
    case proto::ACTION_BLOCK:
      return Action::kBlock;
    case proto::ACTION_NEGOTIATE:
      return Action::kNegotiate;
    default:
      return invalid(
          fmt::format("{}: {} is no action; permit (1), block (2) and negotiate (3) are", field, int{value}));
  }
}

Result<Encapsulation> encapsulation_from_proto(proto::Encapsulation value, std::string_view field) {
  switch (value) {
    case proto::ENCAPSULATION_TUNNEL:
      return Encapsulation::kTunnel;
    case proto::ENCAPSULATION_TRANSPORT:
      return Encapsulation::kTransport;
    default:
      return invalid(fmt::format("{}: {} is no encapsulation; tunnel (1) and transport (2) are", field, int{value}));
  }
}

// Policies without one are taken as of the default profile.
Result<Profile> profile_from_proto(const std::string& name, std::string_view field) {
  if (name.empty() || name == "modern") return Profile::kModern;
  if (name == "windows2003") return Profile::kWindows2003;
  return invalid(fmt::format("{}: '{}' is no profile; modern and windows2003 are", field, name));
}

Result<std::optional<IpAddress>> optional_address(bool present, const proto::Address& message,
                                                  const std::string& field) {
  if (!present) return std::optional<IpAddress>();
  IPSEC_ASSIGN_OR_RETURN(const IpAddress address, from_proto(message, field));
  return std::optional<IpAddress>(address);
}

SecretBytes secret(const std::string& octets) { return SecretBytes(as_bytes(octets)); }

Result<Exemptions> exemptions_from_proto(const proto::DriverPolicy& message) {
  if (!message.has_exemptions()) return Exemptions::kIsakmpOnly;
  if (message.exemptions() <= static_cast<std::uint32_t>(Exemptions::kIsakmpOnly)) {
    return static_cast<Exemptions>(message.exemptions());
  }
  return invalid(fmt::format("policy.exemptions: 0 to 3, found {}", message.exemptions()));
}

Result<DiagnosticsSettings> diagnostics_from_proto(const proto::DriverPolicy& message) {
  DiagnosticsSettings settings;
  if (message.diagnostics() > kAllDropClasses) {
    return invalid(fmt::format("policy.diagnostics: 0 to {}, found {}", kAllDropClasses, message.diagnostics()));
  }
  settings.classes = message.diagnostics();
  if (message.log_interval_seconds() == 0) return settings;
  settings.interval = std::chrono::seconds(message.log_interval_seconds());
  if (settings.interval >= limits::kShortestLogInterval && settings.interval <= limits::kLongestLogInterval) {
    return settings;
  }
  return invalid(
      fmt::format("policy.log_interval_seconds: 60 to 86400, or 0, found {}", message.log_interval_seconds()));
}

// policy.proto numbers the modes as the core does.
static_assert(static_cast<int>(BootMode::kPermit) == proto::BOOT_MODE_PERMIT);

Result<BootExemption> boot_exemption_from_proto(const proto::BootExemption& message, const std::string& field) {
  BootExemption exemption;
  IPSEC_ASSIGN_OR_RETURN(exemption.direction, from_proto(message.direction(), field + ".direction"));
  IPSEC_ASSIGN_OR_RETURN(exemption.protocol, rpc::octet_from_proto(message.protocol(), field + ".protocol"));
  if (exemption.protocol == kProtocolAny) return invalid(field + ".protocol: 1 to 255, found 0");
  IPSEC_ASSIGN_OR_RETURN(exemption.source_port, rpc::port_from_proto(message.source_port(), field + ".source_port"));
  IPSEC_ASSIGN_OR_RETURN(exemption.destination_port,
                         rpc::port_from_proto(message.destination_port(), field + ".destination_port"));
  if ((exemption.source_port != 0 || exemption.destination_port != 0) && !protocol_has_ports(exemption.protocol)) {
    return invalid(fmt::format("{}: ports are for protocols 6 and 17, found {}", field, exemption.protocol));
  }
  return exemption;
}

Result<BootSettings> boot_from_proto(const proto::DriverPolicy& message) {
  BootSettings boot;
  const int mode = message.boot_mode();
  if (mode < 0 || mode > proto::BOOT_MODE_PERMIT) {
    return invalid(fmt::format("policy.boot_mode: stateful (1), block (2) and permit (3) are, found {}", mode));
  }
  boot.mode = static_cast<BootMode>(mode);
  if (message.boot_exemptions_size() > static_cast<int>(limits::kMaxBootExemptions)) {
    return invalid(fmt::format("policy.boot_exemptions: {}, at most {}", message.boot_exemptions_size(),
                               limits::kMaxBootExemptions));
  }
  for (int i = 0; i < message.boot_exemptions_size(); ++i) {
    IPSEC_ASSIGN_OR_RETURN(
        const BootExemption exemption,
        boot_exemption_from_proto(message.boot_exemptions(i), fmt::format("policy.boot_exemptions[{}]", i)));
    boot.exemptions.push_back(exemption);
  }
  return boot;
}

Result<AroundEsp> around_from_proto(const proto::AroundEsp& message) {
  AroundEsp around;
  around.spi = message.spi();
  IPSEC_ASSIGN_OR_RETURN(around.integrity, from_proto(message.integrity(), "sa.ah.integrity"));
  around.key = secret(message.key());
  return around;
}

Result<UdpEncapsulation> udp_from_proto(const proto::UdpEncapsulation& message) {
  UdpEncapsulation udp;
  IPSEC_ASSIGN_OR_RETURN(udp.local_port, rpc::port_from_proto(message.local_port(), "sa.udp.local_port"));
  IPSEC_ASSIGN_OR_RETURN(udp.peer_port, rpc::port_from_proto(message.peer_port(), "sa.udp.peer_port"));
  if (udp.local_port != kNatTraversalPort && udp.local_port != kIsakmpPort) {
    return invalid(fmt::format("sa.udp.local_port: 4500 or 500, found {}", udp.local_port));
  }
  IPSEC_ASSIGN_OR_RETURN(udp.original_source, optional_address(message.has_original_source(), message.original_source(),
                                                               "sa.udp.original_source"));
  IPSEC_ASSIGN_OR_RETURN(udp.original_destination,
                         optional_address(message.has_original_destination(), message.original_destination(),
                                          "sa.udp.original_destination"));
  return udp;
}

proto::UdpEncapsulation udp_to_proto(const UdpEncapsulation& udp) {
  proto::UdpEncapsulation message;
  message.set_local_port(udp.local_port);
  message.set_peer_port(udp.peer_port);
  if (udp.original_source) *message.mutable_original_source() = to_proto(*udp.original_source);
  if (udp.original_destination) *message.mutable_original_destination() = to_proto(*udp.original_destination);
  return message;
}

// common.proto numbers these enumerations as the core does, plus one.
proto::Direction direction_to_proto(Direction direction) {
  return direction == Direction::kOutbound ? proto::DIRECTION_OUTBOUND : proto::DIRECTION_INBOUND;
}
proto::SecurityProtocol protocol_to_proto(SecurityProtocol protocol) {
  return protocol == SecurityProtocol::kAh ? proto::SECURITY_PROTOCOL_AH : proto::SECURITY_PROTOCOL_ESP;
}
static_assert(static_cast<int>(RekeyReason::kSequence) + 1 == proto::REKEY_REASON_SEQUENCE);
static_assert(static_cast<int>(SaEndReason::kPolicy) + 1 == proto::SA_END_REASON_POLICY);

std::uint32_t whole_seconds(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

proto::Event::Severity severity_to_proto(Severity severity) {
  switch (severity) {
    case Severity::kInformation:
      return proto::Event::SEVERITY_INFORMATION;
    case Severity::kWarning:
      return proto::Event::SEVERITY_WARNING;
    case Severity::kError:
      return proto::Event::SEVERITY_ERROR;
  }
  return proto::Event::SEVERITY_UNSPECIFIED;
}

// Without the keys.
proto::Sa sa_to_proto(const SaParameters& sa) {
  proto::Sa message;
  message.set_spi(sa.spi);
  message.set_direction(direction_to_proto(sa.direction));
  message.set_protocol(protocol_to_proto(sa.protocol));
  message.set_encapsulation(sa.encapsulation == Encapsulation::kTunnel ? proto::ENCAPSULATION_TUNNEL
                                                                       : proto::ENCAPSULATION_TRANSPORT);
  *message.mutable_source() = to_proto(sa.source);
  *message.mutable_destination() = to_proto(sa.destination);
  *message.mutable_selector() = to_proto(sa.selector);
  message.set_filter_id(sa.filter_id);
  message.set_cipher(to_proto(sa.cipher));
  message.set_integrity(to_proto(sa.integrity));
  message.set_replay_window(sa.replay_window);
  message.set_lifetime_seconds(sa.lifetime_seconds);
  message.set_lifetime_kilobytes(sa.lifetime_kilobytes);
  message.set_pair_spi(sa.pair_spi);
  message.set_replaces_spi(sa.replaces_spi);
  message.set_main_mode_id(sa.main_mode_id);
  message.set_pfs_group(sa.pfs_group);
  message.set_rule_name(sa.rule_name);
  message.set_quick_mode_policy(sa.quick_mode_policy);
  message.set_initiator(sa.initiator);
  message.set_extended_sequence(sa.extended_sequence);
  if (sa.ah) {
    message.mutable_ah()->set_spi(sa.ah->spi);
    message.mutable_ah()->set_integrity(to_proto(sa.ah->integrity));
  }
  if (sa.udp) *message.mutable_udp() = udp_to_proto(*sa.udp);
  message.set_soft(sa.soft);
  message.set_manual(sa.manual);
  return message;
}

proto::PathMtuSource path_mtu_source_to_proto(PathMtuSource source) {
  switch (source) {
    case PathMtuSource::kLink:
      return proto::PATH_MTU_SOURCE_LINK;
    case PathMtuSource::kRouter:
      return proto::PATH_MTU_SOURCE_ROUTER;
    case PathMtuSource::kProbe:
      return proto::PATH_MTU_SOURCE_PROBE;
  }
  return proto::PATH_MTU_SOURCE_UNSPECIFIED;
}

}  // namespace

Result<Direction> from_proto(proto::Direction value, std::string_view field) {
  switch (value) {
    case proto::DIRECTION_OUTBOUND:
      return Direction::kOutbound;
    case proto::DIRECTION_INBOUND:
      return Direction::kInbound;
    default:
      return invalid(fmt::format("{}: {} is no direction; outbound (1) and inbound (2) are", field, int{value}));
  }
}

Result<SecurityProtocol> from_proto(proto::SecurityProtocol value, std::string_view field) {
  switch (value) {
    case proto::SECURITY_PROTOCOL_AH:
      return SecurityProtocol::kAh;
    case proto::SECURITY_PROTOCOL_ESP:
      return SecurityProtocol::kEsp;
    default:
      return invalid(fmt::format("{}: {} is no security protocol; AH (2) and ESP (3) are", field, int{value}));
  }
}

Result<Filter> from_proto(const proto::Filter& message, const std::string& field) {
  Filter filter;
  filter.id = message.id();
  filter.mirror_id = message.mirror_id();
  filter.index = message.index();
  filter.weight = message.weight();
  IPSEC_ASSIGN_OR_RETURN(filter.direction, from_proto(message.direction(), field + ".direction"));
  IPSEC_ASSIGN_OR_RETURN(filter.selector, from_proto(message.selector(), field + ".selector"));
  IPSEC_ASSIGN_OR_RETURN(filter.action, action_from_proto(message.action(), field + ".action"));
  IPSEC_ASSIGN_OR_RETURN(filter.tunnel_source, optional_address(message.has_tunnel_source(), message.tunnel_source(),
                                                                field + ".tunnel_source"));
  IPSEC_ASSIGN_OR_RETURN(
      filter.tunnel_destination,
      optional_address(message.has_tunnel_destination(), message.tunnel_destination(), field + ".tunnel_destination"));
  filter.inbound_passthrough = message.inbound_passthrough();
  filter.allow_soft = message.allow_soft();
  filter.protection_id = message.protection_id();
  filter.rule_name = message.rule_name();
  return filter;
}

Result<Policy> from_proto(const proto::DriverPolicy& message) {
  Policy policy;
  policy.version = message.version();
  policy.name = message.policy_name();
  policy.active = message.active();
  IPSEC_ASSIGN_OR_RETURN(policy.profile, profile_from_proto(message.profile(), "policy.profile"));
  IPSEC_ASSIGN_OR_RETURN(policy.exemptions, exemptions_from_proto(message));
  IPSEC_ASSIGN_OR_RETURN(policy.boot, boot_from_proto(message));
  IPSEC_ASSIGN_OR_RETURN(policy.diagnostics, diagnostics_from_proto(message));
  for (int i = 0; i < message.local_addresses_size(); ++i) {
    IPSEC_ASSIGN_OR_RETURN(const IpAddress address,
                           from_proto(message.local_addresses(i), fmt::format("policy.local_addresses[{}]", i)));
    policy.local_addresses.push_back(address);
  }
  policy.addresses_are_complete = message.addresses_are_complete();
  return policy;
}

Result<SaParameters> from_proto(const proto::Sa& message) {
  SaParameters sa;
  sa.spi = message.spi();
  IPSEC_ASSIGN_OR_RETURN(sa.direction, from_proto(message.direction(), "sa.direction"));
  IPSEC_ASSIGN_OR_RETURN(sa.protocol, from_proto(message.protocol(), "sa.protocol"));
  IPSEC_ASSIGN_OR_RETURN(sa.encapsulation, encapsulation_from_proto(message.encapsulation(), "sa.encapsulation"));
  IPSEC_ASSIGN_OR_RETURN(sa.source, from_proto(message.source(), "sa.source"));
  IPSEC_ASSIGN_OR_RETURN(sa.destination, from_proto(message.destination(), "sa.destination"));
  IPSEC_ASSIGN_OR_RETURN(sa.selector, from_proto(message.selector(), "sa.selector"));
  sa.filter_id = message.filter_id();
  sa.soft = message.soft();
  // AH has no cipher, a soft SA neither.
  if (!sa.soft && sa.protocol == SecurityProtocol::kEsp) {
    IPSEC_ASSIGN_OR_RETURN(sa.cipher, from_proto(message.cipher(), "sa.cipher"));
  }
  if (!sa.soft) {
    IPSEC_ASSIGN_OR_RETURN(sa.integrity, from_proto(message.integrity(), "sa.integrity"));
  }
  sa.encryption_key = secret(message.encryption_key());
  sa.integrity_key = secret(message.integrity_key());
  sa.replay_window = message.replay_window();
  sa.lifetime_seconds = message.lifetime_seconds();
  sa.lifetime_kilobytes = message.lifetime_kilobytes();
  sa.pair_spi = message.pair_spi();
  sa.replaces_spi = message.replaces_spi();
  sa.main_mode_id = message.main_mode_id();
  sa.pfs_group = message.pfs_group();
  sa.rule_name = message.rule_name();
  sa.quick_mode_policy = message.quick_mode_policy();
  sa.initiator = message.initiator();
  sa.extended_sequence = message.extended_sequence();
  sa.manual = message.manual();
  sa.last_sequence = message.last_sequence();
  if (message.has_ah()) {
    IPSEC_ASSIGN_OR_RETURN(sa.ah, around_from_proto(message.ah()));
  }
  if (message.has_udp()) {
    IPSEC_ASSIGN_OR_RETURN(sa.udp, udp_from_proto(message.udp()));
  }
  return sa;
}

proto::DriverRequest to_proto(const Acquire& acquire) {
  proto::DriverRequest message;
  proto::Acquire& part = *message.mutable_acquire();
  part.set_acquire_id(acquire.acquire_id);
  part.set_filter_id(acquire.filter_id);
  *part.mutable_packet() = to_proto(acquire.packet);
  *part.mutable_local() = to_proto(acquire.local);
  *part.mutable_peer() = to_proto(acquire.peer);
  return message;
}

proto::DriverRequest to_proto(const RekeyNeeded& rekey) {
  proto::DriverRequest message;
  proto::RekeyNeeded& part = *message.mutable_rekey();
  part.set_spi(rekey.spi);
  *part.mutable_peer() = to_proto(rekey.peer);
  part.set_filter_id(rekey.filter_id);
  part.set_reason(static_cast<proto::RekeyReason>(static_cast<int>(rekey.reason) + 1));
  return message;
}

proto::DriverRequest to_proto(const SaEnded& ended) {
  proto::DriverRequest message;
  proto::SaEnded& part = *message.mutable_ended();
  part.set_spi(ended.spi);
  part.set_direction(direction_to_proto(ended.direction));
  part.set_protocol(protocol_to_proto(ended.protocol));
  *part.mutable_peer() = to_proto(ended.peer);
  part.set_reason(static_cast<proto::SaEndReason>(static_cast<int>(ended.reason) + 1));
  return message;
}

proto::DriverRequest to_proto(const PeerMoved& moved) {
  proto::DriverRequest message;
  proto::PeerMoved& part = *message.mutable_moved();
  part.set_spi(moved.spi);
  *part.mutable_peer() = to_proto(moved.peer);
  part.set_old_port(moved.old_port);
  part.set_new_port(moved.new_port);
  return message;
}

proto::PacketTrace to_proto(const TracedPacket& traced) {
  const PacketTrace& trace = traced.trace;
  proto::PacketTrace message;
  message.set_direction(direction_to_proto(trace.direction));
  *message.mutable_packet() = to_proto(trace.packet);
  message.set_size(static_cast<std::uint32_t>(trace.size));
  for (const PacketTrace::Entry& entry : trace.steps) {
    proto::TraceStep& step = *message.add_steps();
    const StepInfo& facts = info(entry.step);
    step.set_step(std::string(facts.row));
    step.set_text(entry.found.empty() ? std::string(facts.text) : fmt::format("{}: {}", facts.text, entry.found));
  }
  if (trace.verdict) {
    const VerdictInfo& verdict = info(*trace.verdict);
    message.set_verdict(std::string(verdict.name));
    message.set_kind(std::string(to_string(verdict.kind)));
    message.set_reason(std::string(verdict.text));
  } else {
    message.set_verdict("waits");
    message.set_reason("waits for an SA or for its other fragments");
  }
  message.set_filter_id(trace.filter_id);
  message.set_rule_name(traced.rule_name);
  message.set_spi(trace.spi);
  message.set_wall_clock_ms(traced.wall_clock_ms);
  return message;
}

proto::Event to_proto(const Event& event) {
  proto::Event message;
  message.set_sequence(event.sequence);
  message.set_wall_clock_ms(event.wall_clock_ms);
  message.set_source("driver");
  message.set_name(event.name);
  message.set_severity(severity_to_proto(event.severity));
  message.set_text(event.text);
  for (const auto& [key, value] : event.fields) (*message.mutable_fields())[key] = value;
  return message;
}

proto::SaStatus to_proto(const SaStatus& status) {
  proto::SaStatus message;
  *message.mutable_sa() = sa_to_proto(status.sa);
  message.set_packets(status.packets);
  message.set_bytes(status.bytes);
  message.set_age_seconds(whole_seconds(status.age));
  message.set_idle_seconds(whole_seconds(status.idle));
  message.set_soft_expired(status.soft_expired);
  message.set_dying(status.dying);
  message.set_last_sequence(status.last_sequence);
  message.set_ended(status.ended);
  message.set_engine(std::string(status.engine));
  message.set_offload(std::string(to_string(status.offload)));
  message.set_offloaded_packets(status.offloaded_packets);
  if (status.path_mtu == 0) return message;
  message.set_path_mtu(status.path_mtu);
  message.set_path_mtu_source(path_mtu_source_to_proto(status.path_mtu_source));
  message.set_inner_mtu(status.inner_mtu);
  return message;
}

proto::Counter to_proto(const NamedCounter& counter) {
  proto::Counter message;
  message.set_name(std::string(counter.name));
  message.set_text(std::string(counter.text));
  message.set_value(counter.value);
  message.set_kind(std::string(counter.kind));
  return message;
}

proto::Filter to_proto(const Filter& filter) {
  proto::Filter message;
  message.set_id(filter.id);
  message.set_mirror_id(filter.mirror_id);
  message.set_direction(filter.direction == Direction::kInbound ? proto::DIRECTION_INBOUND : proto::DIRECTION_OUTBOUND);
  *message.mutable_selector() = to_proto(filter.selector);
  message.set_action(filter.action == Action::kPermit  ? proto::ACTION_PERMIT
                     : filter.action == Action::kBlock ? proto::ACTION_BLOCK
                                                       : proto::ACTION_NEGOTIATE);
  message.set_dynamic(true);
  message.set_rule_name(filter.rule_name);
  return message;
}

proto::FilterStatistics to_proto(const FilterStatistics& statistics) {
  proto::FilterStatistics message;
  message.set_filter_id(statistics.filter_id);
  message.set_packets(statistics.packets);
  message.set_bytes(statistics.bytes);
  return message;
}

std::string_view to_string(Profile profile) { return profile == Profile::kModern ? "modern" : "windows2003"; }

}  // namespace ipsec::driver

#include <map>

#include "cli/arguments.h"
#include "cli/commands/running.h"
#include "cli/show_json.h"
#include "cli/text.h"
#include "cli/words.h"

// `trace` and `explain`: the steps of packets through the driver.
namespace ipsec::cli {

namespace {

constexpr std::uint32_t kUsualTraces = 10;
constexpr std::uint32_t kUsualSeconds = 10;

// One address of a packet; none for any. Names are resolved; `me` is the host's first address, of `family` if there is
// one.
Result<std::optional<IpAddress>> packet_address(const Command& command, std::string_view tag,
                                                std::optional<AddressFamily> family, Services& services) {
  const auto* value = command.get<AddressValue>(tag);
  if (value == nullptr) return std::optional<IpAddress>();
  if (const auto* range = std::get_if<AddressRange>(value); range != nullptr && range->first == range->last) {
    return std::optional(range->first);
  }
  if (const auto* name = std::get_if<HostName>(value)) {
    IPSEC_ASSIGN_OR_RETURN(const IpAddress address, services.resolver.address_of(name->text));
    return std::optional(address);
  }
  const auto* keyword = std::get_if<AddressKeyword>(value);
  if (keyword != nullptr && *keyword == AddressKeyword::kAny) return std::optional<IpAddress>();
  if (keyword != nullptr && *keyword == AddressKeyword::kMe) {
    IPSEC_ASSIGN_OR_RETURN(const proto::AgentStatus status, services.agent.status());
    for (const IpAddress& address : addresses_of(status.local_addresses())) {
      if (!family || address.family() == *family) return std::optional(address);
    }
    return invalid(fmt::format("'{}': this host has no such address", tag));
  }
  return invalid(fmt::format("'{}' is of one packet: expected one address, a name, me or any", tag));
}

std::string protocol_text(const proto::FiveTuple& packet) {
  const auto tuple = rpc::from_proto(packet, "packet");
  return tuple.ok() ? tuple->to_string() : std::string("a packet");
}

std::string steps_text(const proto::PacketTrace& trace) {
  std::string text;
  for (const proto::TraceStep& step : trace.steps()) {
    text += fmt::format("  {:<7} {}\n", step.step(), harmless(step.text()));
  }
  return text;
}

std::string format_trace(const proto::PacketTrace& trace) {
  const std::string_view direction = trace.direction() == proto::DIRECTION_INBOUND ? "inbound" : "outbound";
  std::string text =
      fmt::format("{} {}, {} octets\n{}", direction, protocol_text(trace.packet()), trace.size(), steps_text(trace));
  if (trace.filter_id() != 0) {
    text += fmt::format("  Filter  {:016x}", trace.filter_id());
    if (!trace.rule_name().empty()) text += fmt::format(" of rule '{}'", harmless(trace.rule_name()));
    if (!trace.filter_list_name().empty())
      text += fmt::format(", filter list '{}'", harmless(trace.filter_list_name()));
    if (!trace.filter_action_name().empty()) {
      text += fmt::format(", filter action '{}'", harmless(trace.filter_action_name()));
    }
    text += "\n";
  }
  if (trace.spi() != 0) text += fmt::format("  SA      {:#010x}\n", trace.spi());
  text += fmt::format("  Verdict {}{}: {}\n", trace.kind().empty() ? "" : trace.kind() + ", ", trace.verdict(),
                      trace.reason());
  if (trace.dropped() != 0) text += fmt::format("  ({} packets were traced but not read in time)\n", trace.dropped());
  return text;
}

// The driver knows filters by id and rule; the other names are the agent's.
void add_names(Services& services, std::vector<proto::PacketTrace>& traces) {
  const auto compiled = services.agent.compiled_policy();
  if (!compiled.ok()) return;
  std::map<std::uint64_t, const proto::Filter*> filters;
  for (const proto::Filter& filter : compiled->driver().filters()) filters.emplace(filter.id(), &filter);
  for (proto::PacketTrace& trace : traces) {
    const auto found = filters.find(trace.filter_id());
    if (found == filters.end()) continue;
    trace.set_filter_list_name(found->second->filter_list_name());
    trace.set_filter_action_name(found->second->filter_action_name());
  }
}

Outcome traces_outcome(const Command& command, Services& services, std::vector<proto::PacketTrace> traces) {
  add_names(services, traces);
  std::string text;
  for (const proto::PacketTrace& trace : traces) {
    text += wants_json(command, services) ? show_json(command_name(command), trace) : format_trace(trace) + "\n";
  }
  return {text, false};
}

Outcome driver_call_failed(const Services& services, const Status& status) {
  return status.code() == ErrorCode::kUnavailable
             ? failure(kAgentRefused, fmt::format("the driver does not answer ({}): it runs with the Policy Agent, and "
                                                  "only root may ask it about packets",
                                                  status.message()))
             : call_failed(services.agent, status);
}

// Both addresses of one family, protocol and ports.
Result<proto::ExplainPacketRequest> explain_request(const Command& command, Services& services) {
  IPSEC_ASSIGN_OR_RETURN(const auto destination, packet_address(command, "dst", std::nullopt, services));
  if (!destination) return invalid("'dst': an explanation needs one destination address");
  IPSEC_ASSIGN_OR_RETURN(const auto source, packet_address(command, "src", destination->family(), services));
  if (!source) return invalid("'src': an explanation needs one source address, or me");
  if (source->family() != destination->family()) return invalid("'src' and 'dst' are of different address families");
  FiveTuple packet{*source, *destination, 0, 0, 0};
  packet.source_port = static_cast<std::uint16_t>(command.number("srcport", 0));
  packet.destination_port = static_cast<std::uint16_t>(command.number("dstport", 0));
  const bool has_ports = packet.source_port != 0 || packet.destination_port != 0;
  const std::uint8_t icmp = source->is_v4() ? kProtocolIcmp : kProtocolIcmpv6;
  packet.protocol = static_cast<std::uint8_t>(command.number("protocol", has_ports ? kProtocolTcp : icmp));
  if (packet.protocol == kProtocolAny) return invalid("'protocol': a packet has one, not ANY");
  if (has_ports && !protocol_has_ports(packet.protocol))
    return invalid("'dstport', 'srcport': only TCP and UDP have ports");
  proto::ExplainPacketRequest request;
  request.set_direction(command.text("direction") == "inbound" ? proto::DIRECTION_INBOUND : proto::DIRECTION_OUTBOUND);
  *request.mutable_packet() = rpc::to_proto(packet);
  return request;
}

}  // namespace

Outcome trace_packets(const Command& command, Services& services) {
  const auto source = packet_address(command, "src", std::nullopt, services);
  if (!source.ok()) return failure(kNameNotResolved, source.status().message());
  const auto destination = packet_address(command, "dst", std::nullopt, services);
  if (!destination.ok()) return failure(kNameNotResolved, destination.status().message());
  proto::TracePacketsRequest request;
  if (*source) *request.mutable_source() = rpc::to_proto(**source);
  if (*destination) *request.mutable_destination() = rpc::to_proto(**destination);
  request.set_count(command.number("count", kUsualTraces));
  const std::uint32_t seconds = command.number("seconds", kUsualSeconds);
  auto traces = services.agent.trace_packets(request, std::chrono::seconds(seconds));
  if (!traces.ok()) return driver_call_failed(services, traces.status());
  if (traces->empty() && !wants_json(command, services)) {
    return {fmt::format("No such packet came by in {} s.\n", seconds), false};
  }
  return traces_outcome(command, services, *std::move(traces));
}

Outcome explain_packet(const Command& command, Services& services) {
  const auto request = explain_request(command, services);
  if (!request.ok()) return failure(code_of(ParseErrorKind::kWrongValue), request.status().message());
  auto trace = services.agent.explain_packet(*request);
  if (!trace.ok()) return driver_call_failed(services, trace.status());
  return traces_outcome(command, services, {*std::move(trace)});
}

}  // namespace ipsec::cli

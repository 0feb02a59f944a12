#include <algorithm>

#include "cli/counter_labels.h"
#include "cli/format.h"
#include "cli/text.h"

// Security associations, statistics, status and events.
namespace ipsec::cli {

namespace {

// "Cookie of the side that began:cookie of the other".
std::string cookies_text(const proto::MainModeSa& sa) {
  return fmt::format("{:016x}:{:016x}", sa.initiator_cookie(), sa.responder_cookie());
}

std::string methods_text(const proto::MainModeSa& sa) {
  return fmt::format("{}/{}", main_mode_suite_text(sa.offer()), sa.lifetime_seconds());
}

std::string format_main_mode_sa(const proto::MainModeSa& sa, const ShowOptions& options) {
  const std::string limit = sa.quick_mode_limit() == 0 ? "no limit" : std::to_string(sa.quick_mode_limit());
  return field("Cookie Pair", cookies_text(sa)) + field("Sec Methods", methods_text(sa)) +
         field("Auth Mode", sa.authentication()) + field("Source", endpoint_text(sa.local(), options)) +
         field("ID", sa.local_identity()) + field("Destination", endpoint_text(sa.peer(), options)) +
         field("ID", sa.peer_identity()) + field("Behind NAT", sa.nat().empty() ? "none" : sa.nat()) +
         field("State", fmt::format("{}, as {}", sa.state(), sa.initiator() ? "initiator" : "responder")) +
         field("Age", fmt::format("{} of {}", duration(sa.age_seconds()), duration(sa.lifetime_seconds()))) +
         field("Quick Modes", fmt::format("{} ({})", sa.quick_modes(), limit)) + field("Rule Name", sa.rule_name());
}

std::string esp_integrity_text(const proto::Sa& sa) {
  const auto cipher = rpc::from_proto(sa.cipher(), "");
  return cipher.ok() && info(*cipher).is_aead() ? "(the cipher's)" : integrity_text(sa.integrity());
}

// The offer in use as the documented columns have it.
std::string offer_text(const proto::Sa& sa) {
  const bool is_ah = sa.protocol() == proto::SECURITY_PROTOCOL_AH;
  const proto::Integrity ah = is_ah ? sa.integrity() : sa.ah().integrity();
  Table table({"AH(b/r)", "ESP Con(b/r)", "Int", "PFS DH Group"});
  table.add({is_ah || sa.has_ah() ? integrity_text(ah) : "NONE", is_ah ? "NONE" : cipher_text(sa.cipher()),
             is_ah ? "NONE" : esp_integrity_text(sa),
             sa.pfs_group() == 0 ? "<Unassigned>" : group_text(sa.pfs_group())});
  return table.to_string(0);
}

// Whether ESP travels in UDP, and between which ports.
std::string encapsulation_fields(const proto::Sa& sa) {
  if (!sa.has_udp()) return field("Encapsulation Type", "None");
  const bool is_inbound = sa.direction() == proto::DIRECTION_INBOUND;
  const std::uint32_t source = is_inbound ? sa.udp().peer_port() : sa.udp().local_port();
  const std::uint32_t destination = is_inbound ? sa.udp().local_port() : sa.udp().peer_port();
  return field("Encapsulation Type", "UDP") + field("Source UDP Port", std::to_string(source)) +
         field("Dest UDP Port", std::to_string(destination));
}

std::string state_text(const proto::SaStatus& status) {
  if (status.ended()) return "USED UP (its packets are dropped)";
  if (status.sa().manual()) return status.soft_expired() ? "NEAR ITS END (nobody renews it)" : "mature";
  if (status.dying()) return "dying (replaced, receives until its end)";
  return status.soft_expired() ? "being renewed" : "mature";
}

// Which library does the cryptography, and how much of it somebody else.
std::string engine_text(const proto::SaStatus& status) {
  if (status.offload() == "requested") return status.engine() + ", offload asked for";
  if (status.offload() == "failed") return status.engine() + ", offload failed";
  if (status.offload() != "active") return status.engine();
  return fmt::format("offloaded ({} of {} packets), else {}", status.offloaded_packets(), status.packets(),
                     status.engine());
}

std::string life_text(const proto::SaStatus& status) {
  const proto::Sa& sa = status.sa();
  const std::string kilobytes =
      sa.lifetime_kilobytes() == 0 ? "no limit" : fmt::format("{} kB", sa.lifetime_kilobytes());
  return fmt::format("{} of {}, {} of {}", duration(status.age_seconds()),
                     sa.lifetime_seconds() == 0 ? "no limit" : duration(sa.lifetime_seconds()),
                     byte_count(status.bytes()), kilobytes);
}

// What fits, and how that is known. Only the sending side knows.
std::string size_fields(const proto::SaStatus& status) {
  if (status.path_mtu() == 0) return "";
  std::string_view known = "of the interface";
  if (status.path_mtu_source() == proto::PATH_MTU_SOURCE_ROUTER) known = "told by a router";
  if (status.path_mtu_source() == proto::PATH_MTU_SOURCE_PROBE) known = "found out, larger packets vanish";
  return field("Path MTU", fmt::format("{} ({})", status.path_mtu(), known)) +
         field("Effective MTU", std::to_string(status.inner_mtu()));
}

std::string format_quick_mode_sa(const proto::SaStatus& status, const ShowOptions& options) {
  const proto::Sa& sa = status.sa();
  const proto::Selector& selector = sa.selector();
  const bool is_tunnel = sa.encapsulation() == proto::ENCAPSULATION_TUNNEL;
  std::string text =
      field("Policy Name", sa.quick_mode_policy()) + field("Rule Name", sa.rule_name()) +
      field("Source Address", range_text(selector.source(), options)) +
      field("Destination Address", range_text(selector.destination(), options)) +
      field("Protocol", protocol_text(selector.protocol())) +
      field("Source Port", ports_text(selector.has_source_port() ? &selector.source_port() : nullptr)) +
      field("Destination Port", ports_text(selector.has_destination_port() ? &selector.destination_port() : nullptr)) +
      field("Direction", direction_text(sa.direction()));
  if (is_tunnel) {
    text += field("Tunnel Source", address_text(sa.source(), options)) +
            field("Tunnel Destination", address_text(sa.destination(), options));
  }
  const std::string pair = sa.manual() ? ", manual (nobody renews it)" : fmt::format(", pair {:#010x}", sa.pair_spi());
  return text + field("SPI", fmt::format("{:#010x}", sa.spi()) + pair) + field("State", state_text(status)) +
         field("Lifetime", life_text(status)) + field("Packets", std::to_string(status.packets())) +
         (status.engine().empty() ? std::string() : field("Engine", engine_text(status))) + size_fields(status) +
         encapsulation_fields(sa) + "\n" + (sa.soft() ? "Soft SA: packets pass in clear\n" : offer_text(sa));
}

std::string quick_mode_sa_table(const proto::ListSasReply& reply, const ShowOptions& options) {
  Table table({"Direction", "SPI", "Source", "Destination", "Protocol", "Method", "Packets", "Bytes", "Age"});
  for (const auto& status : reply.sas()) {
    const proto::Sa& sa = status.sa();
    table.add({direction_text(sa.direction()), fmt::format("{:#010x}", sa.spi()),
               range_text(sa.selector().source(), options), range_text(sa.selector().destination(), options),
               protocol_text(sa.selector().protocol()), sa_methods_text(sa), std::to_string(status.packets()),
               byte_count(status.bytes()), duration(status.age_seconds())});
  }
  return table.to_string(options.columns());
}

std::string format_sa(const proto::SaStatus& status, const ShowOptions& options) {
  const proto::Sa& sa = status.sa();
  const proto::Selector& selector = sa.selector();
  const bool is_tunnel = sa.encapsulation() == proto::ENCAPSULATION_TUNNEL;
  const std::string around = sa.has_ah() ? fmt::format(" in AH {:#010x}", sa.ah().spi()) : std::string();
  const std::string window = sa.direction() == proto::DIRECTION_OUTBOUND
                                 ? std::string("of the receiver")
                                 : fmt::format("{} packets", sa.replay_window() == 0 ? 64 : sa.replay_window());
  return field("SPI", fmt::format("{:#010x}", sa.spi()) + around) + field("Direction", direction_text(sa.direction())) +
         field("Mode", is_tunnel ? "tunnel" : "transport") + field("Method", sa_methods_text(sa)) +
         field("Keyed By", sa.manual() ? "the administrator: nobody renews it" : "IKE") +
         field("Source", address_text(sa.source(), options)) +
         field("Destination", address_text(sa.destination(), options)) +
         field("Traffic", fmt::format("{} -> {}", range_text(selector.source(), options),
                                      range_text(selector.destination(), options))) +
         field("Protocol", protocol_text(selector.protocol())) +
         field("Source Port", ports_text(selector.has_source_port() ? &selector.source_port() : nullptr)) +
         field("Destination Port",
               ports_text(selector.has_destination_port() ? &selector.destination_port() : nullptr)) +
         field("State", state_text(status)) + field("Lifetime", life_text(status)) +
         field("Packets", std::to_string(status.packets())) +
         field("Sequence Number",
               fmt::format("{} of {} bits", status.last_sequence(), sa.extended_sequence() ? 64 : 32)) +
         field("Replay Window", window);
}

std::string sa_table(const proto::ListSasReply& reply, const ShowOptions& options) {
  Table table({"SPI", "Direction", "Source", "Destination", "Method", "Keyed By", "Packets", "Sequence"});
  for (const auto& status : reply.sas()) {
    const proto::Sa& sa = status.sa();
    table.add({fmt::format("{:#010x}", sa.spi()), direction_text(sa.direction()), address_text(sa.source(), options),
               address_text(sa.destination(), options), sa_methods_text(sa), sa.manual() ? "manual" : "IKE",
               std::to_string(status.packets()), std::to_string(status.last_sequence())});
  }
  return table.to_string(options.columns());
}

template <typename Value>
std::string statistics_line(std::string_view name, const Value& value) {
  return fmt::format("{:<32}: {}\n", harmless(name), value);
}

template <typename Counters>
std::string counter_lines(const Counters& counters, std::string_view (*label)(const proto::Counter&)) {
  std::string text;
  for (const auto& counter : counters) text += statistics_line(label(counter), counter.value());
  return text;
}

std::string severity_text(proto::Event::Severity severity) {
  if (severity == proto::Event::SEVERITY_ERROR) return "ERROR";
  return severity == proto::Event::SEVERITY_WARNING ? "WARNING" : "INFO";
}

std::string service_text(const proto::ServiceStatus& service) {
  if (service.pid() == 0 && !service.connected()) return "not running";
  return fmt::format("process {}, {}, policy version {}, {} restart(s)", service.pid(),
                     service.connected() ? "connected" : "NOT CONNECTED", service.policy_version(), service.restarts());
}

}  // namespace

std::string sa_methods_text(const proto::Sa& sa) {
  if (sa.soft()) return "SOFT";
  if (sa.protocol() == proto::SECURITY_PROTOCOL_AH) return fmt::format("AH[{}]", integrity_text(sa.integrity()));
  const std::string esp = fmt::format("ESP[{}]", esp_text(sa.cipher(), sa.integrity()));
  return sa.has_ah() ? fmt::format("AH[{}]+{}", integrity_text(sa.ah().integrity()), esp) : esp;
}

std::string format_main_mode_sas(const proto::ListMainModeSasReply& reply, std::int64_t now,
                                 const ShowOptions& options) {
  if (reply.sas().empty()) return "IKE Main Mode SAs not available.\n";
  std::string text = fmt::format("IKE Main Mode SAs at {}\n\n", utc_time(now));
  if (options.table) {
    Table table({"Date/Time Created", "Peer", "Sec Methods", "Status"});
    for (const auto& sa : reply.sas()) {
      table.add(
          {utc_time(now - sa.age_seconds()), address_text(sa.peer().address(), options), methods_text(sa), sa.state()});
    }
    return text + table.to_string(options.columns());
  }
  for (const auto& sa : reply.sas()) text += format_main_mode_sa(sa, options) + "\n";
  return text;
}

std::string format_sas(const proto::ListSasReply& reply, const ShowOptions& options) {
  if (reply.sas().empty()) return "Security associations not available.\n";
  std::string text = "Security Associations\n---------------------\n\n";
  if (options.table) return text + sa_table(reply, options);
  for (const auto& status : reply.sas()) text += format_sa(status, options) + "\n";
  return text;
}

std::string format_quick_mode_sas(const proto::ListSasReply& reply, const ShowOptions& options) {
  if (reply.sas().empty()) return "Quick Mode SAs not available.\n";
  std::string text = "Quick Mode SAs\n--------------\n\n";
  if (options.table) return text + quick_mode_sa_table(reply, options);
  for (const auto& [mode, heading] : {std::pair(proto::ENCAPSULATION_TRANSPORT, "Transport Filter"),
                                      std::pair(proto::ENCAPSULATION_TUNNEL, "Tunnel Filter")}) {
    std::string part;
    for (const auto& status : reply.sas()) {
      if (status.sa().encapsulation() == mode) part += format_quick_mode_sa(status, options) + "\n";
    }
    if (!part.empty()) text += fmt::format("{}\n\n{}", heading, part);
  }
  return text;
}

std::string format_ike_statistics(const proto::Statistics& statistics) {
  if (!statistics.has_ike()) return "IKE statistics not available: the IKE service does not answer.\n";
  return "IKE Statistics\n--------------\n\n" + counter_lines(statistics.ike().counters(), ike_counter_label);
}

std::string format_driver_statistics(const proto::Statistics& statistics) {
  if (!statistics.has_driver()) return "IPsec statistics not available: the IPsec driver does not answer.\n";
  const proto::DriverStatistics& driver = statistics.driver();
  std::string text = "IPsec Statistics\n----------------\n\n" + counter_lines(driver.counters(), driver_counter_label);
  text += statistics_line("Held Packets", driver.held_packets()) +
          statistics_line("Last First Hold (us)", driver.last_hold_us()) +
          statistics_line("Longest First Hold (us)", driver.longest_hold_us());
  if (!driver.crypto_engine().empty())
    text += statistics_line("Cryptographic Engine", harmless(driver.crypto_engine()));
  for (int i = 0; i < std::min(driver.interfaces_size(), driver.interface_offload_size()); ++i) {
    const std::string& provider = driver.interface_offload(i);
    text += statistics_line(fmt::format("Offload of {}", driver.interfaces(i)),
                            provider.empty() ? "none" : harmless(provider));
  }
  text += "\nPackets by Verdict\n------------------\n\n";
  for (const auto& verdict : driver.verdicts()) {
    text += fmt::format("{:<32}: {:<12} {}\n", harmless(verdict.name()), verdict.value(), harmless(verdict.text()));
  }
  return text;
}

std::string boot_mode_text(proto::BootMode mode) {
  const std::string until = "until a policy is loaded";
  if (mode == proto::BOOT_MODE_PERMIT) return "permit: everything passes " + until;
  if (mode == proto::BOOT_MODE_BLOCK) return "block: nothing passes but bootexemptions " + until;
  return "stateful: what this host sends and its answers pass, and bootexemptions, " + until;
}

std::string format_status(const proto::AgentStatus& status) {
  std::string text =
      field("Policy Agent", status.state()) +
      field("Policy Name", status.policy_name().empty() ? "No Currently Assigned Policy" : status.policy_name()) +
      field("Policy Version", std::to_string(status.policy_version())) + field("Profile", status.profile()) +
      field("Polling Interval", fmt::format("{} minutes", status.polling_interval_minutes())) +
      field("Last Load", fmt::format("{}: {}", status.last_load_reason(), status.last_load_outcome())) +
      format_retrieval(status);
  if (status.profile() == "windows2003") text += field("IPv6", "NOT FILTERED (profile windows2003)");
  for (const auto& service : status.services()) {
    text += field(fmt::format("Service {}", service.name()), service_text(service));
  }
  text += field("Driver Attached", yes_no_text(status.driver_attached()));
  if (status.boot_mode() != proto::BOOT_MODE_UNSPECIFIED) {
    text += field("Boot Mode", boot_mode_text(status.boot_mode()));
  }
  std::string interfaces;
  for (const auto& name : status.interfaces()) interfaces += (interfaces.empty() ? "" : ", ") + name;
  std::string addresses;
  for (const auto& address : status.local_addresses()) {
    addresses += (addresses.empty() ? "" : ", ") + address_text(address, {});
  }
  return text + field("Interfaces", interfaces) + field("Local Addresses", addresses);
}

std::string format_events(const proto::ListEventsReply& reply) {
  if (reply.events().empty()) return "No events.\n";
  std::string text;
  for (const auto& event : reply.events()) {
    text += fmt::format("{} {:<7} {:<11} {}: {}\n", utc_time_ms(event.wall_clock_ms()), severity_text(event.severity()),
                        harmless(event.source()), harmless(event.name()), harmless(event.text()));
  }
  return text;
}

}  // namespace ipsec::cli

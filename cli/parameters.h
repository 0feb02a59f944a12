#pragma once

#include "cli/grammar.h"
#include "cli/limits.h"

// Shorthand for the rows of the grammar tables; included by them only.
namespace ipsec::cli::rows {

constexpr Parameter text(std::string_view tag, unsigned flags, std::string_view help) {
  return {.tag = tag, .kind = Kind::kText, .flags = flags, .help = help};
}
constexpr Parameter yes_no(std::string_view tag, std::string_view fallback, std::string_view help) {
  return {.tag = tag, .kind = Kind::kYesNo, .fallback = fallback, .help = help};
}
constexpr Parameter number(std::string_view tag, std::uint32_t minimum, std::uint32_t maximum, std::string_view unit,
                           std::string_view fallback, std::string_view help) {
  return {.tag = tag,
          .kind = Kind::kNumber,
          .fallback = fallback,
          .help = help,
          .minimum = minimum,
          .maximum = maximum,
          .unit = unit};
}
constexpr Parameter choice(std::string_view tag, std::span<const std::string_view> choices, std::string_view fallback,
                           std::string_view help, unsigned flags = 0) {
  return {.tag = tag, .kind = Kind::kChoice, .flags = flags, .fallback = fallback, .help = help, .choices = choices};
}
constexpr Parameter value(std::string_view tag, Kind kind, unsigned flags, std::string_view fallback,
                          std::string_view help) {
  return {.tag = tag, .kind = kind, .flags = flags, .fallback = fallback, .help = help};
}
constexpr Parameter in_group(std::uint8_t group, Parameter parameter) {
  parameter.group = group;
  return parameter;
}

inline constexpr std::string_view kLevels[] = {"verbose", "normal"};
inline constexpr std::string_view kFormats[] = {"list", "table"};
inline constexpr std::string_view kActions[] = {"permit", "block", "negotiate"};
inline constexpr std::string_view kRuleTypes[] = {"tunnel", "transport"};

inline constexpr std::string_view kConnectionTypes[] = {"lan", "dialup", "all"};

inline constexpr Parameter kName = text("name", kRequired, "Name of the object");
inline constexpr Parameter kDescription = text("description", 0, "A line about it");
inline constexpr Parameter kLevel = choice("level", kLevels, "normal", "How much to show");
inline constexpr Parameter kFormat = choice("format", kFormats, "list", "How to lay it out; a table is cut at tabs");
inline constexpr Parameter kWide = yes_no("wide", "no", "yes: text is not cut to 80 columns");
inline constexpr Parameter kResolve = yes_no("resolvedns", "no", "Show the DNS names of addresses");

inline constexpr Parameter kQuickModeMethods =
    value("qmsecmethods", Kind::kQuickModeMethods, 0, {}, "Methods in order of preference; only to negotiate");
inline constexpr Parameter kMainModeMethods =
    value("mmsecmethods", Kind::kMainModeMethods, 0, {}, "Main mode methods in order of preference");
inline constexpr Parameter kKerberos = yes_no("kerberos", {}, "Kerberos version 5; order on the line is preference");
inline constexpr Parameter kPresharedKey = value("psk", Kind::kSecret, 0, {}, "Preshared key");
inline constexpr Parameter kDumpSecrets = {.tag = "secrets",
                                           .kind = Kind::kYesNo,
                                           .flags = kTagOnly,
                                           .fallback = "no",
                                           .help = "yes: with the preshared keys in clear (not documented)"};
inline constexpr Parameter kRootCa =
    value("rootca", Kind::kRootCa, kRepeatable, {}, "Certification authority; may be repeated");

inline constexpr Parameter kSourceAddress =
    value("srcaddr", Kind::kAddress, kRequired, {}, "Source: address, range, DNS name, me, any or a server keyword");
inline constexpr Parameter kDestinationAddress =
    value("dstaddr", Kind::kAddress, kRequired, {}, "Destination, likewise");
inline constexpr Parameter kSourceMask = value("srcmask", Kind::kMask, 0, {}, "Mask or prefix length of the source");
inline constexpr Parameter kDestinationMask =
    value("dstmask", Kind::kMask, 0, {}, "Mask or prefix length of the destination");
inline constexpr Parameter kSourcePort = value("srcport", Kind::kPort, 0, "0", "Source port; 0: any");
inline constexpr Parameter kDestinationPort = value("dstport", Kind::kPort, 0, "0", "Destination port; 0: any");
inline constexpr Parameter kProtocol =
    value("protocol", Kind::kProtocol, 0, "ANY", "ANY, ICMP, TCP, UDP, RAW or a number");
inline constexpr Parameter kMirrored = yes_no("mirrored", "yes", "Also the filter of the other direction");

}  // namespace ipsec::cli::rows

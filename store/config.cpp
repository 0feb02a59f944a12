#include "store/config.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "store/limits.h"
#include "store/names.h"
#include "store/text.h"

namespace ipsec::store {

namespace {

// Numbers of one row: from lowest to highest.
struct Numbers {
  std::string_view property;
  std::uint32_t lowest = 0;
  std::uint32_t highest = 0;
};
constexpr Numbers kNumbers[] = {
    {"ipsecdiagnostics", 0, 7},       {"ikelogging", 0, 1},  {"strongcrlcheck", 0, 2},
    {"ipsecloginterval", 60, 86'400}, {"ipsecexempt", 0, 3},
};

constexpr std::string_view kBootModes[] = {"stateful", "block", "permit"};

constexpr bool kAtStart = true;

constexpr PropertyInfo kProperties[] = {
    {"ipsecdiagnostics", "0", "0 to 7", kAtStart},
    {"ikelogging", "0", "0 or 1"},
    {"ikeloglevels", "none",
     "none, or entries category:level with blanks between them: mainmode, quickmode, packets, policy, certificates, "
     "nat, "
     "driver or all; level 0 nothing, 1 outcomes, 2 steps and messages, 3 everything"},
    {"strongcrlcheck", "1", "0, 1 or 2"},
    {"ipsecloginterval", "3600", "60 to 86400 seconds", kAtStart},
    {"ipsecexempt", "3", "0 to 3", kAtStart},
    {"bootmode", "stateful", "stateful, block or permit", kAtStart},
    {"bootexemptions", "none",
     "none, or entries with blanks between them: TCP or UDP as protocol:srcport:dstport:direction, others as "
     "protocol:direction; direction is inbound or outbound, port 0 is any",
     kAtStart},
};

const PropertyInfo* find_property(std::string_view name) {
  const auto* found = std::find_if(std::begin(kProperties), std::end(kProperties),
                                   [&](const PropertyInfo& row) { return row.name == to_lower(name); });
  return found == std::end(kProperties) ? nullptr : found;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::optional<std::uint32_t> number_between(std::string_view text, std::uint32_t lowest, std::uint32_t highest) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < lowest || value > highest)
    return std::nullopt;
  return value;
}

// No packet has protocol 0, which stands for any of them in filters.
std::optional<BootExemption> read_exemption(const std::string& entry) {
  const std::vector<std::string> parts = split(entry, ':');
  std::optional<std::uint8_t> protocol = protocol_by_name(parts[0]);
  if (const auto number = number_between(parts[0], 1, 255)) protocol = static_cast<std::uint8_t>(*number);
  if (!protocol || *protocol == kProtocolAny) return std::nullopt;
  const bool has_ports = protocol_has_ports(*protocol);
  if (parts.size() != (has_ports ? 4U : 2U)) return std::nullopt;
  const std::string direction = to_lower(parts.back());
  if (direction != "inbound" && direction != "outbound") return std::nullopt;
  BootExemption exemption{direction == "inbound", *protocol};
  if (!has_ports) return exemption;
  const auto source = number_between(parts[1], 0, 65535);
  const auto destination = number_between(parts[2], 0, 65535);
  if (!source || !destination) return std::nullopt;
  exemption.source_port = static_cast<std::uint16_t>(*source);
  exemption.destination_port = static_cast<std::uint16_t>(*destination);
  return exemption;
}

std::string exemption_text(const BootExemption& exemption) {
  std::string ports;
  if (protocol_has_ports(exemption.protocol)) {
    ports = fmt::format(":{}:{}", exemption.source_port, exemption.destination_port);
  }
  return fmt::format("{}{}:{}", protocol_name(exemption.protocol), ports, exemption.inbound ? "inbound" : "outbound");
}

// nullopt: not "none", and no list of entries.
std::optional<std::vector<BootExemption>> read_exemptions(std::string_view value) {
  std::vector<BootExemption> exemptions;
  if (to_lower(value) == "none") return exemptions;
  for (const std::string& entry : split(value, ' ')) {
    if (entry.empty()) continue;
    const auto exemption = read_exemption(entry);
    if (!exemption || exemptions.size() == kMaxBootExemptions) return std::nullopt;
    exemptions.push_back(*exemption);
  }
  return exemptions.empty() ? std::nullopt : std::optional(std::move(exemptions));
}

std::optional<std::string> normal_exemptions(std::string_view value) {
  const auto exemptions = read_exemptions(value);
  if (!exemptions) return std::nullopt;
  std::string text;
  for (const BootExemption& exemption : *exemptions) text += (text.empty() ? "" : " ") + exemption_text(exemption);
  return text.empty() ? "none" : text;
}

constexpr std::string_view kLogCategories[] = {"mainmode",     "quickmode", "packets", "policy",
                                               "certificates", "nat",       "driver"};

void set_level(std::vector<IkeLogLevel>& levels, std::string_view category, std::uint32_t level) {
  std::erase_if(levels, [&](const IkeLogLevel& one) { return one.category == category; });
  levels.push_back({std::string(category), level});
}

// nullopt: not "none", and no list of entries. The later of two entries counts.
std::optional<std::vector<IkeLogLevel>> read_log_levels(std::string_view value) {
  std::vector<IkeLogLevel> levels;
  if (to_lower(value) == "none") return levels;
  for (const std::string& entry : split(to_lower(value), ' ')) {
    if (entry.empty()) continue;
    const std::vector<std::string> parts = split(entry, ':');
    const auto level = parts.size() == 2 ? number_between(parts[1], 0, 3) : std::nullopt;
    if (!level) return std::nullopt;
    bool known = false;
    for (const std::string_view category : kLogCategories) {
      if (parts[0] != category && parts[0] != "all") continue;
      set_level(levels, category, *level);
      known = true;
    }
    if (!known) return std::nullopt;
  }
  return levels.empty() ? std::nullopt : std::optional(std::move(levels));
}

std::optional<std::string> normal_log_levels(std::string_view value) {
  const auto levels = read_log_levels(value);
  if (!levels) return std::nullopt;
  std::string text;
  for (const IkeLogLevel& one : *levels)
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", one.category, one.level);
  return text.empty() ? "none" : text;
}

std::optional<std::string> normal_value(std::string_view property, std::string_view value) {
  for (const Numbers& row : kNumbers) {
    if (row.property != property) continue;
    const auto number = number_between(value, row.lowest, row.highest);
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
  }
  if (property == "bootexemptions") return normal_exemptions(value);
  if (property == "ikeloglevels") return normal_log_levels(value);
  const std::string word = to_lower(value);
  const bool is_mode = std::find(std::begin(kBootModes), std::end(kBootModes), word) != std::end(kBootModes);
  return is_mode ? std::optional(word) : std::nullopt;
}

}  // namespace

std::span<const PropertyInfo> all_properties() { return kProperties; }

Status set_property(Config& config, std::string_view property, std::string_view value) {
  const PropertyInfo* row = find_property(property);
  if (row == nullptr) {
    std::string names;
    for (const PropertyInfo& one : kProperties) names += fmt::format("{}{}", names.empty() ? "" : ", ", one.name);
    return invalid(fmt::format("'{}' is no property; accepted are {}", property, names));
  }
  auto normal = normal_value(row->name, value);
  if (!normal) return invalid(fmt::format("'{}' is no value of {}; accepted is {}", value, row->name, row->accepted));
  config[std::string(row->name)] = *std::move(normal);
  return {};
}

std::string property_value(const Config& config, std::string_view property) {
  const PropertyInfo* row = find_property(property);
  assert(row != nullptr);
  const auto found = config.find(row->name);
  return found != config.end() ? found->second : std::string(row->fallback);
}

std::uint32_t property_number(const Config& config, std::string_view property) {
  const std::string value = property_value(config, property);
  std::uint32_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

Config config_in_effect(const Config& started_with, const Config& stored) {
  Config effective;
  for (const PropertyInfo& row : kProperties) {
    effective[std::string(row.name)] = property_value(row.at_start ? started_with : stored, row.name);
  }
  return effective;
}

std::vector<BootExemption> boot_exemptions(const Config& config) {
  return read_exemptions(property_value(config, "bootexemptions")).value_or(std::vector<BootExemption>());
}

std::vector<IkeLogLevel> ike_log_levels(const Config& config) {
  return read_log_levels(property_value(config, "ikeloglevels")).value_or(std::vector<IkeLogLevel>());
}

}  // namespace ipsec::store

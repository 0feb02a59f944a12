#include "cli/ipseccmd_values.h"

#include <algorithm>

#include "cli/limits.h"

namespace ipsec::cli {

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string with_sha1(std::string text) {
  for (std::size_t at = text.find("SHA"); at != std::string::npos; at = text.find("SHA", at + 3)) {
    const bool is_whole = at + 3 == text.size() || text[at + 3] < '0' || text[at + 3] > '9';
    if (is_whole) text.insert(at + 3, 1, '1');
  }
  return text;
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return upper;
}

namespace {

constexpr std::string_view kAcceptedFilter =
    "expected Source/Mask:Port=Dest/Mask:Port:Protocol, with + in place of = for both directions; * is any address, 0 "
    "this computer";

Status wrong_filter(std::string_view text, std::string_view part) {
  return invalid(fmt::format("'{}' in the filter '{}': {}", part, text, kAcceptedFilter));
}

// "144.92.*.*" is 144.92.0.0/16.
Result<AddressValue> parse_starred(std::string_view text) {
  const auto octets = split_at(text, '.');
  if (octets.size() != 4) return invalid("stars stand for whole octets: 144.92.*.*");
  const auto is_star = [](std::string_view octet) { return octet == "*"; };
  const auto first_star = std::find_if(octets.begin(), octets.end(), is_star);
  if (!std::all_of(first_star, octets.end(), is_star)) return invalid("only stars may follow a star");
  std::string address;
  for (const std::string_view octet : octets) {
    address += fmt::format("{}{}", address.empty() ? "" : ".", is_star(octet) ? "0" : octet);
  }
  return parse_address(fmt::format("{}/{}", address, (first_star - octets.begin()) * 8));
}

Result<AddressValue> parse_side_address(std::string_view text) {
  const auto parts = split_at(text, '/');
  if (parts.size() > 2 || parts[0].empty()) return invalid("no address");
  if (parts[0] == "*") return AddressValue(AddressKeyword::kAny);
  if (parts[0] == "0") return AddressValue(AddressKeyword::kMe);
  if (parts[0].find('*') != std::string_view::npos) return parse_starred(parts[0]);
  IPSEC_ASSIGN_OR_RETURN(const AddressValue address, parse_address(parts[0]));
  if (parts.size() == 1) return address;
  IPSEC_ASSIGN_OR_RETURN(const Mask mask, parse_mask(parts[1]));
  return apply_mask(address, mask);
}

// An empty port means all ports.
Result<std::uint32_t> parse_port(std::string_view text) {
  if (text.empty() || text == "*") return std::uint32_t{0};
  return parse_number(text, 0, 65535, {});
}

struct Separator {
  std::size_t place = 0;
  bool mirrored = false;
};

std::optional<Separator> find_separator(std::string_view text) {
  const std::size_t place = text.find_first_of("=+");
  if (place == std::string_view::npos) return std::nullopt;
  return Separator{place, text[place] == '+'};
}

Result<std::optional<DhGroup>> take_pfs(std::string& lives, std::string_view word) {
  const std::size_t at = lives.find('P');
  if (at == std::string::npos) return std::optional<DhGroup>();
  std::string group = lives.substr(at);
  lives.resize(at);
  group.erase(0, group.starts_with("PFS") ? 3 : 1);
  if (group.empty()) return std::optional(DhGroup::kNone);
  if (const auto found = parse_dh_group(group)) return std::optional(*found);
  return invalid(fmt::format("'{}' in '{}' is no group of PFS; expected {}", group, word, accepted_dh_groups()));
}

}  // namespace

Result<IpseccmdOffer> parse_ipseccmd_offer(std::string_view word) {
  const std::string text = with_sha1(to_upper(word));
  const std::size_t end = text.rfind(']');
  if (end == std::string::npos) {
    return invalid(
        fmt::format("'{}' is no action; expected BLOCK, PASS, INPASS or offers such as "
                    "ESP[3DES,SHA1]3600S/50000KP2",
                    word));
  }
  IpseccmdOffer offer;
  std::string lives = text.substr(end + 1);
  IPSEC_ASSIGN_OR_RETURN(offer.pfs_group, take_pfs(lives, word));
  std::string kilobytes;
  std::string seconds;
  for (const std::string_view life : lives.empty() ? std::vector<std::string_view>() : split_at(lives, '/')) {
    std::string& target = life.ends_with('S') ? seconds : kilobytes;
    if (!target.empty() || (!life.ends_with('S') && !life.ends_with('K'))) {
      return invalid(
          fmt::format("'{}' in '{}' is no limit of rekeying; expected 3600S, 50000K or both with a slash", life, word));
    }
    target = to_lower(life);
  }
  offer.netsh = text.substr(0, end + 1);
  if (!lives.empty()) {
    offer.netsh += fmt::format(":{}{}{}", kilobytes, kilobytes.empty() || seconds.empty() ? "" : "/", seconds);
  }
  return offer;
}

Result<IpseccmdFilter> parse_ipseccmd_filter(std::string_view text) {
  IpseccmdFilter filter;
  std::string_view rest = text;
  for (const auto& [open, close, action] :
       {std::tuple('(', ')', IpseccmdFilter::Action::kPermit), std::tuple('[', ']', IpseccmdFilter::Action::kBlock)}) {
    if (!rest.starts_with(open)) continue;
    if (!rest.ends_with(close)) return wrong_filter(text, rest);
    filter.action = action;
    rest = rest.substr(1, rest.size() - 2);
  }
  const auto separator = find_separator(rest);
  if (!separator) return wrong_filter(text, rest);
  filter.mirrored = separator->mirrored;
  const auto source = split_at(rest.substr(0, separator->place), ':');
  const auto destination = split_at(rest.substr(separator->place + 1), ':');
  if (source.size() > 2 || destination.size() > 3) return wrong_filter(text, rest);
  const auto in_filter = [&](auto result, std::string_view part) {
    return result.ok() ? Status()
                       : invalid(fmt::format("{}: {}", wrong_filter(text, part).message(), result.status().message()));
  };
  auto source_address = parse_side_address(source[0]);
  IPSEC_RETURN_IF_ERROR(in_filter(source_address, source[0]));
  auto destination_address = parse_side_address(destination[0]);
  IPSEC_RETURN_IF_ERROR(in_filter(destination_address, destination[0]));
  const auto source_port = parse_port(source.size() > 1 ? source[1] : "");
  IPSEC_RETURN_IF_ERROR(in_filter(source_port, source.back()));
  const auto destination_port = parse_port(destination.size() > 1 ? destination[1] : "");
  IPSEC_RETURN_IF_ERROR(in_filter(destination_port, destination.back()));
  const bool has_protocol = destination.size() > 2 && !destination[2].empty();
  const auto protocol = has_protocol ? parse_protocol(destination[2]) : Result<std::uint32_t>(0U);
  IPSEC_RETURN_IF_ERROR(in_filter(protocol, destination.back()));
  filter.source = *std::move(source_address);
  filter.destination = *std::move(destination_address);
  filter.source_port = *source_port;
  filter.destination_port = *destination_port;
  filter.protocol = *protocol;
  return filter;
}

}  // namespace ipsec::cli

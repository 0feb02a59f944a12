#include "cli/ipseccmd.h"

#include <algorithm>
#include <cassert>

#include "cli/limits.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kAcceptedFilter =
    "expected Source/Mask:Port=Dest/Mask:Port:Protocol, with + in place of = for both directions; * is any address, 0 "
    "this computer";

constexpr std::string_view kShown[] = {"filters", "policies", "auth", "stats", "sas", "all"};

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

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

// "ESP[3DES,SHA]3600S/50000KP2" in the form of netsh, with what `P` says.
struct Offer {
  std::string netsh;
  std::optional<DhGroup> pfs_group;
};

// SHA is netsh's SHA1.
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

Result<Offer> parse_offer(std::string_view word) {
  const std::string text = with_sha1(to_upper(word));
  const std::size_t end = text.rfind(']');
  if (end == std::string::npos) {
    return invalid(
        fmt::format("'{}' is no action; expected BLOCK, PASS, INPASS or offers such as "
                    "ESP[3DES,SHA1]3600S/50000KP2",
                    word));
  }
  Offer offer;
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

class IpseccmdParser {
 public:
  explicit IpseccmdParser(std::span<const Word> words) : words_(words) {}

  Result<Ipseccmd> parse() {
    if (words_.empty()) command_.help = true;
    while (!at_end()) {
      const std::string word = words_[next_++].text;
      if (word.starts_with("\\\\")) {
        return refused(fmt::format("{}: another machine cannot be reached from here; run ipseccmd on it", word));
      }
      IPSEC_RETURN_IF_ERROR(take_option(to_lower(word)));
    }
    IPSEC_RETURN_IF_ERROR(check());
    return std::move(command_);
  }

 private:
  bool at_end() const { return next_ == words_.size(); }
  bool is_value() const { return !at_end() && (!words_[next_].text.starts_with('-') || words_[next_].quoted_first); }

  Result<std::string> value(std::string_view option) {
    if (!is_value()) return invalid(fmt::format("{} needs a value", option));
    return words_[next_++].text;
  }

  // The words up to the next option; at least one.
  Result<std::vector<std::string>> values(std::string_view option) {
    std::vector<std::string> all;
    while (is_value()) all.push_back(words_[next_++].text);
    if (all.empty()) return invalid(fmt::format("{} needs a value", option));
    return all;
  }

  Status take_option(const std::string& option) {
    if (option == "-?" || option == "/?" || option == "-h") return set(command_.help);
    if (option == "show") return take_show();
    if (option == "-u") return set(command_.delete_all);
    if (option == "-1p") return set(command_.master_pfs);
    if (option == "-soft") return set(command_.soft);
    if (option == "-o") return set(command_.remove);
    if (option == "-confirm") return {};
    if (option == "-x") return assign(Ipseccmd::Assign::kYes);
    if (option == "-y") return assign(Ipseccmd::Assign::kNo);
    if (option == "-lan" || option == "-dialup") return connection_type(option.substr(1));
    if (option == "-w") return take_store();
    if (option == "-p") return take_policy();
    if (option == "-r") return take_text(option, command_.rule);
    if (option == "-f") return take_filters();
    if (option == "-n") return take_negotiation();
    if (option == "-t") return take_tunnel();
    if (option == "-a") return take_authentication();
    if (option == "-1s") return take_main_mode_offers();
    if (option == "-1k") return take_main_mode_limits();
    if (option == "-1e") return take_soft_expiry();
    if (option == "-1f") return refused("-1f: main mode filters follow from the other filters here; leave it out");
    return invalid(fmt::format("'{}' is no option of ipseccmd; see ipseccmd -?", option));
  }

  static Status set(bool& flag) {
    flag = true;
    return {};
  }
  Status assign(Ipseccmd::Assign value) {
    command_.assign = value;
    return {};
  }
  Status connection_type(std::string value) {
    command_.connection_type = std::move(value);
    return {};
  }
  Status take_text(std::string_view option, std::string& text) {
    IPSEC_ASSIGN_OR_RETURN(text, value(option));
    return {};
  }

  Status take_show() {
    const std::string wanted = at_end() ? "all" : to_lower(words_[next_++].text);
    if (std::find(std::begin(kShown), std::end(kShown), wanted) == std::end(kShown)) {
      return invalid(fmt::format("show {}: expected filters, policies, auth, stats, sas or all", wanted));
    }
    command_.show = wanted;
    return {};
  }

  Status take_store() {
    IPSEC_ASSIGN_OR_RETURN(const std::string text, value("-w"));
    const std::string type = to_lower(split_at(text, ':').front());
    if (type == "ds") return refused("-w DS: use `netsh ipsec static set store location=domain` for the directory");
    if (type != "reg") return invalid(fmt::format("-w {}: expected REG", text));
    command_.is_static = true;
    return {};
  }

  Status take_policy() {
    IPSEC_ASSIGN_OR_RETURN(std::string text, value("-p"));
    const std::size_t colon = text.rfind(':');
    if (colon != std::string::npos) {
      const auto minutes = parse_number(std::string_view(text).substr(colon + 1), 0, kMostMinutes, "minutes");
      if (minutes.ok()) {
        command_.polling_minutes = *minutes;
        text.resize(colon);
      }
    }
    command_.policy = std::move(text);
    return {};
  }

  Status take_filters() {
    IPSEC_ASSIGN_OR_RETURN(const auto texts, values("-f"));
    for (const std::string& text : texts) {
      if (equal_ignoring_case(text, "DEFAULT")) {
        command_.default_rule = true;
        continue;
      }
      IPSEC_ASSIGN_OR_RETURN(IpseccmdFilter filter, parse_ipseccmd_filter(text));
      command_.filters.push_back(std::move(filter));
    }
    return {};
  }

  Status take_negotiation() {
    IPSEC_ASSIGN_OR_RETURN(const auto texts, values("-n"));
    std::string offers;
    for (const std::string& text : texts) {
      if (equal_ignoring_case(text, "BLOCK")) {
        command_.action = Ipseccmd::Action::kBlock;
      } else if (equal_ignoring_case(text, "PASS")) {
        command_.action = Ipseccmd::Action::kPermit;
      } else if (equal_ignoring_case(text, "INPASS")) {
        command_.inbound_passthrough = true;
      } else {
        IPSEC_ASSIGN_OR_RETURN(const Offer offer, parse_offer(text));
        if (offer.pfs_group) command_.pfs_group = offer.pfs_group;
        offers += " " + offer.netsh;
      }
    }
    if (!offers.empty()) {
      IPSEC_ASSIGN_OR_RETURN(command_.offers, parse_quick_mode_methods(offers));
    }
    const bool negotiates = command_.inbound_passthrough || !offers.empty();
    if (command_.action && negotiates) return invalid("-n: BLOCK and PASS stand alone");
    if (negotiates) command_.action = Ipseccmd::Action::kNegotiate;
    return {};
  }

  Status take_tunnel() {
    IPSEC_ASSIGN_OR_RETURN(const std::string text, value("-t"));
    IPSEC_ASSIGN_OR_RETURN(command_.tunnel, parse_tunnel_end(text));
    return {};
  }

  Status take_authentication() {
    IPSEC_ASSIGN_OR_RETURN(auto texts, values("-a"));
    for (std::string& text : texts) {
      const Status status = add_authentication(text);
      wipe_memory(text.data(), text.size());
      IPSEC_RETURN_IF_ERROR(status);
    }
    return {};
  }

  // Never names the word: it may hold the key.
  Status add_authentication(const std::string& text) {
    const std::string type = to_lower(split_at(text, ':').front());
    const std::string_view rest = std::string_view(text).substr(std::min(type.size() + 1, text.size()));
    IpseccmdAuthentication method;
    if (is_abbreviation(type, "kerberos")) {
      method.kind = IpseccmdAuthentication::Kind::kKerberos;
    } else if (is_abbreviation(type, "preshare") && !rest.empty()) {
      method.kind = IpseccmdAuthentication::Kind::kPresharedKey;
      method.key = SecretBytes(rest);
    } else if (is_abbreviation(type, "cert") && !rest.empty()) {
      method.kind = IpseccmdAuthentication::Kind::kCertificate;
      method.root_ca = std::string(rest);
    } else {
      return invalid("-a: expected KERBEROS, PRESHARE:\"key\" or CERT:\"name of the certification authority\"");
    }
    command_.authentication.push_back(std::move(method));
    return {};
  }

  Status take_main_mode_offers() {
    IPSEC_ASSIGN_OR_RETURN(const auto texts, values("-1s"));
    std::string methods;
    for (const std::string& text : texts) methods += " " + with_sha1(to_upper(text));
    IPSEC_ASSIGN_OR_RETURN(command_.main_mode_offers, parse_main_mode_methods(methods));
    return {};
  }

  // "10Q/3600S": quick modes and seconds.
  Status take_main_mode_limits() {
    IPSEC_ASSIGN_OR_RETURN(const std::string text, value("-1k"));
    for (const std::string_view part : split_at(text, '/')) {
      const std::string unit = part.empty() ? "" : to_lower(part.substr(part.size() - 1));
      const auto number = parse_number(part.substr(0, part.empty() ? 0 : part.size() - 1), 1, 0xffffffff, {});
      if (!number.ok() || (unit != "q" && unit != "s")) {
        return invalid(
            fmt::format("-1k {}: expected a number of quick modes (10Q), of seconds (28800S), or both with "
                        "a slash",
                        text));
      }
      if (unit == "q")
        command_.quick_mode_limit = *number;
      else
        command_.main_mode_minutes = *number / 60 + (*number % 60 != 0 ? 1 : 0);
    }
    return {};
  }

  Status take_soft_expiry() {
    IPSEC_ASSIGN_OR_RETURN(const std::string text, value("-1e"));
    IPSEC_ASSIGN_OR_RETURN(command_.soft_sa_seconds, parse_number(text, 0, 0xffffffff, "seconds"));
    return {};
  }

  Status check() const {
    if (command_.help || command_.delete_all || !command_.show.empty()) return {};
    if (!command_.is_static) {
      if (command_.assign != Ipseccmd::Assign::kUnchanged || command_.remove) {
        return invalid("-x, -y and -o work on a stored policy; add -w REG -p NAME");
      }
      if (command_.filters.empty()) return invalid("-f with at least one filter is required");
      return {};
    }
    if (command_.policy.empty()) return invalid("-p with the name of the policy is required beside -w");
    const auto has_own_action = [](const IpseccmdFilter& filter) {
      return filter.action != IpseccmdFilter::Action::kOfCommand;
    };
    if (std::any_of(command_.filters.begin(), command_.filters.end(), has_own_action)) {
      return invalid(
          "( ) and [ ] around a filter work without -w only; use -n PASS or -n BLOCK with a rule of its own");
    }
    if (!command_.filters.empty() && command_.rule.empty()) return invalid("-r with the name of the rule is required");
    return {};
  }

  std::span<const Word> words_;
  std::size_t next_ = 0;
  Ipseccmd command_;
};

}  // namespace

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

Result<Ipseccmd> parse_ipseccmd(std::span<const Word> words) { return IpseccmdParser(words).parse(); }

std::string ipseccmd_help() {
  return R"(Usage: ipseccmd -f FILTER... [-n ACTION...] [-t TUNNEL] [-a AUTHENTICATION...]
                [-1s METHODS] [-1k LIMITS] [-1p] [-1e SECONDS] [-soft] [-lan | -dialup]
                [-w REG -p POLICY[:MINUTES] -r RULE [-x | -y] [-o]]
       ipseccmd -u
       ipseccmd show filters|policies|auth|stats|sas|all

  -f FILTER     Source/Mask:Port=Dest/Mask:Port:Protocol; + for = makes both directions; * any
                address, 0 this computer; ( ) around it permits, [ ] blocks; DEFAULT
  -n ACTION     BLOCK, PASS, INPASS, or offers: ESP[3DES,SHA1]3600S/50000KP2
  -a            KERBEROS, PRESHARE:"key", CERT:"certification authority"
  -w REG        changes the stored policy; without it the dynamic policy, until the agent ends
  -x  -y  -o    assigns, unassigns, deletes the policy (with -r: the rule)
  -u            deletes the whole dynamic policy

It is here for old scripts. netsh does all of it and more.
)";
}

}  // namespace ipsec::cli

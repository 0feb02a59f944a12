#include "cli/ipseccmd.h"

#include <algorithm>
#include <cassert>

#include "cli/ipseccmd_values.h"
#include "cli/limits.h"

namespace ipsec::cli {

namespace {

constexpr std::string_view kShown[] = {"filters", "policies", "auth", "stats", "sas", "all"};

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
        IPSEC_ASSIGN_OR_RETURN(const IpseccmdOffer offer, parse_ipseccmd_offer(text));
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

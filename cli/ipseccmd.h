#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/methods.h"
#include "cli/values.h"
#include "cli/words.h"
#include "services/common/result.h"
#include "services/common/secret.h"

// The command lines of ipseccmd and ipsecpol, older than netsh (reference, section 11). Pure.
namespace ipsec::cli {

struct IpseccmdFilter {
  AddressValue source = AddressKeyword::kMe;
  AddressValue destination = AddressKeyword::kAny;
  std::uint32_t protocol = 0;
  std::uint32_t source_port = 0;
  std::uint32_t destination_port = 0;
  bool mirrored = false;
  enum class Action : std::uint8_t { kOfCommand, kPermit, kBlock } action = Action::kOfCommand;  // ( ) and [ ]
};

struct IpseccmdAuthentication {
  enum class Kind : std::uint8_t { kKerberos, kPresharedKey, kCertificate } kind = Kind::kKerberos;
  SecretBytes key;      // of kPresharedKey
  std::string root_ca;  // of kCertificate
};

struct Ipseccmd {
  enum class Action : std::uint8_t { kNegotiate, kPermit, kBlock };
  enum class Assign : std::uint8_t { kUnchanged, kYes, kNo };

  bool help = false;
  std::string show;         // what to show: "filters", ...; nothing else is set then
  bool delete_all = false;  // -u
  bool is_static = false;   // -w REG; otherwise the dynamic policy
  std::string policy;
  std::optional<std::uint32_t> polling_minutes;
  std::string rule;
  std::vector<IpseccmdFilter> filters;
  bool default_rule = false;  // the filter DEFAULT
  std::optional<Action> action;
  bool inbound_passthrough = false;
  std::vector<QuickModeOffer> offers;  // empty: the default ones
  std::optional<DhGroup> pfs_group;    // set: with PFS; kNone: the main mode's group
  std::optional<AddressValue> tunnel;
  std::vector<IpseccmdAuthentication> authentication;  // empty: the default
  std::vector<MainModeOffer> main_mode_offers;         // empty: the default ones
  std::optional<std::uint32_t> quick_mode_limit;
  std::optional<std::uint32_t> main_mode_minutes;
  std::optional<std::uint32_t> soft_sa_seconds;
  bool master_pfs = false;
  bool soft = false;
  std::string connection_type = "all";  // "lan", "dialup"
  Assign assign = Assign::kUnchanged;
  bool remove = false;  // -o
};

// kInvalid names the word and what is accepted; kRefused what this machine does not have (another machine, the
// directory).
Result<Ipseccmd> parse_ipseccmd(std::span<const Word> words);

// "Source/Mask:Port=Dest/Mask:Port:Protocol" and its variants.
Result<IpseccmdFilter> parse_ipseccmd_filter(std::string_view text);

std::string ipseccmd_help();

}  // namespace ipsec::cli

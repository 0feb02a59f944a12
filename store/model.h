#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "store/copy_on_write.h"

// Policy objects as plain values: what the administrator wrote, in the words of netsh. No object knows a database, a
// wire format or a host. Names are unique per kind without regard to case (rules: within their policy); links are by
// Guid. Fields and defaults: reference of `netsh ipsec static` and the seed rows PD, DR, KEY.
namespace ipsec::store {

// Lower-case text "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", without braces.
struct Guid {
  std::string text;
  friend auto operator<=>(const Guid&, const Guid&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Guid& guid) {
    return H::combine(std::move(state), guid.text);
  }
};

// UTC seconds since 1970, as stored.
using WallClock = std::int64_t;

// ---- main mode ------------------------------------------------------------------------------------------------------

// One main mode offer; a policy lists them in order of preference (PD-03).
struct MainModeOffer {
  Cipher cipher = Cipher::kAes256Cbc;        // never NULL or an AEAD
  Integrity integrity = Integrity::kSha256;  // never kNone
  DhGroup group = DhGroup::kModp2048;        // never kNone
  friend bool operator==(const MainModeOffer&, const MainModeOffer&) = default;
};

struct IsakmpPolicy {
  Guid guid;
  std::vector<MainModeOffer> offers;     // at least one; see default_main_mode_offers
  std::uint32_t lifetime_minutes = 480;  // KEY-03; 1 to 71582788 (2^32 seconds)
  std::uint32_t quick_mode_limit = 0;    // quick modes per main mode; 0 is no limit (KEY-25)
  bool master_pfs = false;               // KEY-26; the limit then counts as 1
};

// ---- quick mode -----------------------------------------------------------------------------------------------------

// One quick mode offer ("security method"): ESP, AH or both, with lifetimes (KEY-06: 100000 kB or 3600 s).
struct QuickModeOffer {
  std::optional<Integrity> ah;  // never kNone
  struct Esp {
    Cipher cipher = Cipher::kAes128Cbc;
    Integrity integrity = Integrity::kSha1;  // kNone with an AEAD, or beside AH
    friend bool operator==(const Esp&, const Esp&) = default;
  };
  std::optional<Esp> esp;
  std::uint32_t lifetime_kilobytes = 100000;  // 20480 to 2147483647
  std::uint32_t lifetime_seconds = 3600;      // 300 to 172800 (KEY-12)
  friend bool operator==(const QuickModeOffer&, const QuickModeOffer&) = default;
};

enum class Action : std::uint8_t { kPermit, kBlock, kNegotiate };

struct FilterAction {
  Guid guid;
  std::string name;
  std::string description;
  WallClock last_modified = 0;
  Action action = Action::kNegotiate;
  std::vector<QuickModeOffer> offers;  // in order of preference; empty unless kNegotiate
  bool quick_mode_pfs = false;         // session key PFS (KEY-28)
  DhGroup pfs_group = DhGroup::kNone;  // kNone: the main mode's group (KEY-31); counts only with quick_mode_pfs
  bool inbound_passthrough = false;    // netsh inpass: accept unsecured inbound, answer secured (PD-13)
  bool allow_soft = false;             // netsh soft: fall back to clear (PD-14)
};

// ---- filters --------------------------------------------------------------------------------------------------------

// Keywords that stand for addresses known only on the host that obeys the policy.
enum class AddressKeyword : std::uint8_t { kMe, kAny, kDns, kWins, kDhcp, kGateway };

struct DnsName {
  std::string name;                 // as written
  std::vector<IpAddress> resolved;  // at the time the filter was added; may be empty
  friend bool operator==(const DnsName&, const DnsName&) = default;
};

// A keyword, a host/subnet/range, or a DNS name. A range that is a prefix was given by mask.
using FilterAddress = std::variant<AddressKeyword, AddressRange, DnsName>;

struct Filter {
  Guid guid;
  std::string description;
  FilterAddress source = AddressKeyword::kMe;
  FilterAddress destination = AddressKeyword::kAny;
  std::uint8_t protocol = kProtocolAny;
  std::uint16_t source_port = 0;  // 0 is any; only with TCP or UDP
  std::uint16_t destination_port = 0;
  bool mirrored = true;
};

struct FilterList {
  Guid guid;
  std::string name;
  std::string description;
  WallClock last_modified = 0;
  CopyOnWrite<Filter> filters;
};

// ---- rules and policies ---------------------------------------------------------------------------------------------

struct KerberosAuthentication {};
// A preshared key as it stands in a store that this host has no key for.
struct SealedKey {
  std::string key_id;
  Bytes octets;
};
struct PresharedKeyAuthentication {
  SecretBytes key;                         // 1 to 256 octets; empty where it is unopened
  std::optional<SealedKey> unopened = {};  // kept as it is, in case the key comes back; no peer is authenticated by it
};
struct CertificateAuthentication {
  std::string root_ca;           // issuer name as written
  bool map_to_account = false;   // certmap
  bool exclude_ca_name = false;  // excludecaname
};
using AuthenticationMethod =
    std::variant<KerberosAuthentication, PresharedKeyAuthentication, CertificateAuthentication>;

enum class ConnectionType : std::uint8_t { kAll, kLan, kDialup };

// A rule, also called NFA: filter list + filter action + authentication + tunnel + connection type (PD-05).
struct Rule {
  Guid guid;
  std::string name;
  std::string description;
  WallClock last_modified = 0;
  Guid filter_list;
  Guid filter_action;
  std::vector<AuthenticationMethod> authentication;  // in order of preference (PD-16); at least one
  // The end of the tunnel in the direction of the rule's filters: the peer for outbound, this computer for inbound
  // (PD-18).
  std::optional<IpAddress> tunnel_endpoint;
  ConnectionType connection_type = ConnectionType::kAll;
  bool active = true;
};

// Every policy has one; it can be made inactive, not deleted (DR-01, DR-02). It answers peers for whom no rule fits.
struct DefaultResponseRule {
  Guid guid;
  bool active = true;
  bool quick_mode_pfs = false;
  std::vector<QuickModeOffer> offers;
  std::vector<AuthenticationMethod> authentication;
};

// `modern` and `windows2003`: design section 8.
enum class Profile : std::uint8_t { kModern, kWindows2003 };

struct Policy {
  Guid guid;
  std::string name;
  std::string description;
  WallClock last_modified = 0;
  std::uint64_t version = 0;  // ST-04, ST-05; kept by the store: grows with each change of it or of what its rules use
  Profile profile = Profile::kModern;
  IsakmpPolicy isakmp;
  std::uint32_t polling_interval_minutes = 180;  // PD-01; 0 turns polling off
  std::vector<Rule> rules;                       // in the order they were added
  DefaultResponseRule default_response;
};

// Everything in one store. At most one policy is assigned.
struct PolicyTree {
  std::vector<Policy> policies;
  std::vector<FilterList> filter_lists;
  std::vector<FilterAction> filter_actions;
  std::optional<Guid> assigned;
};

// ---- what runs beside the stored policies ---------------------------------------------------------------------------

// The dynamic policy (`netsh ipsec dynamic`): laid over the assigned policy, never stored.
struct DynamicMainModePolicy {
  std::string name;
  std::vector<MainModeOffer> offers = {};
  std::uint32_t lifetime_minutes = 480;
  std::uint32_t quick_mode_limit = 0;
  std::uint32_t soft_sa_expiration = 480;  // as written: the sources disagree about its unit
};

struct DynamicQuickModePolicy {
  std::string name;
  std::vector<QuickModeOffer> offers = {};
  std::optional<DhGroup> pfs = {};  // set: with PFS; kNone: the main mode's group
  bool allow_soft = false;
};

// Has no name of its own: filter, connection type and tunnel identify it.
struct DynamicRule {
  Guid guid;         // made of them
  std::string name;  // what they are, for listings and messages
  Filter filter;     // its GUID is the rule's
  ConnectionType connection_type = ConnectionType::kAll;
  std::optional<IpAddress> tunnel_endpoint;
  Action inbound = Action::kNegotiate;
  Action outbound = Action::kNegotiate;
  std::string main_mode_policy;   // one that exists
  std::string quick_mode_policy;  // one that exists, or empty where neither action negotiates
  std::vector<AuthenticationMethod> authentication;
};

struct DynamicPolicy {
  std::vector<DynamicMainModePolicy> main_mode_policies;
  std::vector<DynamicQuickModePolicy> quick_mode_policies;
  std::vector<DynamicRule> rules;
};

}  // namespace ipsec::store
